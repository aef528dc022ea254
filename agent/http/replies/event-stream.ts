/** The events of a job as server-sent events: WHATWG HTML, section 9.2 "Server-sent events". */

import { Readable } from 'node:stream'
import type { JobEvent } from '../../boot/jobs/job.js'

/** Milliseconds that a browser waits before it takes up a broken stream. */
const RETRY_MS = 1000

/** One event of the stream. JSON has no line breaks of its own, so `data` is one line. */
function formatEvent(event: JobEvent): string {
  return `id: ${event.seq}\nevent: ${event.type}\ndata: ${JSON.stringify(event)}\n\n`
}

/**
 * A stream that ends with the events. It takes the next event only when the client has taken the last one; in between
 * comments keep both ends informed that the other is there. Destroying the stream ends the iteration.
 */
export class EventStream extends Readable {
  readonly #events: AsyncIterator<JobEvent>
  readonly #heartbeat: NodeJS.Timeout
  readonly #stop: () => void
  #waiting = false

  /**
   * @param events to send
   * @param heartbeatMs milliseconds between comments while nothing happens
   * @param stop ends `events`, also while it waits for the next one
   */
  constructor(events: AsyncIterator<JobEvent>, heartbeatMs: number, stop: () => void) {
    super()
    this.#events = events
    this.#stop = stop
    this.#heartbeat = setInterval(() => this.#beat(), heartbeatMs).unref()
    // The headers leave with the first bytes: the client learns at once that it is connected.
    this.push(`retry: ${RETRY_MS}\n\n`)
  }

  override _read(): void {
    if (this.#waiting) return
    this.#waiting = true
    this.#events.next().then(
      ({ done, value }) => {
        this.#waiting = false
        if (!this.destroyed) this.push(done === true ? null : formatEvent(value))
      },
      (thrown: Error) => this.destroy(thrown),
    )
  }

  override _destroy(error: Error | null, callback: (error?: Error | null) => void): void {
    clearInterval(this.#heartbeat)
    this.#stop()
    callback(error)
  }

  /** A comment, unless the client is slow: then unread data keeps the connection busy. */
  #beat(): void {
    if (this.#waiting && this.readableLength === 0) this.push(': \n\n')
  }
}
