/** A line that outlasts resets: it is connected to one U-Boot after the other. */

import type { ConsoleLine } from '../../agent/uboot/console/console-line.js'
import type { UBoot } from '../../agent/uboot/uboot.js'

export class LastingLine {
  /** resolves when the other end is gone and its input has been processed */
  readonly done: Promise<void>
  readonly #line: ConsoleLine
  #finish: () => void = () => undefined
  #receive: (bytes: string) => boolean = () => true
  #uboot: UBoot | null = null

  constructor(line: ConsoleLine) {
    this.#line = line
    this.done = new Promise(resolve => {
      this.#finish = resolve
    })
    line.receive(bytes => this.#receive(bytes))
  }

  /** Connect it to a U-Boot; output of the previous one is dropped. */
  connect(uboot: UBoot): void {
    const line = this.#line
    this.#uboot = uboot
    const current = (): boolean => this.#uboot === uboot
    const closed = uboot.attach({
      name: line.name,
      ended: line.ended,
      receive: listener => {
        this.#receive = listener
      },
      resume: () => line.resume(),
      send: bytes => {
        if (current()) line.send(bytes)
      },
      room: () => (current() ? line.room() : null),
      drained: () => line.drained(),
      close: () => undefined,
    })
    void closed.then(() => {
      if (current()) this.#finish()
    })
    // The one before it may have asked the sender to wait.
    line.resume()
  }

  close(): void {
    this.#line.close()
  }
}
