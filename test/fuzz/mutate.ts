/** An endless supply of damaged copies of valid inputs; the same seed gives the same inputs. */

import fc from 'fast-check'
import { mutatedBytes } from '../unit/agent/image/mutated-bytes.js'
import type { FuzzTarget } from './target.js'

/** Larger inputs take longer and find nothing that smaller ones do not, except the quadratic. */
const MOST_BYTES = 0x1_0000
/** Inputs that are made at a time. */
const BATCH = 64

type Edit = (text: Buffer) => Buffer

const splice = (text: Buffer, from: number, to: number, insertion: Buffer): Buffer =>
  Buffer.concat([text.subarray(0, from), insertion, text.subarray(to)])

const place = fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true })
/** Small counts, and now and then enough to show what grows faster than its input. */
const count = fc.oneof({ weight: 9, arbitrary: fc.integer({ min: 1, max: 4 }) }, fc.constantFrom(100, 1000, 10_000))

function textEdit(words: readonly string[]): fc.Arbitrary<Edit> {
  const insert = fc.record({ where: place, word: fc.constantFrom(...words), times: count }).map(
    ({ where, word, times }): Edit =>
      text => {
        const at = Math.floor(where * (text.length + 1))
        return splice(text, at, at, Buffer.alloc(Math.min(word.length * times, MOST_BYTES), word))
      },
  )
  const repeat = fc.record({ where: place, size: fc.integer({ min: 1, max: 64 }), times: count }).map(
    ({ where, size, times }): Edit =>
      text => {
        const at = Math.floor(where * text.length)
        const part = text.subarray(at, at + size)
        if (part.length === 0) return text
        return splice(text, at, at, Buffer.alloc(Math.min(part.length * times, MOST_BYTES), part))
      },
  )
  const remove = fc.record({ where: place, size: fc.integer({ min: 1, max: 64 }) }).map(
    ({ where, size }): Edit =>
      text => {
        const at = Math.floor(where * text.length)
        return splice(text, at, at + size, Buffer.alloc(0))
      },
  )
  return fc.oneof(insert, repeat, remove)
}

function mutated(seed: Uint8Array, words: readonly string[] | undefined): fc.Arbitrary<Uint8Array> {
  const bytes = seed.length === 0 ? fc.uint8Array({ maxLength: 64 }) : mutatedBytes(seed)
  if (words === undefined) return bytes
  const edited = fc
    .array(textEdit(words), { minLength: 1, maxLength: 4 })
    .map(edits => edits.reduce<Buffer>((text, edit) => edit(text).subarray(0, MOST_BYTES), Buffer.from(seed)))
  return fc.oneof({ weight: 4, arbitrary: edited }, bytes)
}

/** Inputs without end: first every seed as it is. */
export function* inputs(
  { seeds, words }: FuzzTarget,
  corpus: readonly Uint8Array[],
  seed: number,
): Generator<Uint8Array> {
  const originals = [...corpus, ...seeds]
  yield* originals
  const arbitrary = fc.oneof(...originals.map(original => mutated(original, words)), fc.uint8Array({ maxLength: 512 }))
  for (let batch = 0; ; batch++) yield* fc.sample(arbitrary, { numRuns: BATCH, seed: seed + batch })
}
