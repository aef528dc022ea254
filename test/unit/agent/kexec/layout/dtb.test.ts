import t from 'tap'
import { parseFdt } from '../../../../../agent/image/fdt/fdt.js'
import { encodeCells, encodeString, findNode, propString } from '../../../../../agent/image/fdt/fdt-query.js'
import { boardOf, prepareDtb, reservedMemory } from '../../../../../agent/kexec/layout/dtb.js'
import { memoryNodes, ramFromFdt } from '../../../../../agent/kexec/layout/memory-map.js'
import { node, type TreeParts, tree } from '../trees.js'

const RAM = [{ start: 0x20000000, end: 0xa0000000 }]
const INITRD = { start: 0x22554000, end: 0x22600001 }

function prepared(parts: TreeParts, more: Partial<Parameters<typeof prepareDtb>[0]> = {}) {
  const bytes = prepareDtb({ fdt: tree(parts), memory: RAM, cmdline: 'console=ttyS0', initrd: INITRD, ...more })
  const fdt = parseFdt(bytes)
  const chosen = findNode(fdt, '/chosen')
  if (chosen === null) throw new Error('no /chosen')
  return { bytes, fdt, chosen }
}

const hexOf = (bytes: Uint8Array | undefined) => Buffer.from(bytes ?? []).toString('hex')

t.test("the address of the ramdisk has the width of the root's cells", async t => {
  const wide = prepared({ cells: 2 }).chosen.properties
  t.equal(hexOf(wide.get('linux,initrd-start')), '0000000022554000')
  t.equal(hexOf(wide.get('linux,initrd-end')), '0000000022600001')
  t.equal(hexOf(prepared({ cells: 1 }).chosen.properties.get('linux,initrd-start')), '22554000')
  t.throws(() => prepared({ cells: 1 }, { initrd: { start: 2 ** 32, end: 2 ** 32 + 1 } }), { code: 'FORMAT_VALUE' })
})

t.test('a tree that claims a number of cells that nothing has is refused', async t => {
  for (const claimed of [0x0100_0000, 0xffff_ffff]) {
    const fdt = tree({ cells: 1 })
    fdt.root.properties.set('#address-cells', encodeCells([claimed]))
    t.throws(() => prepareDtb({ fdt, memory: RAM, cmdline: '', initrd: INITRD }), { code: 'FORMAT_VALUE' })
  }
})

t.test('command line and job id are written; without a ramdisk there is no address of one', async t => {
  const { chosen } = prepared({}, { initrd: null, jobId: 'job-7' })
  t.equal(propString(chosen, 'bootargs'), 'console=ttyS0')
  t.equal(propString(chosen, 'fauxboot,job'), 'job-7')
  t.notOk(chosen.properties.has('linux,initrd-start'))
  t.notOk(prepared({}).chosen.properties.has('fauxboot,job'))
})

t.test('properties that the previous boot left in /chosen are removed, others stay', async t => {
  const stale = [
    'linux,initrd-start',
    'linux,initrd-end',
    'linux,usable-memory-range',
    'linux,elfcorehdr',
    'linux,uefi-system-table',
    'kaslr-seed',
    'rng-seed',
  ]
  const chosen = Object.fromEntries([...stale, 'stdout-path', 'u-boot,version'].map(name => [name, encodeString('x')]))
  const { properties } = prepared({ chosen: { ...chosen, bootargs: encodeString('old') } }, { initrd: null }).chosen
  t.strictSame([...properties.keys()].sort(), ['bootargs', 'stdout-path', 'u-boot,version'])
})

t.test('interfaces with an alias get MAC addresses, as from U-Boot', async t => {
  const interfaces = (): TreeParts => ({
    children: [
      node('aliases', { ethernet0: encodeString('/soc/ethernet@830000'), ethernet1: encodeString('/soc/usb@1/nic') }),
      node(
        'soc',
        {},
        node('ethernet@830000', { 'local-mac-address': new Uint8Array(6) }),
        node('usb@1', {}, node('nic', { 'mac-address': new Uint8Array(6) })),
      ),
    ],
  })
  const { fdt } = prepared(interfaces(), {
    macAddresses: { ethernet0: '02:02:C3:99:67:87', '/soc/usb@1/nic': '02:00:00:00:00:01', ethernet7: 'f'.repeat(17) },
  })
  const addresses = (path: string) => {
    const { properties } = findNode(fdt, path) ?? node('missing')
    return [hexOf(properties.get('local-mac-address')), hexOf(properties.get('mac-address'))]
  }
  t.strictSame(addresses('/soc/ethernet@830000'), ['0202c3996787', ''], 'by the alias')
  t.strictSame(addresses('/soc/usb@1/nic'), ['020000000001', '020000000001'], 'by the path')
  const kept = findNode(prepared(interfaces()).fdt, '/soc/ethernet@830000')
  t.equal(hexOf(kept?.properties.get('local-mac-address')), '000000000000', 'an unknown address changes nothing')
})

for (const [how, parts] of [
  ['no memory node', {}],
  ['a memory node without reg', { memory: [] }],
  ['sizes of zero', { memory: [[0x40000000, 0]] }],
] as const) {
  t.test(`a tree with ${how} gets the memory of the running kernel`, async t => {
    for (const cells of [1, 2] as const) {
      const { fdt } = prepared({ ...parts, cells })
      t.strictSame(ramFromFdt(fdt), RAM)
      t.equal(fdt.root.children.filter(child => child.name.startsWith('memory')).length, 1)
    }
  })
}

t.test('memory that does not fit into the cells is left out; without known memory, none is written', async t => {
  const high = { start: 0x8_8000_0000, end: 0x9_0000_0000 }
  t.strictSame(ramFromFdt(prepared({ cells: 1 }, { memory: [...RAM, high] }).fdt), RAM)
  t.strictSame(ramFromFdt(prepared({ cells: 2 }, { memory: [...RAM, high] }).fdt), [...RAM, high])
  t.strictSame(ramFromFdt(prepared({ cells: 1 }, { memory: [high] }).fdt), [])
})

t.test('memory that the tree lists is replaced, in one node', async t => {
  const second = node('memory@90000000', { reg: encodeCells([0x90000000, 0x1000]) })
  const { fdt } = prepared({ cells: 1, memory: [[0x40000000, 0x1000]], children: [second] })
  t.strictSame(ramFromFdt(fdt), RAM)
  t.equal(memoryNodes(fdt).length, 1)
})

t.test('nothing changes in a tree that lists the right memory, in whatever ranges', async t => {
  const halves = [0x40000000, 0x800, 0x40000800, 0x800]
  const both = node('memory', { reg: encodeCells(halves) })
  const memory = [{ start: 0x40000000, end: 0x40001000 }]
  const { fdt } = prepared({ cells: 1, children: [both] }, { memory })
  t.equal(hexOf(memoryNodes(fdt)[0]?.properties.get('reg')), hexOf(encodeCells(halves)))
})

t.test('the size does not depend on the address of the ramdisk, and there is no padding', async t => {
  const size = prepared({}, { initrd: { start: 0, end: 0 } }).bytes.length
  const { bytes } = prepared({})
  t.equal(bytes.length, size)
  t.equal(Buffer.from(bytes).readUInt32BE(4), size)
})

t.test('memory is reserved by the map and by regions with an address', async t => {
  const fdt = tree({
    reservations: [[0x4000_0000, 0x1000]],
    regions: [
      [0x5000_0000, 0x10_0000],
      [0x4000_1000, 0x1000],
    ],
  })
  t.strictSame(reservedMemory(fdt), [
    { start: 0x4000_0000, end: 0x4000_2000 },
    { start: 0x5000_0000, end: 0x5010_0000 },
  ])
  findNode(fdt, '/reserved-memory')?.children.push(node('cma', { size: encodeCells([0, 0x100_0000]) }))
  t.equal(reservedMemory(fdt).length, 2, 'a region without an address goes where there is room')
  t.strictSame(reservedMemory(tree({})), [])
})

t.test('the ramdisk of the previous boot is no longer reserved', async t => {
  const chosen = { 'linux,initrd-start': encodeCells([0x4a00_0000]), 'linux,initrd-end': encodeCells([0, 0x4b00_0123]) }
  const reservations = [
    [0x4a00_0000, 0x100_1000],
    [0x4f00_0000, 0x8000],
  ] as const
  t.strictSame(reservedMemory(tree({ chosen, reservations })), [{ start: 0x4f00_0000, end: 0x4f00_8000 }])
  const odd = { 'linux,initrd-start': encodeCells([1, 2, 3]) }
  t.equal(reservedMemory(tree({ chosen: odd, reservations })).length, 2)
})

t.test('a tree names its board', async t => {
  t.strictSame(
    boardOf(tree({ model: 'Cubietech Cubieboard4', compatible: ['cubietech,a80-cubieboard4', 'allwinner,sun9i-a80'] })),
    {
      model: 'Cubietech Cubieboard4',
      compatible: ['cubietech,a80-cubieboard4', 'allwinner,sun9i-a80'],
    },
  )
  t.strictSame(boardOf(tree({})), { model: null, compatible: [] })
})
