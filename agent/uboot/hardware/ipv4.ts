/** Dotted quads, as U-Boot reads and compares them. */

/** A dotted quad as a number, or null. Text after the fourth number is ignored: `10.0.0.1:file`. */
function quadValue(text: string): number | null {
  const match = /^(\d{1,3})\.(\d{1,3})\.(\d{1,3})\.(\d{1,3})/.exec(text)
  if (match === null) return null
  const parts = match.slice(1).map(Number)
  if (parts.some(part => part > 255)) return null
  return parts.reduce((value, part) => value * 256 + part, 0)
}

/** The dotted quad at the start of a text in its plain form; null without one, or if it is 0.0.0.0. */
export function leadingQuad(text: string | undefined): string | null {
  const value = quadValue(text ?? '')
  return value === null || value === 0 ? null : quadText(value)
}

/** A number as dotted quad. */
export function quadText(value: number): string {
  return [24, 16, 8, 0].map(shift => Math.floor(value / 2 ** shift) % 256).join('.')
}

/** Whether two addresses are on one link; without a netmask they are. */
export function sameNetwork(a: string, b: string, netmask: string | null): boolean {
  const mask = quadValue(netmask ?? '') ?? 0
  return (((quadValue(a) ?? 0) & mask) ^ ((quadValue(b) ?? 0) & mask)) === 0
}

/** Bits that are set in a netmask: 24 of 255.255.255.0. */
export function prefixLength(netmask: string | null): number {
  const mask = quadValue(netmask ?? '') ?? 0xffff_ff00
  return [...mask.toString(2)].filter(bit => bit === '1').length
}

/** Eight upper-case digits: `C0A84D3A`, the name of a board's file on a server. */
export function quadHex(text: string): string {
  return (quadValue(text) ?? 0).toString(16).toUpperCase().padStart(8, '0')
}
