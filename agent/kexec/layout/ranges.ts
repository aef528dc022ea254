/** Arithmetic on ranges of physical addresses. Addresses are plain numbers: every address of a board is below 2^53. */

/** A range of bytes from `start` to before `end`. */
export interface Range {
  readonly start: number
  readonly end: number
}

/** `0x` and lower-case digits: the form of every address and offset in a plan. */
export function hex(value: number | bigint): string {
  return `0x${value.toString(16)}`
}

/** Bytes in a range. */
export function lengthOf(range: Range): number {
  return range.end - range.start
}

/** Sum of the sizes; bytes in two ranges count twice. */
export function totalLength(ranges: readonly Range[]): number {
  return ranges.reduce((sum, range) => sum + lengthOf(range), 0)
}

/** The next multiple of `alignment` (any positive number) at or above `value`. */
export function alignUp(value: number, alignment: number): number {
  return Math.ceil(value / alignment) * alignment
}

/** The next multiple of `alignment` (any positive number) at or below `value`. */
export function alignDown(value: number, alignment: number): number {
  return Math.floor(value / alignment) * alignment
}

/** The intersection of two ranges; null if it is empty. */
export function overlap(a: Range, b: Range): Range | null {
  const start = Math.max(a.start, b.start)
  const end = Math.min(a.end, b.end)
  return start < end ? { start, end } : null
}

/** Whether every byte of `inner` lies in `outer`. */
export function contains(outer: Range, inner: Range): boolean {
  return outer.start <= inner.start && inner.end <= outer.end
}

/** Sorted, without empty ranges, and with neighbours that touch or overlap joined. */
export function normalize(ranges: readonly Range[]): Range[] {
  const joined: { start: number; end: number }[] = []
  for (const range of [...ranges].sort((a, b) => a.start - b.start)) {
    const last = joined.at(-1)
    if (range.start >= range.end) continue
    if (last !== undefined && range.start <= last.end) last.end = Math.max(last.end, range.end)
    else joined.push({ start: range.start, end: range.end })
  }
  return joined
}

/** `ranges` without `holes`, sorted. */
export function subtract(ranges: readonly Range[], holes: readonly Range[]): Range[] {
  const cuts = normalize(holes)
  return normalize(ranges).flatMap(range => {
    const left: Range[] = []
    let start = range.start
    for (const cut of cuts) {
      if (cut.end <= start || cut.start >= range.end) continue
      if (cut.start > start) left.push({ start, end: cut.start })
      start = cut.end
    }
    if (start < range.end) left.push({ start, end: range.end })
    return left
  })
}

/** The first range of `ranges` that shares bytes with `range`. */
export function firstOverlap(ranges: readonly Range[], range: Range): Range | undefined {
  return ranges.find(other => overlap(other, range) !== null)
}

/**
 * The lowest aligned address at which `size` bytes fit.
 *
 * @param free memory that may be used, sorted
 * @param size bytes
 * @param alignment of the address
 * @param within outer limits
 * @returns null if they fit nowhere
 */
export function firstFit(free: readonly Range[], size: number, alignment: number, within: Range): number | null {
  for (const range of free) {
    const start = alignUp(Math.max(range.start, within.start), alignment)
    if (start + size <= Math.min(range.end, within.end)) return start
  }
  return null
}

/** Addresses for items of these sizes, each directly after the one before. */
export function sideBySide(start: number, sizes: readonly number[]): number[] {
  let next = start
  return sizes.map(size => {
    const address = next
    next += size
    return address
  })
}

/** As `/proc/iomem` prints it, the last byte included: `0x40000000-0x7fffffff`. */
export function formatRange(range: Range): string {
  return `${hex(range.start)}-${hex(range.end - 1)}`
}

/** The form of RAM in JSON: first and last byte. */
export function inclusivePair(range: Range): [string, string] {
  return [hex(range.start), hex(range.end - 1)]
}

const UNITS = [
  ['GiB', 2 ** 30],
  ['MiB', 2 ** 20],
  ['KiB', 2 ** 10],
] as const

/** A size for people, in the largest unit that gives at least 1: `8.3 MiB`, `512 KiB`, `17 bytes`. */
export function formatSize(bytes: number): string {
  const unit = UNITS.find(([, factor]) => bytes >= factor)
  if (unit === undefined) return `${bytes} bytes`
  const [name, factor] = unit
  return `${Number((bytes / factor).toFixed(1))} ${name}`
}
