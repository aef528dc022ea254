/**
 * LZMA (LZMA specification, Igor Pavlov, public domain). Its own decoder, because lzma1 0.3.0 does not notice that its
 * input has ended and fills up with rubbish, has no bound, and unpacks a whole file in one call.
 */
import type { BoundedOutput } from './bounded-output.js'

/** What the first byte of the header packs: `lc + 9 * (lp + 5 * pb)`. */
export interface LzmaProperties {
  /** bits of the previous byte that select a literal's probabilities, up to 8 */
  readonly lc: number
  /** bits of the position that do, up to 4 */
  readonly lp: number
  /** bits of the position that select other probabilities, up to 4 */
  readonly pb: number
}

/** Why the data cannot be decoded, and at which byte. */
export class LzmaError extends Error {
  readonly offset: number

  constructor(reason: string, offset: number) {
    super(reason)
    this.offset = offset
  }
}

const PROBABILITY_BITS = 11
const EVEN_ODDS = 1 << (PROBABILITY_BITS - 1)
const ADAPTION = 5
const TOP = 2 ** 24
const STATES = 12
const POSITION_STATES = 16
const MIN_MATCH = 2

const LITERAL_SIZE = 0x300
const FIRST_REAL_DISTANCE_SLOT = 4
const FIRST_ALIGNED_SLOT = 14
const ALIGN_BITS = 4
const END_MARKER = 0xffff_ffff

/** Probabilities of the lengths of matches: 3 bits, 3 bits or 8 bits behind two choices. */
const LENGTH = { choice: 0, choice2: 1, low: 2, middle: 2 + (POSITION_STATES << 3), high: 2 + (POSITION_STATES << 4) }
const LENGTH_SIZE = LENGTH.high + 256

/** Where each set of probabilities starts in the one array of them. */
const AT = (() => {
  let next = 0
  const take = (count: number) => {
    const start = next
    next += count
    return start
  }
  return {
    isMatch: take(STATES * POSITION_STATES),
    isRep: take(STATES),
    isRepG0: take(STATES),
    isRepG1: take(STATES),
    isRepG2: take(STATES),
    isRep0Long: take(STATES * POSITION_STATES),
    distanceSlot: take(4 << 6),
    distance: take(1 + 128 - FIRST_ALIGNED_SLOT),
    align: take(1 << ALIGN_BITS),
    length: take(LENGTH_SIZE),
    repLength: take(LENGTH_SIZE),
    literal: next,
  }
})()

/** Decodes one LZMA stream. The output itself is the dictionary: all of it is in memory. */
export class LzmaDecoder {
  readonly #input: Uint8Array
  readonly #output: BoundedOutput
  readonly #properties: LzmaProperties
  /** farthest a match may reach back, bytes */
  readonly #dictionary: number
  readonly #probabilities: Uint16Array
  /** where this stream starts in the output */
  readonly #start: number
  #at: number
  #range = 0xffff_ffff
  #code = 0
  #state = 0
  #rep0 = 0
  #rep1 = 0
  #rep2 = 0
  #rep3 = 0

  /**
   * @param input with the range coder's first byte at `offset`
   * @throws LzmaError
   */
  constructor(
    input: Uint8Array,
    offset: number,
    properties: LzmaProperties,
    dictionary: number,
    output: BoundedOutput,
  ) {
    this.#input = input
    this.#at = offset
    this.#properties = properties
    this.#dictionary = dictionary
    this.#output = output
    this.#start = output.size
    const literals = LITERAL_SIZE << (properties.lc + properties.lp)
    this.#probabilities = new Uint16Array(AT.literal + literals).fill(EVEN_ODDS)
    if (this.#byte() !== 0) throw new LzmaError('the range coder does not start with a zero', offset)
    for (let i = 0; i < 4; i++) this.#code = ((this.#code << 8) | this.#byte()) >>> 0
  }

  /** Bytes of input taken so far, from the start of the file. */
  get offset(): number {
    return this.#at
  }

  /** The range coder has nothing left: the stream may end here. */
  get settled(): boolean {
    return this.#code === 0
  }

  #byte(): number {
    const byte = this.#input[this.#at]
    if (byte === undefined) throw new LzmaError('the data ends too early', this.#at)
    this.#at++
    return byte
  }

  #normalize(): void {
    if (this.#range >= TOP) return
    this.#range = (this.#range << 8) >>> 0
    this.#code = ((this.#code << 8) | this.#byte()) >>> 0
  }

  #bit(index: number): 0 | 1 {
    const probability = this.#probabilities[index] ?? EVEN_ODDS
    const bound = (this.#range >>> PROBABILITY_BITS) * probability
    if (this.#code < bound) {
      this.#range = bound
      this.#probabilities[index] = probability + (((1 << PROBABILITY_BITS) - probability) >>> ADAPTION)
      this.#normalize()
      return 0
    }
    this.#range -= bound
    this.#code -= bound
    this.#probabilities[index] = probability - (probability >>> ADAPTION)
    this.#normalize()
    return 1
  }

  /** Bits of even odds, the most significant first. */
  #directBits(count: number): number {
    let value = 0
    for (let i = 0; i < count; i++) {
      this.#range >>>= 1
      const bit = this.#code >= this.#range ? 1 : 0
      if (bit === 1) this.#code -= this.#range
      value = value * 2 + bit
      this.#normalize()
    }
    return value
  }

  #tree(base: number, bits: number): number {
    let node = 1
    for (let i = 0; i < bits; i++) node = node * 2 + this.#bit(base + node)
    return node - (1 << bits)
  }

  #reverseTree(base: number, bits: number): number {
    let node = 1
    let value = 0
    for (let i = 0; i < bits; i++) {
      const bit = this.#bit(base + node)
      node = node * 2 + bit
      value |= bit << i
    }
    return value
  }

  #length(base: number, positionState: number): number {
    if (this.#bit(base + LENGTH.choice) === 0) return this.#tree(base + LENGTH.low + (positionState << 3), 3)
    if (this.#bit(base + LENGTH.choice2) === 0) return 8 + this.#tree(base + LENGTH.middle + (positionState << 3), 3)
    return 16 + this.#tree(base + LENGTH.high, 8)
  }

  #distance(length: number): number {
    const slot = this.#tree(AT.distanceSlot + (Math.min(length, 3) << 6), 6)
    if (slot < FIRST_REAL_DISTANCE_SLOT) return slot
    const bits = (slot >>> 1) - 1
    const high = (2 | (slot & 1)) * 2 ** bits
    if (slot < FIRST_ALIGNED_SLOT) return high + this.#reverseTree(AT.distance + high - slot, bits)
    return high + this.#directBits(bits - ALIGN_BITS) * (1 << ALIGN_BITS) + this.#reverseTree(AT.align, ALIGN_BITS)
  }

  #literal(): void {
    this.#output.reserve(1)
    const { buffer, size } = this.#output
    const { lc, lp } = this.#properties
    const position = size - this.#start
    const previous = position === 0 ? 0 : (buffer[size - 1] ?? 0)
    const base = AT.literal + LITERAL_SIZE * (((position & ((1 << lp) - 1)) << lc) + (previous >>> (8 - lc)))
    let symbol = 1
    if (this.#state >= 7) {
      let match = buffer[size - this.#rep0 - 1] ?? 0
      while (symbol < 0x100) {
        const expected = (match >>> 7) & 1
        match <<= 1
        const bit = this.#bit(base + ((1 + expected) << 8) + symbol)
        symbol = (symbol << 1) | bit
        if (bit !== expected) break
      }
    }
    while (symbol < 0x100) symbol = (symbol << 1) | this.#bit(base + symbol)
    buffer[size] = symbol & 0xff
    this.#output.size++
    this.#state = this.#state < 4 ? 0 : this.#state < 10 ? this.#state - 3 : this.#state - 6
  }

  #copy(length: number): void {
    this.#output.reserve(length)
    const { buffer, size } = this.#output
    const distance = this.#rep0 + 1
    if (distance > size - this.#start || distance > this.#dictionary) {
      throw new LzmaError(`distance ${distance} reaches beyond the ${size - this.#start} bytes so far`, this.#at)
    }
    for (let to = size; to < size + length; to++) buffer[to] = buffer[to - distance] ?? 0
    this.#output.size += length
  }

  /** Take one of the last four distances to the front; false for a match of one byte at the last one. */
  #repeat(positionState: number): boolean {
    if (this.#bit(AT.isRepG0 + this.#state) === 0) {
      return this.#bit(AT.isRep0Long + this.#state * POSITION_STATES + positionState) === 1
    }
    let distance = this.#rep1
    if (this.#bit(AT.isRepG1 + this.#state) === 1) {
      distance = this.#rep2
      if (this.#bit(AT.isRepG2 + this.#state) === 1) {
        distance = this.#rep3
        this.#rep3 = this.#rep2
      }
      this.#rep2 = this.#rep1
    }
    this.#rep1 = this.#rep0
    this.#rep0 = distance
    return true
  }

  /**
   * Decode one literal or match, up to 273 bytes.
   *
   * @returns false at the end marker
   * @throws LzmaError, FORMAT_TOO_LARGE
   */
  step(): boolean {
    const positionState = (this.#output.size - this.#start) & ((1 << this.#properties.pb) - 1)
    const state = this.#state
    if (this.#bit(AT.isMatch + state * POSITION_STATES + positionState) === 0) {
      this.#literal()
      return true
    }
    let length: number
    if (this.#bit(AT.isRep + state) === 0) {
      this.#rep3 = this.#rep2
      this.#rep2 = this.#rep1
      this.#rep1 = this.#rep0
      const extra = this.#length(AT.length, positionState)
      this.#rep0 = this.#distance(extra)
      if (this.#rep0 === END_MARKER) return false
      this.#state = state < 7 ? 7 : 10
      length = extra + MIN_MATCH
    } else if (this.#repeat(positionState)) {
      length = this.#length(AT.repLength, positionState) + MIN_MATCH
      this.#state = state < 7 ? 8 : 11
    } else {
      length = 1
      this.#state = state < 7 ? 9 : 11
    }
    this.#copy(length)
    return true
  }
}
