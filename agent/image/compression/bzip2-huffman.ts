/** Huffman tables of a bzip2 block: up to six of them, each used for fifty symbols at a time. */
import type { BitReader } from './bzip2-bits.js'

const MAX_BITS = 20
const SYMBOLS_A_SELECTOR = 50

/** One canonical code: shorter codes first, symbols in order. */
class HuffmanCode {
  readonly #bits: BitReader
  /** shortest and longest code, bits */
  readonly #shortest: number
  readonly #longest: number
  /** first number of `#longest` bits that is behind the codes of each length */
  readonly #end = new Uint32Array(MAX_BITS + 1)
  /** what to subtract from a code of each length to find its symbol */
  readonly #base = new Int32Array(MAX_BITS + 1)
  readonly #symbols: Uint16Array

  constructor(bits: BitReader, lengths: Uint8Array) {
    this.#bits = bits
    this.#shortest = Math.min(...lengths)
    this.#longest = Math.max(...lengths)
    this.#symbols = new Uint16Array(lengths.length)
    let code = 0
    let index = 0
    for (let length = this.#shortest; length <= this.#longest; length++) {
      this.#base[length] = code - index
      for (const [symbol, own] of lengths.entries()) {
        if (own !== length) continue
        this.#symbols[index++] = symbol
        code++
      }
      this.#end[length] = code * 2 ** (this.#longest - length)
      code *= 2
    }
  }

  /** Read one symbol. */
  symbol(): number {
    const ahead = this.#bits.peek(this.#longest)
    let length = this.#shortest
    while (length <= this.#longest && ahead >= (this.#end[length] ?? 0)) length++
    const symbol = this.#symbols[(ahead >>> (this.#longest - length)) - (this.#base[length] ?? 0)]
    if (length > this.#longest || symbol === undefined) throw this.#bits.corrupt('a Huffman code is not in the table')
    this.#bits.skip(length)
    return symbol
  }
}

/** Lengths of a table's codes, each as the difference from the one before. */
function readLengths(bits: BitReader, symbols: number): Uint8Array {
  const lengths = new Uint8Array(symbols)
  let length = bits.bits(5)
  for (let symbol = 0; symbol < symbols; symbol++) {
    for (;;) {
      if (length < 1 || length > MAX_BITS) throw bits.corrupt(`a Huffman code of ${length} bits`)
      if (bits.bits(1) === 0) break
      length += bits.bits(1) === 0 ? 1 : -1
    }
    lengths[symbol] = length
  }
  return lengths
}

/**
 * Read the tables of a block and which of them is used when.
 *
 * @param symbols how many symbols there are
 * @returns reads the next symbol
 */
export function readHuffmanTables(bits: BitReader, symbols: number): () => number {
  const count = bits.bits(3)
  if (count < 2 || count > 6) throw bits.corrupt(`${count} Huffman tables`)
  const selectors = new Uint8Array(bits.bits(15))
  const order = Array.from({ length: count }, (_, i) => i)
  for (let i = 0; i < selectors.length; i++) {
    let place = 0
    while (bits.bits(1) === 1) place++
    const [table] = order.splice(place, 1)
    if (table === undefined) throw bits.corrupt(`a selector of ${place} among ${count} Huffman tables`)
    order.unshift(table)
    selectors[i] = table
  }
  const tables = Array.from({ length: count }, () => new HuffmanCode(bits, readLengths(bits, symbols)))
  let table: HuffmanCode | undefined
  let selector = 0
  let left = 0
  return () => {
    if (left === 0) {
      table = tables[selectors[selector++] ?? -1]
      left = SYMBOLS_A_SELECTOR
    }
    if (table === undefined) throw bits.corrupt('it goes on behind the last selector')
    left--
    return table.symbol()
  }
}
