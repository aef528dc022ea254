import fc from 'fast-check'
import t from 'tap'
import {
  alignDown,
  alignUp,
  contains,
  firstFit,
  firstOverlap,
  formatRange,
  formatSize,
  hex,
  inclusivePair,
  normalize,
  overlap,
  type Range,
  subtract,
  totalLength,
} from '../../../../../agent/kexec/layout/ranges.js'

const r = (start: number, end: number): Range => ({ start, end })
const arbitrary = fc.array(
  fc.tuple(fc.nat(60), fc.nat(20)).map(([start, length]) => r(start, start + length)),
  { maxLength: 6 },
)
const bytes = (ranges: readonly Range[]) =>
  new Set(ranges.flatMap(({ start, end }) => Array.from({ length: end - start }, (_, i) => start + i)))

t.test('alignment works above 4 GiB', async t => {
  t.equal(alignUp(0x1_0000_0001, 0x1000), 0x1_0000_1000)
  t.equal(alignUp(0x1_0000_0000, 0x1000), 0x1_0000_0000)
  t.equal(alignDown(0x1_0000_0fff, 0x1000), 0x1_0000_0000)
})

t.test('ranges overlap, touch, or contain each other', async t => {
  t.strictSame(overlap(r(0, 10), r(5, 20)), r(5, 10))
  t.equal(overlap(r(0, 10), r(10, 20)), null)
  t.equal(contains(r(0, 10), r(0, 10)), true)
  t.equal(contains(r(0, 10), r(5, 11)), false)
  t.strictSame(firstOverlap([r(0, 5), r(5, 9), r(8, 12)], r(6, 20)), r(5, 9))
  t.equal(firstOverlap([r(0, 5)], r(5, 6)), undefined)
})

t.test('normalized ranges have the same bytes, and are sorted and separate', async t => {
  fc.assert(
    fc.property(arbitrary, ranges => {
      const normal = normalize(ranges)
      t.strictSame([...bytes(normal)].sort(), [...bytes(ranges)].sort())
      for (const [i, range] of normal.entries()) {
        t.ok(range.start < range.end)
        t.ok(i === 0 || (normal[i - 1]?.end ?? 0) < range.start)
      }
    }),
    { numRuns: 100 },
  )
})

t.test('subtracting leaves the bytes outside all holes', async t => {
  fc.assert(
    fc.property(arbitrary, arbitrary, (ranges, holes) => {
      const kept = [...bytes(ranges)].filter(byte => !bytes(holes).has(byte))
      t.strictSame([...bytes(subtract(ranges, holes))].sort(), kept.sort())
    }),
    { numRuns: 100 },
  )
})

t.test('the first fit is aligned, free and within limits', async t => {
  const free = [r(0x100, 0x180), r(0x200, 0x1000)]
  t.equal(firstFit(free, 0x100, 0x100, r(0, 0x1000)), 0x200)
  t.equal(firstFit(free, 0x80, 0x100, r(0, 0x1000)), 0x100)
  t.equal(firstFit(free, 0x80, 0x100, r(0x101, 0x1000)), 0x200)
  t.equal(firstFit(free, 0x100, 0x100, r(0, 0x2ff)), null)
})

t.test('numbers are formatted for people and for programs', async t => {
  t.equal(hex(0x4000_0000), '0x40000000')
  t.equal(hex(10n), '0xa')
  t.equal(formatRange(r(0x40000000, 0x80000000)), '0x40000000-0x7fffffff')
  t.strictSame(inclusivePair(r(0, 0x1000)), ['0x0', '0xfff'])
  t.equal(totalLength([r(0, 4), r(8, 10)]), 6)
  t.equal(formatSize(17), '17 bytes')
  t.equal(formatSize(512 * 1024), '512 KiB')
  t.equal(formatSize(8.3 * 2 ** 20), '8.3 MiB')
  t.equal(formatSize(2 ** 31), '2 GiB')
})
