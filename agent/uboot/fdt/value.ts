/** Property values as the command `fdt` shows, stores and reads them: their type is guessed. */

import { hex8, parseAuto, parseHex } from '../lib/numbers.js'

/** Bytes that a value typed in may have. */
export const VALUE_LIMIT = 1024

const CELL_BYTES = 4
/** the longest list of cells that goes into a variable as one number: a SHA-1 */
const LONGEST_NUMBER = 20

const latin1 = (value: Uint8Array) => Buffer.from(value).toString('latin1')

/** The strings of a value that consists of non-empty printable strings; else null. */
export function stringsOf(value: Uint8Array): readonly string[] | null {
  const text = latin1(value)
  return /^([\x20-\x7e]+\0)+$/.test(text) ? text.slice(0, -1).split('\0') : null
}

const cellAt = ({ buffer, byteOffset, length }: Uint8Array, index: number) =>
  new DataView(buffer, byteOffset, length).getUint32(index * CELL_BYTES)

const cellsOf = (value: Uint8Array) =>
  Array.from({ length: value.length / CELL_BYTES }, (_, index) => cellAt(value, index))

/**
 * As `fdt print` shows it: strings, cells, or bytes.
 *
 * @param address of the value in memory
 * @param longest most bytes of cells and bytes to show; longer values show address and length
 */
export function showValue(value: Uint8Array, address: number, longest: number): string {
  const strings = stringsOf(value)
  if (strings !== null) return strings.map(text => `"${text}"`).join(', ')
  if (value.length > longest) return `* 0x${hex8(address)} [0x${hex8(value.length)}]`
  if (value.length % CELL_BYTES === 0)
    return `<${cellsOf(value)
      .map(cell => `0x${hex8(cell)}`)
      .join(' ')}>`
  return `[${Array.from(value, byte => byte.toString(16).padStart(2, '0')).join(' ')}]`
}

const cellText = (cell: number) => `0x${hex8(cell).toUpperCase()}`

/**
 * As `fdt get value` puts it into a variable.
 *
 * @param index the string or cell that is asked for; null: the first string, all cells
 * @returns null if it cannot be shown, undefined if the string or cell does not exist
 */
export function storeValue(value: Uint8Array, index: number | null): string | null | undefined {
  const strings = stringsOf(value)
  if (value.length === 0) return ''
  if (strings !== null) return strings[index ?? 0]
  if (value.length % CELL_BYTES !== 0) return null
  const cells = cellsOf(value)
  const [first = 0, ...more] = cells
  if (more.length === 0) return cellText(first)
  if (index !== null) {
    const cell = cells[index]
    return cell === undefined ? undefined : cellText(cell)
  }
  return value.length <= LONGEST_NUMBER ? Buffer.from(value).toString('hex') : null
}

/** The result of {@link parseValue}: a value, or U-Boot's error message. */
export type ParsedValue = { readonly value: Uint8Array } | { readonly error: string }

const unexpected = (rest: string): ParsedValue => ({ error: `Unexpected character '${rest.slice(0, 1)}'` })

/** `<0x1 2 ?>`: numbers as C writes them; `?` leaves the cell that was there. */
function parseCells(text: string, old: Uint8Array): ParsedValue {
  const cells: number[] = []
  let rest = text.trimStart()
  while (rest !== '' && !rest.startsWith('>')) {
    const [digits = ''] = /^(\?|0[xX][0-9a-fA-F]+|[0-9]+)/.exec(rest) ?? []
    if (digits === '') return { error: `Sorry, I could not convert "${rest.replace(/ .*$/s, '')}"` }
    const kept = (cells.length + 1) * CELL_BYTES <= old.length ? cellAt(old, cells.length) : 0
    cells.push(digits === '?' ? kept : parseAuto(digits))
    rest = rest.slice(digits.length).trimStart()
  }
  if (rest === '') return unexpected('')
  const value = Buffer.alloc(cells.length * CELL_BYTES)
  for (const [i, cell] of cells.entries()) value.writeUInt32BE(cell, i * CELL_BYTES)
  return { value }
}

/** `[00 11 22]`: bytes in hex; of longer numbers the lowest. */
function parseBytes(text: string): ParsedValue {
  const bytes: number[] = []
  let rest = text.trimStart()
  for (;;) {
    const [digits] = /^[0-9a-fA-F]+/.exec(rest) ?? []
    if (digits === undefined) break
    bytes.push(parseHex(digits) & 0xff)
    rest = rest.slice(digits.length).trimStart()
  }
  return rest.startsWith(']') ? { value: Uint8Array.from(bytes) } : unexpected(rest)
}

/**
 * The words after `fdt set PATH PROPERTY`: cells, bytes, or strings.
 *
 * @param words at least one
 * @param old value that the property has, for the cells that stay
 */
export function parseValue(words: readonly string[], old: Uint8Array): ParsedValue {
  const text = words.join(' ')
  const parsed = text.startsWith('<')
    ? parseCells(text.slice(1), old)
    : text.startsWith('[')
      ? parseBytes(text.slice(1))
      : { value: Buffer.from(words.map(word => `${word}\0`).join(''), 'latin1') }
  if ('error' in parsed || parsed.value.length <= VALUE_LIMIT) return parsed
  return { error: `prop (${parsed.value.length}) doesn't fit in scratchpad!` }
}
