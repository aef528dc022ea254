/** The board's serial line for others than its terminal: they see what U-Boot prints there, and may type. */

import type { ConsoleLine } from './console-line.js'

/** Characters that are kept for those who come later: a screen or two, with the banner. */
const KEPT = 16 * 1024

export interface Watcher {
  /** Show bytes, as latin1. It must neither wait nor throw. */
  send(bytes: string): void
  /** More may be typed after {@link Watching.type} returned false. */
  resume(): void
}

export interface Watching {
  /** what was printed before */
  readonly recent: string
  /** Type bytes, as latin1. @returns false: many wait, so the sender should, too, until `resume` */
  type(bytes: string): boolean
  /** Watch no more. */
  close(): void
}

export class SharedLine {
  readonly #watchers = new Set<Watcher>()
  #recent = ''
  /** of the line that is there now; null while none is */
  #typed: ((bytes: string) => boolean) | null = null

  /** The same line, whose output the watchers see. It takes the place of an earlier one, which has ended. */
  share(line: ConsoleLine): ConsoleLine {
    const { name, ended, interruptsAtEnd } = line
    let receive: ((bytes: string) => boolean) | null = null
    void ended.then(() => {
      if (this.#typed === receive) this.#typed = null
    })
    return {
      name,
      ended,
      interruptsAtEnd,
      receive: listener => {
        receive = listener
        this.#typed = listener
        line.receive(listener)
      },
      resume: () => {
        line.resume()
        for (const watcher of this.#watchers) watcher.resume()
      },
      send: bytes => {
        line.send(bytes)
        this.#recent = (this.#recent + bytes).slice(-KEPT)
        for (const watcher of this.#watchers) watcher.send(bytes)
      },
      damage: async () => (await line.damage?.()) ?? null,
      room: () => line.room(),
      drained: () => line.drained(),
      close: () => line.close(),
    }
  }

  watch(watcher: Watcher): Watching {
    this.#watchers.add(watcher)
    return {
      recent: this.#recent,
      type: bytes => this.#typed?.(bytes) ?? true,
      close: () => this.#watchers.delete(watcher),
    }
  }
}
