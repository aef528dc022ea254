import { isDeepStrictEqual } from 'node:util'
import fc from 'fast-check'
import t from 'tap'
import { type FdtNode, isFdt, parseFdt, writeFdt } from '../../../../../agent/image/fdt/fdt.js'
import { assertOnlyFaults } from '../only-faults.js'
import { dtbOf, sourceOf } from './dtb.js'

const SOURCE = `
/memreserve/ 0x40000000 0x1000;
/memreserve/ 0x123456789abc 0x2000;
/ {
  #address-cells = <2>;
  #size-cells = <2>;
  compatible = "vendor,board", "vendor,soc";
  chosen { bootargs = "console=ttyS0"; };
  memory@40000000 { device_type = "memory"; reg = <0 0x40000000 0 0x8000000>; };
  soc {
    compatible = "simple-bus";
    ranges;
    uart0: serial@1000 { compatible = "ns16550a"; reg = <0 0x1000 0 0x100>; odd = [01 02 03]; };
    uart1: serial@2000 { compatible = "ns16550a"; reg = <0 0x2000 0 0x100>; };
  };
};`

const TOKEN = { begin: 1, end: 2, property: 3, nop: 4, last: 9 } as const

/** A blob with a structure block of these words; the strings block has "a" at 0 and "b" at 2. */
function blobOf(
  structure: readonly number[],
  strings = 'a\0b\0',
  reservations: readonly bigint[] = [0n, 0n],
): Uint8Array {
  const structureAt = 40 + reservations.length * 8
  const stringsAt = structureAt + structure.length * 4
  const bytes = new Uint8Array(stringsAt + strings.length)
  const view = new DataView(bytes.buffer)
  const header = [
    0xd00d_feed,
    bytes.length,
    structureAt,
    stringsAt,
    40,
    17,
    16,
    0,
    strings.length,
    structure.length * 4,
  ]
  for (const [i, word] of header.entries()) view.setUint32(i * 4, word)
  for (const [i, number] of reservations.entries()) view.setBigUint64(40 + i * 8, number)
  for (const [i, word] of structure.entries()) view.setUint32(structureAt + i * 4, word)
  bytes.set(Buffer.from(strings, 'latin1'), stringsAt)
  return bytes
}

/** A copy with one word of the header replaced. */
function withWord(bytes: Uint8Array, offset: number, word: number): Uint8Array {
  const copy = new Uint8Array(bytes)
  new DataView(copy.buffer).setUint32(offset, word)
  return copy
}

const nameWord = (name: string) => Buffer.from(name.padEnd(4, '\0'), 'latin1').readUInt32BE()
const ROOT = [TOKEN.begin, 0] as const
const END = [TOKEN.end, TOKEN.last] as const

t.test('blobs compiled by dtc are parsed', async t => {
  const bytes = dtbOf(SOURCE, ['-b', '3'])
  t.equal(isFdt(bytes), true)
  const fdt = parseFdt(bytes)
  t.strictSame(fdt.reservations, [
    { address: 0x4000_0000n, size: 0x1000n },
    { address: 0x1234_5678_9abcn, size: 0x2000n },
  ])
  t.equal(fdt.bootCpu, 3)
  t.strictSame(
    fdt.root.children.map(child => child.name),
    ['chosen', 'memory@40000000', 'soc'],
  )
  const serial = fdt.root.children[2]?.children[0]
  t.equal(serial?.name, 'serial@1000')
  t.same(serial?.properties.get('odd'), [1, 2, 3])
  t.equal(serial?.properties.get('odd')?.buffer, bytes.buffer, 'a view')
  t.equal(fdt.root.children[2]?.properties.get('ranges')?.length, 0)
})

t.test('dtc reads the blobs that we write', async t => {
  const bytes = dtbOf(SOURCE)
  t.equal(sourceOf(writeFdt(parseFdt(bytes))), sourceOf(bytes))
})

t.test('versions from 16 on are read, and 17 is written', async t => {
  const bytes = dtbOf(SOURCE, ['-V', '16'])
  t.equal(new DataView(bytes.buffer).getUint32(20), 16)
  const written = writeFdt(parseFdt(bytes))
  t.equal(new DataView(written.buffer).getUint32(20), 17)
  t.equal(new DataView(written.buffer).getUint32(24), 16)
  t.equal(sourceOf(written), sourceOf(bytes))
})

t.test('a later version that is compatible with 17 is read', async t => {
  const bytes = withWord(dtbOf(SOURCE), 20, 18)
  t.equal(parseFdt(bytes).root.children.length, 4)
})

t.test('each block lies on a multiple of eight bytes', async t => {
  const view = new DataView(writeFdt(parseFdt(dtbOf(SOURCE))).buffer)
  for (const offset of [4, 8, 12, 16]) t.equal(view.getUint32(offset) % 8, 0)
})

t.test('a property name is stored once in the strings block', async t => {
  const written = Buffer.from(writeFdt(parseFdt(dtbOf(SOURCE))))
  const strings = written.subarray(written.readUInt32BE(12)).toString('latin1').replace(/\0+$/, '').split('\0')
  t.equal(new Set(strings).size, strings.length)
  t.ok(strings.includes('compatible'))
})

t.test('slack lies within the total size and is ignored', async t => {
  const fdt = parseFdt(dtbOf(SOURCE))
  const [tight, loose] = [writeFdt(fdt), writeFdt(fdt, { slack: 100 })]
  t.equal(loose.length, tight.length + 104, 'rounded up to eight')
  t.equal(new DataView(loose.buffer).getUint32(4), loose.length)
  t.equal(sourceOf(loose), sourceOf(tight))
})

t.test('FDT_NOP is skipped', async t => {
  const { nop } = TOKEN
  const fdt = parseFdt(blobOf([nop, ...ROOT, nop, TOKEN.property, 4, 2, 7, nop, nop, ...END]))
  t.same(fdt.root.properties.get('b'), [0, 0, 0, 7])
})

t.test('bytes after the total size are ignored', async t => {
  const bytes = dtbOf(SOURCE)
  t.equal(parseFdt(Buffer.concat([bytes, Buffer.alloc(100, 0xff)])).root.children.length, 4)
})

t.test('any tree that is written and parsed is the same', async t => {
  const plain = { noNullPrototype: true }
  const name = fc.stringMatching(/^[a-z][a-z0-9,._+-]{0,30}$/)
  const node = (depth: number): fc.Arbitrary<FdtNode> => {
    const children: fc.Arbitrary<FdtNode[]> =
      depth === 1 ? fc.constant([]) : fc.uniqueArray(node(depth - 1), { maxLength: 3, selector: child => child.name })
    const properties = fc.dictionary(name, fc.uint8Array({ maxLength: 20 }), { maxKeys: 4 })
    return fc.record({ name, properties: properties.map(values => new Map(Object.entries(values))), children }, plain)
  }
  const u64 = fc.bigInt({ min: 1n, max: 2n ** 64n - 1n })
  const fdt = fc.record(
    {
      root: node(4).map(root => ({ ...root, name: '' })),
      reservations: fc.array(fc.record({ address: u64, size: u64 }, plain), { maxLength: 3 }),
      bootCpu: fc.integer({ min: 0, max: 2 ** 32 - 1 }),
    },
    plain,
  )
  const survives = fc.property(fdt, tree => isDeepStrictEqual(parseFdt(writeFdt(tree)), tree))
  t.doesNotThrow(() => fc.assert(survives, { numRuns: 100 }))
})

t.test('a file that is not a device tree is refused', async t => {
  t.equal(isFdt(new Uint8Array(100)), false)
  t.equal(isFdt(dtbOf(SOURCE).subarray(0, 35)), false)
  t.throws(() => parseFdt(new Uint8Array(100), 'board.dtb'), {
    code: 'FORMAT_MAGIC',
    message: 'board.dtb has the wrong magic at 0x0: expected 0xd00dfeed, found 0x0',
  })
  t.throws(() => parseFdt(new Uint8Array(35)), { code: 'FORMAT_TRUNCATED' })
})

t.test('a truncated blob is refused with both sizes', async t => {
  const bytes = dtbOf(SOURCE)
  t.throws(() => parseFdt(bytes.subarray(0, 200)), {
    code: 'FORMAT_TRUNCATED',
    details: {
      where: '0x0 (device tree)',
      expected: `0x${bytes.length.toString(16)} bytes`,
      found: '0xc8 of a file of 0xc8',
    },
  })
})

t.test('other versions are refused', async t => {
  for (const [version, compatible] of [
    [3, 1],
    [15, 1],
    [19, 18],
  ] as const) {
    const bytes = withWord(withWord(dtbOf(SOURCE), 20, version), 24, compatible)
    t.throws(() => parseFdt(bytes), { code: 'FORMAT_UNSUPPORTED', details: { expected: '16, 17' } })
  }
})

t.test('a header that points outside the blob or into itself is refused', async t => {
  const bytes = dtbOf(SOURCE)
  const cases = [
    [4, 39, 'FORMAT_VALUE', '0x4 (total size)'],
    [8, 36, 'FORMAT_VALUE', '0x8 (offset of structure)'],
    [8, 0x81, 'FORMAT_VALUE', '0x8 (offset of structure)'],
    [8, 0xffff_fff0, 'FORMAT_TRUNCATED', '0xfffffff0 (structure block)'],
    [12, 0xffff_fff0, 'FORMAT_TRUNCATED', '0xfffffff0 (strings block)'],
    [16, 44, 'FORMAT_VALUE', '0x10 (offset of reservations)'],
    [16, 0xffff_fff0, 'FORMAT_TRUNCATED', '0xfffffff0 (memory reservation)'],
    [32, 0xffff_ffff, 'FORMAT_TRUNCATED', /strings block/],
    [36, 0xffff_ffff, 'FORMAT_TRUNCATED', /structure block/],
  ] as const
  for (const [offset, word, code, where] of cases) {
    t.throws(() => parseFdt(withWord(bytes, offset, word)), { code, details: { where } }, `${offset}: ${word}`)
  }
})

t.test('a reservation block without an end is refused', async t => {
  const bytes = blobOf([...ROOT, ...END])
  const open = blobOf([...ROOT, ...END], 'a\0b\0', [1n, 1n])
  t.equal(parseFdt(bytes).reservations.length, 0)
  t.throws(() => parseFdt(open), { code: 'FORMAT_TRUNCATED', details: { where: /memory reservation/ } })
})

t.test('a structure block that is not a tree is refused, with the place', async t => {
  const child = [TOKEN.begin, nameWord('n')]
  const property = [TOKEN.property, 0, 0]
  const cases: readonly (readonly [readonly number[], { code: string; details?: object }, string?])[] = [
    [[], { code: 'FORMAT_TRUNCATED' }],
    [[TOKEN.end], { code: 'FORMAT_VALUE', details: { expected: 'FDT_BEGIN_NODE' } }],
    [[TOKEN.begin, nameWord('n'), ...END], { code: 'FORMAT_VALUE', details: { where: /name of the root/ } }],
    [
      [...ROOT, TOKEN.end, TOKEN.begin, 0, ...END],
      { code: 'FORMAT_VALUE', details: { expected: 'FDT_END', found: '0x1' } },
    ],
    [[...ROOT], { code: 'FORMAT_TRUNCATED', details: { where: /token/ } }],
    [[...ROOT, TOKEN.last], { code: 'FORMAT_VALUE', details: { where: '0x44 (token in /)' } }],
    [
      [...ROOT, ...child, TOKEN.end, ...property, ...END],
      { code: 'FORMAT_VALUE', details: { expected: 'FDT_BEGIN_NODE or FDT_END_NODE' } },
    ],
    [
      [...ROOT, ...child, TOKEN.end, ...child, TOKEN.end, ...END],
      { code: 'FORMAT_VALUE', details: { where: /\(\/n\)/, found: 'a duplicate' } },
    ],
    [[...ROOT, TOKEN.begin, 0, TOKEN.end, ...END], { code: 'FORMAT_VALUE', details: { expected: 'a unique name' } }],
    [
      [...ROOT, ...child, ...property, ...property, TOKEN.end, ...END],
      { code: 'FORMAT_VALUE', details: { where: /\(\/n\/a\)/, found: 'a duplicate' } },
    ],
    [[...ROOT, TOKEN.begin, nameWord('a/b'), TOKEN.end, ...END], { code: 'FORMAT_VALUE', details: { found: 'a/b' } }],
    [
      [...ROOT, TOKEN.begin, nameWord('a\nb'), TOKEN.end, ...END],
      { code: 'FORMAT_VALUE', details: { expected: 'printable ASCII', found: '"a\\nb"' } },
    ],
    [
      [...ROOT, TOKEN.begin, ...Array<number>(100).fill(nameWord('aaaa')), ...END],
      { code: 'FORMAT_VALUE', details: { expected: 'a NUL within 255 bytes' } },
    ],
    [
      [...ROOT, TOKEN.property, 0xffff_ffff, 0, ...END],
      { code: 'FORMAT_TRUNCATED', details: { where: /property \/a/ } },
    ],
    [[...ROOT, TOKEN.property, 0, 4, ...END], { code: 'FORMAT_TRUNCATED', details: { where: /property name/ } }],
    [[...ROOT, TOKEN.property, 0, 1, ...END], { code: 'FORMAT_VALUE', details: { where: /property of \// } }],
    [
      [...ROOT, TOKEN.property, 0, 2, ...END],
      { code: 'FORMAT_VALUE', details: { expected: 'a NUL within 255 bytes' } },
      'a\0b',
    ],
  ]
  for (const [structure, error, strings] of cases) t.throws(() => parseFdt(blobOf(structure, strings)), error)
})

t.test('a tree deeper than Linux reads is refused, read or written', async t => {
  const nested = (levels: number) => [
    ...ROOT,
    ...Array.from({ length: levels - 1 }, () => [TOKEN.begin, nameWord('n')]).flat(),
    ...Array<number>(levels).fill(TOKEN.end),
    TOKEN.last,
  ]
  const deepest = parseFdt(blobOf(nested(64)))
  t.throws(() => parseFdt(blobOf(nested(65))), { code: 'FORMAT_VALUE', details: { expected: 'at most 64 levels' } })
  t.same(parseFdt(writeFdt(deepest)), deepest)
  const deeper = { ...deepest, root: { name: '', properties: new Map(), children: [{ ...deepest.root, name: 'n' }] } }
  t.throws(() => writeFdt(deeper), { code: 'FORMAT_VALUE', details: { expected: 'at most 64 levels' } })
})

t.test(
  'a tree above 4 MiB is refused before it is read; free room at its end and bytes after it do not count',
  async t => {
    const tree = dtbOf(SOURCE)
    const padded = Buffer.concat([tree, new Uint8Array(5 * 2 ** 20)])
    t.same(parseFdt(padded).root.name, '')
    const roomy = withWord(padded, 4, padded.length)
    t.same(parseFdt(roomy).root.name, '')
    // The size of the strings block.
    t.throws(() => parseFdt(withWord(roomy, 32, 4 * 2 ** 20), 'x.dtb'), {
      code: 'FORMAT_VALUE',
      message: /x\.dtb.*end of the blocks.*at most 0x400000/,
    })
  },
)

t.test('a tree has at most 65,536 nodes, properties, gaps and reservations', async t => {
  const expected = 'at most 65536 nodes, properties and reservations'
  const error = { code: 'FORMAT_VALUE', details: { expected } }
  const gaps = (count: number) => blobOf([...ROOT, ...Array<number>(count).fill(TOKEN.nop), ...END])
  t.doesNotThrow(() => parseFdt(gaps(65_535)))
  t.throws(() => parseFdt(gaps(65_536)), error)
  const nodes = Array.from({ length: 65_536 }, (_, i) => [
    TOKEN.begin,
    nameWord(i.toString(36).padStart(4, '0')),
    0,
    TOKEN.end,
  ])
  t.throws(() => parseFdt(blobOf([...ROOT, ...nodes.flat(), ...END])), error)
  const reserved = [...Array<bigint>(2 * 65_536).fill(1n), 0n, 0n]
  t.throws(() => parseFdt(blobOf([...ROOT, ...END], 'a\0b\0', reserved)), error)
})

t.test('damaged input causes only errors of the table', async t => {
  t.doesNotThrow(() => assertOnlyFaults([dtbOf(SOURCE), dtbOf(SOURCE, ['-V', '16'])], bytes => parseFdt(bytes), 3000))
})
