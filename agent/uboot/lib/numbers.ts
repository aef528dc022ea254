/**
 * Numbers as U-Boot reads them: leading digits count, the rest is ignored. `md zz` is `md 0`.
 * Values are unsigned and 32 bits wide on the boards that are faked; addresses beyond that wrap as they do there.
 */

const DIGITS = { 8: /^[0-7]+/, 10: /^[0-9]+/, 16: /^[0-9a-fA-F]+/ } as const

function leading(text: string, base: keyof typeof DIGITS): number {
  const [digits = ''] = DIGITS[base].exec(text) ?? []
  return digits === ''
    ? 0
    : Number(BigInt.asUintN(32, BigInt(base === 16 ? `0x${digits}` : base === 8 ? `0o${digits}` : digits)))
}

/** Hexadecimal with or without `0x`: addresses, sizes, most arguments. */
export function parseHex(text: string): number {
  return leading(text.replace(/^0[xX]/, ''), 16)
}

/** Decimal, or hexadecimal with `0x`: `bootdelay`, `tftpblocksize`. */
export function parseDecimal(text: string): number {
  return /^0[xX]/.test(text) ? parseHex(text) : leading(text, 10)
}

/** As C reads a constant: `0x` is hexadecimal, another leading 0 octal, else decimal: `test -eq`. */
export function parseAuto(text: string): number {
  if (/^0[xX]/.test(text)) return parseHex(text)
  return text.startsWith('0') ? leading(text, 8) : leading(text, 10)
}

/** A text that is entirely hexadecimal, or null: only then is the argument of `tftp ARG` an address. */
export function wholeHex(text: string): number | null {
  return /^(0[xX])?[0-9a-fA-F]+$/.test(text) ? parseHex(text) : null
}

/** Lower-case hex without prefix and padding, as variables hold it: `filesize=4d3040`. */
export function bareHex(value: number): string {
  return value.toString(16)
}

/** Eight digits and more, without prefix: `42000000`. */
export function hex8(value: number): string {
  return value.toString(16).padStart(8, '0')
}
