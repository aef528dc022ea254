/** Operands of `itest` and `setexpr`: a number, a text, or the value at an address (`*42000000`). */

import type { Memory } from '../hardware/memory.js'
import { parseHex } from '../lib/numbers.js'

/** Bytes of a number; `s`: text. */
export type Width = 1 | 2 | 4 | 's'

const WIDTHS: ReadonlyMap<string | null, Width> = new Map<string | null, Width>([
  [null, 4],
  ['b', 1],
  ['w', 2],
  ['l', 4],
  ['s', 's'],
])

/** longest text that is taken from memory */
const LONGEST_TEXT = 64 * 1024

/** The width after a command's name; null for an unknown width. */
export function operandWidth(name: string): Width | null {
  return WIDTHS.get(sizeLetter(name)) ?? null
}

/**
 * An unsigned number of 32 bits.
 *
 * @throws UBOOT_MEMORY
 */
export function operandNumber(memory: Memory, text: string, width: 1 | 2 | 4): number {
  if (!text.startsWith('*')) return parseHex(text)
  return memory.read(parseHex(text.slice(1)), width).readUIntLE(0, width)
}

/**
 * A text; from memory up to its NUL.
 *
 * @throws UBOOT_MEMORY
 */
export function operandText(memory: Memory, text: string): string {
  if (!text.startsWith('*')) return text
  const address = parseHex(text.slice(1))
  const end = memory.ranges.find(range => address >= range.start && address < range.end)?.end ?? address + 1
  const bytes = memory.read(address, Math.min(LONGEST_TEXT, end - address))
  const nul = bytes.indexOf(0)
  return bytes.toString('latin1', 0, nul === -1 ? bytes.length : nul)
}

/** The letter after the first dot of a command (`md.b`), or null. */
function sizeLetter(name: string): string | null {
  const dot = name.indexOf('.')
  return dot === -1 ? null : name.slice(dot + 1)
}
