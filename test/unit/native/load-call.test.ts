import t from 'tap'
import { checkLoad, describeLoad, type KexecSegment } from '../../../native/load-call.js'

const ARM = { pageSize: 0x1000, addressBits: 32 }
const ARM64 = { pageSize: 0x1000, addressBits: 64 }
const FLAGS = 0x280000

const segment = (mem: number, memsz: number, size = 16): KexecSegment => ({ buffer: new Uint8Array(size), mem, memsz })

t.test('the text of a call names every segment, by kind if it has one', async t => {
  const segments = [
    { ...segment(0x42000000, 0x5c5000, 6046208), kind: 'kernel' },
    { ...segment(0x48000000, 0x1000, 100), kind: 'dtb' },
    segment(0x49000000, 0x1000),
  ]
  t.equal(
    describeLoad(0x42000000, segments, FLAGS),
    'kexec_load(entry 0x42000000, 3 segments [kernel 0x42000000+0x5c5000 from 6046208 bytes, dtb 0x48000000+0x1000 from 100 bytes, 2 0x49000000+0x1000 from 16 bytes], flags 0x280000)',
  )
  t.equal(describeLoad(0, [], 0), 'kexec_load(entry 0x0, 0 segments [], flags 0x0)')
  t.equal(
    describeLoad(-1, [segment(Number.NaN, 1.5)], 0),
    'kexec_load(entry -1, 1 segment [0 NaN+1.5 from 16 bytes], flags 0x0)',
  )
})

const shared = new Uint8Array(new SharedArrayBuffer(16))
// `maxByteLength` is newer than the types of ES2023.
const resizable = new Uint8Array(Reflect.construct(ArrayBuffer, [16, { maxByteLength: 64 }]) as ArrayBuffer)
const detached = new Uint8Array(16)
structuredClone(detached.buffer, { transfer: [detached.buffer] })

const REFUSED: readonly {
  name: string
  entry?: number
  segments: readonly KexecSegment[]
  flags?: number
  reason: RegExp
}[] = [
  { name: 'no segments', segments: [], reason: /expected 1 to 16 segments, found 0/ },
  {
    name: '17 segments',
    segments: Array.from({ length: 17 }, (_, i) => segment(0x42000000 + i * 0x1000, 0x1000)),
    reason: /found 17/,
  },
  { name: 'a start off the page', segments: [segment(0x42000010, 0x1000)], reason: /starts at 0x42000010, .* 0x1000$/ },
  { name: 'a size off the page', segments: [segment(0x42000000, 0x1010)], reason: /takes 0x1010 bytes, .* 0x1000$/ },
  { name: 'a size of 0', segments: [segment(0x42000000, 0)], reason: /takes 0x0 bytes, which is not a size/ },
  {
    name: 'a negative start',
    segments: [segment(-0x1000, 0x1000)],
    reason: /starts at -4096, which is not an address/,
  },
  { name: 'NaN', segments: [segment(Number.NaN, 0x1000)], reason: /starts at NaN/ },
  { name: 'a size above 2^53', segments: [segment(0, 2 ** 53)], reason: /which is not a size/ },
  {
    name: 'a wrap of the address space',
    segments: [segment(0xfffff000, 0x2000)],
    reason: /ends at 0x100001000, .* 32 bits/,
  },
  { name: 'an end at 4 GiB sharp', segments: [segment(0xfffff000, 0x1000)], reason: /ends at 0x100000000/ },
  { name: 'more bytes than memory', segments: [segment(0x42000000, 0x1000, 0x1001)], reason: /4097 bytes for 4096/ },
  {
    name: 'fewer bytes than the kernel reads',
    segments: [segment(0x42000000, 0x1000, 3)],
    reason: /3 bytes .* at least 4/,
  },
  {
    name: 'an overlap, in any order',
    segments: [segment(0x42001000, 0x1000), segment(0x50000000, 0x1000), segment(0x42000000, 0x2000)],
    reason: /the segment at 0x42001000 begins inside the one from 0x42000000 to 0x42002000/,
  },
  {
    name: 'an entry before the segment',
    entry: 0x41ffffff,
    segments: [segment(0x42000000, 0x1000)],
    reason: /not in any segment/,
  },
  {
    name: 'an entry after the segment',
    entry: 0x42001000,
    segments: [segment(0x42000000, 0x1000)],
    reason: /not in any segment/,
  },
  {
    name: 'an entry that is no number',
    entry: Number.NaN,
    segments: [segment(0x42000000, 0x1000)],
    reason: /not in any segment/,
  },
  {
    name: 'flags beyond 32 bits',
    segments: [segment(0x42000000, 0x1000)],
    flags: 2 ** 32,
    reason: /not fit into 32 bits/,
  },
  {
    name: 'negative flags',
    segments: [segment(0x42000000, 0x1000)],
    flags: -1,
    reason: /flags -1 do not fit into 32 bits/,
  },
  { name: 'shared memory', segments: [{ buffer: shared, mem: 0x42000000, memsz: 0x1000 }], reason: /shared memory/ },
  {
    name: 'a resizable buffer',
    segments: [{ buffer: resizable, mem: 0x42000000, memsz: 0x1000 }],
    reason: /resizable/,
  },
  { name: 'a detached buffer', segments: [{ buffer: detached, mem: 0x42000000, memsz: 0x1000 }], reason: /detached/ },
  {
    name: 'another kind of array',
    segments: [{ buffer: new Float64Array(4) as unknown as Uint8Array, mem: 0x42000000, memsz: 0x1000 }],
    reason: /has no Uint8Array/,
  },
  {
    name: 'no buffer at all',
    segments: [{ buffer: undefined as unknown as Uint8Array, mem: 0x42000000, memsz: 0x1000, kind: 'dtb' }],
    reason: /segment dtb has no Uint8Array/,
  },
]

for (const { name, entry = 0x42000000, segments, flags = FLAGS, reason } of REFUSED) {
  t.test(`${name} is refused before the call, and the error has the whole call`, async t => {
    t.throws(() => checkLoad(entry, segments, flags, ARM), {
      name: 'NativeArgumentError',
      reason,
      message: /^kexec_load\(entry .*, \d+ segments? ?.*flags .*\): /,
    })
  })
}

t.test('segments that touch, and an entry on the last byte, are fine', async t => {
  const segments = [segment(0x42001000, 0x1000), segment(0x42000000, 0x1000)]
  t.strictSame(
    checkLoad(0x42001fff, segments, FLAGS, ARM).map(({ mem }) => mem),
    [0x42001000, 0x42000000],
    'in the order given',
  )
})

t.test('only 64-bit machines have addresses above 4 GiB', async t => {
  const segments = [segment(0x8_4000_0000, 0x1000)]
  t.equal(checkLoad(0x8_4000_0000, segments, 183 << 16, ARM64).length, 1)
  t.throws(() => checkLoad(0x8_4000_0000, segments, FLAGS, ARM), { message: /beyond the address space of 32 bits/ })
})

t.test('a getter runs once, so the checked value is the one used', async t => {
  let reads = 0
  const tricky = {
    buffer: new Uint8Array(16),
    memsz: 0x1000,
    get mem() {
      reads++
      return reads === 1 ? 0x42000000 : 0x10
    },
  }
  const [checked] = checkLoad(0x42000000, [tricky], FLAGS, ARM)
  t.equal(checked?.mem, 0x42000000)
  t.equal(checked?.mem, 0x42000000)
  t.equal(reads, 1)
})
