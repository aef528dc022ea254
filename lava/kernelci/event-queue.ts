/**
 * Jobs that were seen and wait for a board, and how far the events are done with. The cursor never passes a job that
 * waits: after a restart it is seen again.
 */

import type { KernelciNode, NodeEvent } from './node.js'

/** A job that waits for a board. */
export interface WaitingJob {
  readonly node: KernelciNode
  /** timestamp of the event before its own: the cursor while it waits */
  readonly before: string
}

export class EventQueue {
  readonly #waiting = new Map<string, WaitingJob>()
  #last: string

  /** @param cursor timestamp of the last event that is done with */
  constructor(cursor: string) {
    this.#last = cursor
  }

  /** Timestamp of the last event that was seen: the next poll begins behind it. */
  get seen(): string {
    return this.#last
  }

  /** Timestamp behind which nothing is done with for good. */
  get cursor(): string {
    // Jobs wait in the order of their events.
    for (const { before } of this.#waiting.values()) return before
    return this.#last
  }

  /** Jobs that wait, the oldest first. */
  get waiting(): WaitingJob[] {
    return [...this.#waiting.values()]
  }

  /**
   * Take in an answer of the API.
   *
   * @param wanted whether a node is a job for this lab
   * @returns the jobs that are new
   */
  add(events: readonly NodeEvent[], wanted: (node: KernelciNode) => boolean): KernelciNode[] {
    const added: KernelciNode[] = []
    for (const { timestamp, node } of events) {
      const before = this.#last
      // Events come in order; one that does not must not send the lab back.
      if (timestamp > this.#last) this.#last = timestamp
      if (node === null || this.#waiting.has(node.id) || !wanted(node)) continue
      this.#waiting.set(node.id, { node, before })
      added.push(node)
    }
    return added
  }

  /** The job waits no longer. */
  remove(id: string): void {
    this.#waiting.delete(id)
  }
}
