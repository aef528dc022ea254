/** A client's body on its way into an artifact: which part of it the body is, and whether it is complete. */

import { fault } from '../../errors.js'
import { unlessAborted } from '../../transfer/abort.js'
import type { ContentRange } from './content-range.js'
import type { PartialFile } from './partial-file.js'

/** What a request says about its body. */
export interface ReceiveOptions {
  /** the part that the body is; without it, the body is the whole artifact and replaces an earlier one */
  readonly range?: ContentRange
  /** bytes of the body, from Content-Length */
  readonly length?: number | null
  /** required digest of the whole artifact, lower-case hex */
  readonly sha256?: string
  readonly signal?: AbortSignal
}

/** Where a body belongs. */
export interface UploadPart {
  /** offset of its first byte in the artifact */
  readonly first: number
  /** offset after its last byte; null while unknown */
  readonly end: number | null
  /** bytes of the artifact; null while that is not known */
  readonly total: number | null
  /** the artifact ends where this body ends */
  readonly whole: boolean
}

const shown = ({ first, last, total }: ContentRange): string => `bytes ${first}-${last}/${total ?? '*'}`

/**
 * Decide where a body belongs.
 *
 * @param name of the artifact, for messages
 * @param here the part that is stored already
 * @throws ARTIFACT_RANGE if the part does not follow the stored part; VERIFY_SIZE if range and length disagree
 */
export function partOf(
  name: string,
  here: { readonly received: number; readonly size: number | null; readonly complete: boolean },
  { range, length = null }: ReceiveOptions,
): UploadPart {
  if (range === undefined) return { first: 0, end: length, total: length, whole: true }
  const end = range.last + 1
  const found = shown(range)
  const otherSize = here.size !== null && range.total !== null && here.size !== range.total
  // A part from the first byte starts over, whatever was there.
  if (range.first > 0 && (range.first !== here.received || otherSize || here.complete)) {
    throw fault('ARTIFACT_RANGE', { name, found, received: here.received })
  }
  if (length !== null && length !== end - range.first) {
    throw fault('VERIFY_SIZE', { what: `artifact ${name}, ${found}`, expected: end - range.first, found: length })
  }
  const total = range.total ?? (range.first > 0 ? here.size : null)
  return { first: range.first, end, total, whole: end === total }
}

/** Why a body ended early. The received bytes are good: the upload can resume after them. */
export interface Interruption {
  readonly reason: unknown
}

/**
 * Write a body into its file. The source is neither drained nor destroyed when this fails: its owner may still have to
 * answer over the same connection.
 *
 * @returns null if the body is complete; an interruption if the source fails, ends early, or the signal fires
 * @throws VERIFY_SIZE when the body is too long; ARTIFACT_TOO_LARGE
 */
export async function copyBody(
  name: string,
  source: AsyncIterable<Uint8Array>,
  file: PartialFile,
  part: UploadPart,
  signal: AbortSignal | undefined,
): Promise<Interruption | null> {
  const chunks = source[Symbol.asyncIterator]()
  for (;;) {
    let next: IteratorResult<Uint8Array>
    try {
      next = await unlessAborted(chunks.next(), signal)
    } catch (reason) {
      return { reason }
    }
    if (next.done === true) break
    const received = file.received + next.value.length
    if (part.end !== null && received > part.end) {
      throw fault('VERIFY_SIZE', { what: `artifact ${name}`, expected: part.end, found: `${received} or more` })
    }
    await file.write(next.value)
  }
  const short = part.end !== null && file.received < part.end
  return short ? { reason: new Error(`the body ended before byte ${part.end}`) } : null
}
