/**
 * The job that is about to jump, as it is noted in memory that outlives a reset: magic, length and CRC-32 of a JSON text,
 * little endian, and the text. The target may write anything there. So every value is checked before it becomes part of a
 * job, and nothing is taken that is not known.
 */

import { crc32 } from 'node:zlib'
import { fault } from '../../errors.js'
import {
  type ArtifactReference,
  JOB_STATES,
  type JobArtifact,
  type JobEvent,
  type JobOrigin,
  type JobRequest,
  type JobState,
  type JobView,
} from '../jobs/job.js'
import type { JobRecord } from '../jobs/job-record.js'

const MAGIC = Buffer.from('FAUXJOB1')
const HEADER = MAGIC.length + 8

/** Events that may be kept where all of them do not fit: the last ones say how the job came to its jump. */
const FEWER_EVENTS = [500, 100, 20, 0]
/** More than any job has: the longest command line and description of a job are shorter. */
const LONGEST_TEXT = 16 * 1024
const MOST_ITEMS = 4096
const HIGHEST_COUNT = 2 ** 32

/**
 * Note a job, without its plan.
 *
 * @param size bytes of the page, which is filled up with zeros
 * @throws INTERNAL if even a job without events does not fit
 */
export function writeJobPage(record: JobRecord, size: number): Uint8Array {
  const page = new Uint8Array(size)
  for (const count of [record.events.length, ...FEWER_EVENTS]) {
    const events = count === 0 ? [] : record.events.slice(-count)
    const text = Buffer.from(JSON.stringify({ ...record, plan: null, events }))
    if (HEADER + text.length > size) continue
    page.set(MAGIC)
    const view = new DataView(page.buffer)
    view.setUint32(MAGIC.length, text.length, true)
    view.setUint32(MAGIC.length + 4, crc32(text), true)
    page.set(text, HEADER)
    return page
  }
  throw fault('INTERNAL', {
    doing: 'noting the job for the next first stage',
    reason: `it has more than ${size} bytes`,
  })
}

/** The job that a page names; null if nothing was noted, or the memory lost its contents. */
export function readJobPage(page: Uint8Array): JobRecord | null {
  const view = new DataView(page.buffer, page.byteOffset, page.length)
  if (page.length < HEADER || !MAGIC.equals(page.subarray(0, MAGIC.length))) return null
  const length = view.getUint32(MAGIC.length, true)
  const text = Buffer.from(page.subarray(HEADER, HEADER + length))
  if (text.length !== length || crc32(text) !== view.getUint32(MAGIC.length + 4, true)) return null
  try {
    return recordOf(JSON.parse(text.toString('utf8')))
  } catch (thrown) {
    // Memory that a target wrote.
    if (!(thrown instanceof SyntaxError || thrown instanceof NoJobError)) throw thrown
    return null
  }
}

/** Throws at a value that no job has. */
type Read<T> = (value: unknown) => T

class NoJobError extends Error {}

const mismatch = (): never => {
  throw new NoJobError('no job has such a value')
}
const text: Read<string> = value => (typeof value === 'string' && value.length <= LONGEST_TEXT ? value : mismatch())
const whole: Read<number> = value => (Number.isSafeInteger(value) && Number(value) >= 0 ? Number(value) : mismatch())
/** Counting goes on from these, and must stay exact. */
const counter: Read<number> = value => (whole(value) <= HIGHEST_COUNT ? whole(value) : mismatch())
const flag: Read<boolean> = value => (typeof value === 'boolean' ? value : mismatch())
const time: Read<string> = value =>
  Number.isNaN(Date.parse(text(value))) ? mismatch() : new Date(text(value)).toISOString()
const id: Read<string> = value => (/^[0-9a-z-]{1,64}$/.test(text(value)) ? text(value) : mismatch())
const sha256: Read<string> = value => (/^[0-9a-f]{64}$/.test(text(value)) ? text(value) : mismatch())
const wordOf =
  <T extends string>(words: readonly T[]): Read<T> =>
  value =>
    words.find(word => word === value) ?? mismatch()
const orNull =
  <T>(read: Read<T>): Read<T | null> =>
  value =>
    value === null ? null : read(value)
const listOf =
  <T>(read: Read<T>): Read<T[]> =>
  value =>
    Array.isArray(value) && value.length <= MOST_ITEMS ? value.map(read) : mismatch()
const fieldsOf: Read<Record<string, unknown>> = value =>
  typeof value === 'object' && value !== null && !Array.isArray(value) ? { ...value } : mismatch()

const ORIGINS = ['http', 'tftp', 'console'] as const satisfies readonly JobOrigin[]
const stateName = wordOf(JOB_STATES)

function recordOf(value: unknown): JobRecord {
  const { version, number, view, events } = fieldsOf(value)
  if (version !== 1) return mismatch()
  return { version, number: counter(number), view: viewOf(view), plan: null, events: listOf(eventOf)(events) }
}

function viewOf(value: unknown): JobView {
  const { id: name, ...view } = fieldsOf(value)
  return {
    id: id(name),
    name: orNull(text)(view.name),
    origin: wordOf(ORIGINS)(view.origin),
    // Only a job that jumps is noted.
    state: wordOf(['booting'])(view.state),
    created: time(view.created),
    updated: time(view.updated),
    request: requestOf(view.request),
    artifacts: listOf(artifactOf)(view.artifacts),
    error: null,
    durations: durationsOf(view.durations),
    lastWords: null,
  }
}

/** What is shown of a request. */
function requestOf(value: unknown): JobRequest {
  const { kernel, cmdline, options } = fieldsOf(value)
  const { dryRun, force, queue } = fieldsOf(options)
  return {
    kernel: referenceOf(kernel),
    overlays: [],
    cmdline: text(cmdline),
    options: { dryRun: flag(dryRun), force: flag(force), queue: flag(queue) },
  }
}

function referenceOf(value: unknown): ArtifactReference {
  const { url, artifact } = fieldsOf(value)
  return {
    ...(url !== undefined && { url: text(url) }),
    ...(artifact !== undefined && { artifact: text(artifact) }),
  }
}

function artifactOf(value: unknown): JobArtifact {
  const { role, source, received, size, sha256: digest } = fieldsOf(value)
  return {
    role: text(role),
    source: text(source),
    received: whole(received),
    size: orNull(whole)(size),
    sha256: orNull(sha256)(digest),
  }
}

function durationsOf(value: unknown): Partial<Record<JobState, number>> {
  const entries = Object.entries(fieldsOf(value)).map(([state, spent]) => [stateName(state), whole(spent)] as const)
  return Object.fromEntries(entries)
}

function eventOf(value: unknown): JobEvent {
  const { seq, time: when, type, ...event } = fieldsOf(value)
  const stamp = { seq: counter(seq), time: time(when) }
  switch (wordOf(['state', 'finding', 'log'])(type)) {
    case 'state':
      return { ...stamp, type: 'state', state: stateName(event.state) }
    case 'finding':
      return {
        ...stamp,
        type: 'finding',
        check: text(event.check),
        severity: text(event.severity),
        message: text(event.message),
        remedy: text(event.remedy),
      }
    case 'log':
      return {
        ...stamp,
        type: 'log',
        level: wordOf(['info', 'warning', 'error'])(event.level),
        message: text(event.message),
      }
  }
}
