import fc from 'fast-check'
import t from 'tap'
import { FauxbootError } from '../../../../../agent/errors.js'
import { reservedMemory } from '../../../../../agent/kexec/layout/dtb.js'
import { parseIomem, parseRamOption, ramFromFdt } from '../../../../../agent/kexec/layout/memory-map.js'
import { tree } from '../trees.js'

const IOMEM = `00000000-00000fff : something
40000000-47ffffff : System RAM
  40008000-40bfffff : Kernel code
  40d00000-40dfffff : Kernel data
48000000-5fffffff : System RAM
80000000-8fffffff : System RAM (boot alias)
01c28000-01c2801f : serial
`

t.test('System RAM and its boot alias are RAM, and adjacent ranges are joined', async t => {
  t.strictSame(parseIomem(IOMEM), [
    { start: 0x40000000, end: 0x60000000 },
    { start: 0x80000000, end: 0x90000000 },
  ])
})

t.test('RAM may start at zero, and lie above 4 GiB', async t => {
  t.strictSame(parseIomem('00000000-3fffffff : System RAM\n880000000-8ffffffff : System RAM\n'), [
    { start: 0, end: 0x40000000 },
    { start: 0x8_8000_0000, end: 0x9_0000_0000 },
  ])
})

t.test('a map of zeros and a map without RAM are different errors', async t => {
  const zeros = IOMEM.replace(/[0-9a-f]{8}-[0-9a-f]{8}/g, '00000000-00000000')
  t.throws(() => parseIomem(zeros), { code: 'MAP_ZEROS', details: { what: '/proc/iomem' } })
  t.throws(() => parseIomem('01c28000-01c2801f : serial\n', 'FILE'), { code: 'MAP_EMPTY', details: { what: 'FILE' } })
  t.throws(() => parseIomem(''), { code: 'MAP_EMPTY' })
})

t.test('the error for an invalid line shows the line and its number', async t => {
  const wrong = ['hello', '40000000 : System RAM', '50000000-4fffffff : System RAM', '0-ffffffffffffffff : System RAM']
  for (const line of wrong) {
    t.throws(() => parseIomem(`00000000-00000fff : x\n${line}\n`, 'FILE'), {
      code: 'MAP_SYNTAX',
      details: { what: 'FILE', line: 2, found: JSON.stringify(line) },
    })
  }
})

t.test('RAM of a device tree is read in the width of its cells', async t => {
  const range = [{ start: 0x20000000, end: 0xa0000000 }]
  t.strictSame(ramFromFdt(tree({ cells: 1, memory: [[0x20000000, 0x80000000]] })), range)
  t.strictSame(ramFromFdt(tree({ cells: 2, memory: [[0x20000000, 0x80000000]] })), range)
})

t.test('a device tree without a memory node, without reg or with sizes of zero has no memory', async t => {
  t.strictSame(ramFromFdt(tree({})), [])
  t.strictSame(ramFromFdt(tree({ memory: [] })), [])
  t.strictSame(ramFromFdt(tree({ memory: [[0x40000000, 0]] })), [])
  t.strictSame(ramFromFdt(tree({ memory: [[0, 0x1000]], memoryStatus: 'disabled' })), [])
})

t.test('memory nodes are found by type or by name', async t => {
  const fdt = tree({ memory: [[0, 0x1000]], memoryName: 'ram@0' })
  t.strictSame(ramFromFdt(fdt), [{ start: 0, end: 0x1000 }])
  fdt.root.children.push({ name: 'memory-controller@0', properties: new Map(), children: [] })
  t.strictSame(ramFromFdt(fdt), [{ start: 0, end: 0x1000 }])
})

t.test('RAM can be typed as ranges or with sizes', async t => {
  const range = { start: 0x40000000, end: 0x80000000 }
  for (const text of [
    '40000000-7fffffff',
    '0x40000000-0x7fffffff',
    '40000000+1G',
    '0x40000000+1024M',
    '40000000+0x40000000',
  ]) {
    t.strictSame(parseRamOption(text), range, text)
  }
  t.strictSame(parseRamOption('0+512k'), { start: 0, end: 0x80000 })
  t.strictSame(parseRamOption('0+12'), { start: 0, end: 12 })
})

t.test('the error for RAM that cannot be parsed shows what was found', async t => {
  for (const text of ['', 'all', '40000000', '40000000+', '40000000+0', '0-ffffffffffffffff', '0+99999999999G']) {
    t.throws(() => parseRamOption(text), {
      code: 'MAP_SYNTAX',
      details: { what: '--ram', found: JSON.stringify(text) },
    })
  }
})

t.test('RAM that ends before it starts is called that', async t => {
  for (const text of ['7fffffff-40000000', '0x40000000-0x3fffffff']) {
    t.throws(() => parseRamOption(text), { code: 'MAP_RANGE', details: { what: '--ram', found: text } })
  }
  t.strictSame(parseRamOption('0-0'), { start: 0, end: 1 })
})

t.test('any text gives ranges or an error of the table', async t => {
  const line = fc.oneof(fc.string(), fc.constantFrom(...IOMEM.split('\n')))
  fc.assert(
    fc.property(
      fc.array(line).map(lines => lines.join('\n')),
      text => {
        for (const parse of [parseIomem, parseRamOption]) {
          try {
            parse(text)
          } catch (thrown) {
            if (!(thrown instanceof FauxbootError)) throw thrown
          }
        }
      },
    ),
  )
  t.pass('as promised')
})

t.test('a tree lists at most 4096 ranges of memory, and as many reserved ones, in however many nodes', async t => {
  const pairs = (count: number) =>
    Array.from({ length: count }, (_, i): readonly [number, number] => [0x4000_0000 + i * 0x2000, 0x1000])
  t.equal(ramFromFdt(tree({ memory: pairs(4096) })).length, 4096)
  const error = { code: 'FORMAT_VALUE', details: { expected: 'at most 4096 ranges' } }
  t.throws(() => ramFromFdt(tree({ memory: pairs(4097) })), error)
  t.throws(() => reservedMemory(tree({ regions: pairs(4097) })), error)
})
