/** The units that memory commands work in: bytes, halfwords and words, by the letter behind the command's name. */

/** Bytes of a unit, and what messages call it. */
export const UNITS = {
  b: { bytes: 1, noun: 'byte' },
  w: { bytes: 2, noun: 'halfword' },
  l: { bytes: 4, noun: 'word' },
} as const
export type Unit = (typeof UNITS)[keyof typeof UNITS]

/**
 * The unit of a command: that of its last letter when a dot is before it, else words.
 *
 * @returns null for a letter that stands for no unit on a 32-bit machine, `.q` among them
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

/** A value as the bytes of one unit; what does not fit is cut off. */
export function unitBytes(value: number, unit: Unit): Buffer {
  const word = Buffer.alloc(4)
  word.writeUInt32LE(value)
  return word.subarray(0, unit.bytes)
}

/** All digits of a unit. */
export function unitHex(value: number, unit: Unit): string {
  return value.toString(16).padStart(2 * unit.bytes, '0')
}
