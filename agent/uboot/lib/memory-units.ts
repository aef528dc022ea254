/** The units of memory commands: bytes, halfwords and words, by the letter after the command's name. */

/** Bytes of a unit, and what messages call it. */
export const UNITS = {
  b: { bytes: 1, noun: 'byte' },
  w: { bytes: 2, noun: 'halfword' },
  l: { bytes: 4, noun: 'word' },
} as const
export type Unit = (typeof UNITS)[keyof typeof UNITS]

/**
 * The unit of a command: that of its last letter if a dot precedes it, else words.
 *
 * @returns null for a letter without a unit on a 32-bit machine, such as `.q`
 */
export function unitOf(name: string): Unit | null {
  if (name.length <= 2 || name.at(-2) !== '.') return UNITS.l
  const letter = name.slice(-1)
  return letter === 'b' || letter === 'w' || letter === 'l' ? UNITS[letter] : null
}

/** The unit at `offset`, as memory shows it: little endian. */
export function readUnit(bytes: Buffer, offset: number, unit: Unit): number {
  return bytes.readUIntLE(offset, unit.bytes)
}

/** A value as the bytes of one unit; higher bits are cut off. */
export function unitBytes(value: number, unit: Unit): Buffer {
  const word = Buffer.alloc(4)
  word.writeUInt32LE(value)
  return word.subarray(0, unit.bytes)
}

/** All digits of a unit. */
export function unitHex(value: number, unit: Unit): string {
  return value.toString(16).padStart(2 * unit.bytes, '0')
}
