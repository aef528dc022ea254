/**
 * A serial port that is opened again for as long as it takes. The 8250 driver makes ttyS0 before the real UART is there:
 * reading and writing give EIO until then, and the port hangs up when the UART comes. A USB adapter may be pulled out.
 */

import { asFault } from '../../errors.js'
import { pause } from '../../transfer/abort.js'
import type { StreamLine } from './stream-line.js'
import { mayComeLater } from './tty-line.js'

/** Milliseconds from one attempt to open the port to the next: the first, doubled up to the longest. */
const FIRST_WAIT_MS = 100
const LONGEST_WAIT_MS = 2000

export interface SerialPortOptions {
  /** `/dev/ttyS0`, for the log */
  readonly path: string
  /** Open the port and apply the terminal's settings. @throws CONSOLE_LINE */
  readonly open: () => StreamLine
  /** Serve a line; the port is opened again once it has ended. */
  readonly connected: (line: StreamLine) => void
  readonly log: { info(fields: object, message: string): void; error(fields: object, message: string): void }
  /** Wait so many milliseconds; default `pause`. */
  readonly wait?: typeof pause
}

export class SerialPort {
  readonly #options: SerialPortOptions
  readonly #closed = new AbortController()
  #wait = FIRST_WAIT_MS
  #isThere = true

  /**
   * Open a port, now or as soon as it is there.
   *
   * @throws CONSOLE_LINE when the path will never be a terminal
   */
  constructor(options: SerialPortOptions) {
    this.#options = options
    const first = this.#tryOpen(mayComeLater)
    void this.#serve(first)
  }

  /** Open it no more. A line that is open stays. */
  close(): void {
    this.#closed.abort()
  }

  /** @returns null when the port is not there now. @throws what `isPassing` denies */
  #tryOpen(isPassing: (thrown: unknown) => boolean): StreamLine | null {
    try {
      const line = this.#options.open()
      if (!this.#isThere) this.#options.log.info({ serial: this.#options.path }, 'the serial console is there')
      this.#isThere = true
      return line
    } catch (thrown) {
      if (!isPassing(thrown)) throw thrown
      this.#gone(asFault(thrown, 'opening the serial console').message)
      return null
    }
  }

  /** One message, however often opening fails. */
  #gone(reason: string): void {
    const { log, path } = this.#options
    if (this.#isThere)
      log.error({ serial: path, reason }, 'the serial console is gone; it is used when it is there again')
    this.#isThere = false
  }

  async #serve(first: StreamLine | null): Promise<void> {
    const { wait = pause } = this.#options
    const { signal } = this.#closed
    try {
      for (let line = first; ; line = this.#tryOpen(() => true)) {
        if (line !== null) await this.#untilEnded(line)
        await wait(this.#wait, signal)
        this.#wait = Math.min(this.#wait * 2, LONGEST_WAIT_MS)
      }
    } catch (thrown) {
      if (!signal.aborted) throw thrown
    }
  }

  async #untilEnded(line: StreamLine): Promise<void> {
    const since = performance.now()
    this.#options.connected(line)
    await line.ended
    this.#closed.signal.throwIfAborted()
    this.#gone('it hung up')
    // A port that comes and goes is opened no more often than one that is not there.
    if (performance.now() - since > LONGEST_WAIT_MS) this.#wait = FIRST_WAIT_MS
  }
}
