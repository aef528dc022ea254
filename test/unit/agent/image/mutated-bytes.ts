/** Damaged copies of valid files, for fuzzing: flipped, overwritten, cut, repeated. */
import fc from 'fast-check'

/** Words at the limits of sizes and offsets. */
const NASTY_WORDS = [0, 1, 3, 4, 0x7fff_ffff, 0x8000_0000, 0xffff_fff8, 0xffff_ffff, 0xd00d_feed, 0x0100_0000]

type Mutation = (bytes: Uint8Array) => Uint8Array

const at = (bytes: Uint8Array, place: number) => Math.floor(place * bytes.length)

const place = fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true })

const mutation: fc.Arbitrary<Mutation> = fc.oneof(
  fc
    .record({ where: place, value: fc.integer({ min: 0, max: 255 }) })
    .map(({ where, value }) => (bytes: Uint8Array) => {
      const copy = new Uint8Array(bytes)
      copy[at(copy, where)] = value
      return copy
    }),
  fc
    .record({ where: place, word: fc.constantFrom(...NASTY_WORDS), little: fc.boolean() })
    .map(({ where, word, little }) => (bytes: Uint8Array) => {
      const copy = new Uint8Array(bytes)
      const offset = at(copy, where) & ~3
      if (offset + 4 <= copy.length) new DataView(copy.buffer).setUint32(offset, word, little)
      return copy
    }),
  place.map(where => (bytes: Uint8Array) => bytes.subarray(0, at(bytes, where))),
  fc
    .record({ from: place, to: place, size: fc.integer({ min: 1, max: 64 }) })
    .map(({ from, to, size }) => (bytes: Uint8Array) => {
      const copy = new Uint8Array(bytes)
      copy.copyWithin(at(copy, to), at(copy, from), at(copy, from) + size)
      return copy
    }),
  fc.uint8Array({ maxLength: 32 }).map(tail => (bytes: Uint8Array) => Uint8Array.from([...bytes, ...tail])),
)

/** `valid` with one to four kinds of damage; damage to the first bytes, where headers are, is as likely as elsewhere. */
export function mutatedBytes(valid: Uint8Array): fc.Arbitrary<Uint8Array> {
  const header = fc
    .record({
      where: fc.integer({ min: 0, max: Math.min(valid.length, 96) - 1 }),
      value: fc.integer({ min: 0, max: 255 }),
    })
    .map(
      ({ where, value }): Mutation =>
        bytes => {
          const copy = new Uint8Array(bytes)
          if (where < copy.length) copy[where] = value
          return copy
        },
    )
  return fc
    .array(fc.oneof(mutation, header), { minLength: 1, maxLength: 4 })
    .map(mutations => mutations.reduce((bytes, mutate) => mutate(bytes), valid))
}
