/** Sizes for people, as U-Boot writes them: `5.2 MiB`, `142 Bytes`. */

const UNITS = [
  ['EiB', 60],
  ['PiB', 50],
  ['TiB', 40],
  ['GiB', 30],
  ['MiB', 20],
  ['KiB', 10],
] as const

/** @param size bytes; below 1 KiB the text says `Bytes` */
export function sizeText(size: number): string {
  const found = UNITS.find(([, shift]) => size >= 2 ** shift)
  if (found === undefined) return `${size} Bytes`
  const [unit, shift] = found
  const one = 2 ** shift
  const tenths = Math.floor(((size % one) * 10 + one / 2) / one)
  const whole = Math.floor(size / one) + (tenths === 10 ? 1 : 0)
  return `${whole}${tenths % 10 === 0 ? '' : `.${tenths % 10}`} ${unit}`
}

/** Bytes in a time as a rate: `5.2 MiB/s`; empty when no millisecond went by. */
export function rateText(size: number, milliseconds: number): string {
  return milliseconds > 0 ? `${sizeText(Math.floor(size / milliseconds) * 1000)}/s` : ''
}
