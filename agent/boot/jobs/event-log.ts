/** What happened to a job, in order, for as many readers as there are. */

import { EventEmitter, once } from 'node:events'
import type { JobEvent } from './job.js'

type WithoutStamp<E> = E extends unknown ? Omit<E, 'seq' | 'time'> : never
/** An event without its sequence number and time. */
export type NewJobEvent = WithoutStamp<JobEvent>

/** Progress is worth little once it is passed: so many are kept for readers that come late. */
const KEPT_PROGRESS = 512
/** All other events; a job has a few dozen. */
const KEPT_OTHERS = 2000

const isProgress = ({ type }: JobEvent): boolean => type === 'progress'

/** An event as one line of a log. */
function lineOf(event: Exclude<JobEvent, { type: 'progress' }>): string {
  switch (event.type) {
    case 'state':
      return event.error === undefined ? event.state : `${event.state}: ${event.error.message} (${event.error.code})`
    case 'finding':
      return [`${event.severity}: ${event.message}`, event.remedy].filter(part => part !== '').join('; ')
    case 'log':
      return event.level === 'info' ? event.message : `${event.level}: ${event.message}`
  }
}

export class EventLog {
  readonly #now: () => number
  readonly #events: JobEvent[]
  /** `news` wakes all readers; a reader is only a position in the history */
  readonly #bell = new EventEmitter().setMaxListeners(0)
  #ended: boolean
  #last: number

  /**
   * @param now milliseconds since the epoch
   * @param restored events of a job that has ended, from the job store
   */
  constructor(now: () => number, restored: readonly JobEvent[] = []) {
    this.#now = now
    this.#events = [...restored]
    this.#last = restored.at(-1)?.seq ?? 0
    this.#ended = restored.length > 0
  }

  append(event: NewJobEvent): void {
    this.#last++
    this.#events.push({ ...event, seq: this.#last, time: new Date(this.#now()).toISOString() })
    this.#forget(event.type === 'progress')
    this.#bell.emit('news')
  }

  /** No more events are expected: readers end. After a later `append`, readers that come back get more. */
  end(): void {
    this.#ended = true
    this.#bell.emit('news')
  }

  /**
   * Events after `afterSeq`, those to come too, until the job has ended or `signal` fires. A reader that is slow misses
   * progress that is no longer kept, and nothing else.
   */
  async *follow(afterSeq: number, signal?: AbortSignal): AsyncGenerator<JobEvent, void, undefined> {
    let seen = afterSeq
    while (signal?.aborted !== true) {
      const event = this.#events[this.#indexAfter(seen)]
      if (event !== undefined) {
        seen = event.seq
        yield event
      } else if (this.#ended) {
        return
      } else {
        // The signal is looked at by the loop; that it ended the wait is no error.
        await Promise.allSettled([once(this.#bell, 'news', { signal })])
      }
    }
  }

  /** Readers that wait for the next event. */
  get followers(): number {
    return this.#bell.listenerCount('news')
  }

  /** Every event that is kept, but for progress. */
  get lasting(): JobEvent[] {
    return this.#events.filter(event => !isProgress(event))
  }

  /** One line for each event that is not progress. */
  get text(): string {
    const lines = this.#events.flatMap(event => (event.type === 'progress' ? [] : [`${event.time} ${lineOf(event)}\n`]))
    return lines.join('')
  }

  /** Index of the first event whose number is above `seq`; numbers rise, with gaps where events were dropped. */
  #indexAfter(seq: number): number {
    let [low, high] = [0, this.#events.length]
    while (low < high) {
      const middle = (low + high) >> 1
      if ((this.#events[middle]?.seq ?? 0) > seq) high = middle
      else low = middle + 1
    }
    return low
  }

  /** Drop the oldest event of a kind that exceeds its limit. */
  #forget(progress: boolean): void {
    const ofKind = (event: JobEvent): boolean => isProgress(event) === progress
    const count = this.#events.filter(ofKind).length
    if (count > (progress ? KEPT_PROGRESS : KEPT_OTHERS)) this.#events.splice(this.#events.findIndex(ofKind), 1)
  }
}
