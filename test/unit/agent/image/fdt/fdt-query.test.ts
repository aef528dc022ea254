import t from 'tap'
import type { FdtNode } from '../../../../../agent/image/fdt/fdt.js'
import {
  cellsOf,
  childNode,
  encodeCells,
  encodeNumber,
  encodeString,
  ensureNode,
  findNode,
  propCells,
  propString,
  propStrings,
  propU32,
  readRegs,
  removeProperty,
  setProperty,
} from '../../../../../agent/image/fdt/fdt-query.js'
import { fdtOf } from './dtb.js'

const nodeWith = (properties: Record<string, Uint8Array>): FdtNode => ({
  name: 'node',
  properties: new Map(Object.entries(properties)),
  children: [],
})

const fdt = fdtOf(`/ {
  #address-cells = <2>;
  #size-cells = <2>;
  compatible = "vendor,board", "vendor,soc";
  aliases { serial0 = "/soc/serial@1000"; broken = "soc"; };
  memory@40000000 { reg = <0x1 0x40000000 0 0x8000000 0 0xc0000000 0 0x100>; };
  soc { #address-cells = <1>; #size-cells = <0>; serial@1000 { reg = <0x1000>; child { }; }; serial@2000 { }; only@3000 { }; };
};`)

t.test('nodes are found by path', async t => {
  t.equal(findNode(fdt, '/'), fdt.root)
  t.equal(findNode(fdt, '/soc/serial@2000')?.name, 'serial@2000')
  t.equal(findNode(fdt, '/soc/serial@9'), null)
  t.equal(findNode(fdt, '/nowhere/at/all'), null)
})

t.test('a unit address may be omitted if the name is unique', async t => {
  t.equal(findNode(fdt, '/memory')?.name, 'memory@40000000')
  t.equal(findNode(fdt, '/soc/only')?.name, 'only@3000')
  t.equal(findNode(fdt, '/soc/serial'), null, 'there are two')
  t.equal(childNode(fdt.root, 'mem'), null)
})

t.test('a path without a leading slash starts with an alias', async t => {
  t.equal(findNode(fdt, 'serial0')?.name, 'serial@1000')
  t.equal(findNode(fdt, 'serial0/child')?.name, 'child')
  t.equal(findNode(fdt, 'serial0/none'), null)
  t.equal(findNode(fdt, 'serial1'), null)
  t.equal(findNode(fdt, 'broken'), null)
  t.equal(findNode(fdt, ''), null)
  t.equal(findNode(fdtOf('/ { };'), 'serial0'), null)
})

t.test('missing nodes and their parents are created, existing ones are used', async t => {
  const tree = fdtOf('/ { chosen { }; memory@0 { }; };')
  t.equal(ensureNode(tree, '/chosen'), findNode(tree, '/chosen'))
  t.equal(ensureNode(tree, '/memory').name, 'memory@0')
  const deep = ensureNode(tree, '/chosen/fauxboot/more')
  t.equal(findNode(tree, '/chosen/fauxboot/more'), deep)
  t.equal(ensureNode(tree, '/'), tree.root)
})

t.test('properties are set, replaced and removed', async t => {
  const node = nodeWith({})
  setProperty(node, 'bootargs', encodeString('quiet'))
  setProperty(node, 'bootargs', encodeString('debug'))
  t.equal(propString(node, 'bootargs'), 'debug')
  t.equal(removeProperty(node, 'bootargs'), true)
  t.equal(removeProperty(node, 'bootargs'), false)
  t.equal(propString(node, 'bootargs'), null)
})

t.test('strings are read', async t => {
  t.equal(propString(fdt.root, 'compatible'), 'vendor,board')
  t.strictSame(propStrings(fdt.root, 'compatible'), ['vendor,board', 'vendor,soc'])
  t.equal(propStrings(fdt.root, 'none'), null)
  const node = nodeWith({ empty: new Uint8Array(), open: Buffer.from('abc'), blank: Buffer.from('\0') })
  t.strictSame(propStrings(node, 'empty'), [])
  t.equal(propString(node, 'empty'), null)
  t.equal(propString(node, 'blank'), '')
  t.throws(() => propString(node, 'open'), { code: 'FORMAT_VALUE', details: { where: 'node open' } })
})

t.test('cells are read', async t => {
  t.strictSame(propCells(fdt.root, '#size-cells'), [2])
  t.equal(propCells(fdt.root, 'none'), null)
  t.equal(propU32(fdt.root, '#size-cells'), 2)
  t.equal(propU32(fdt.root, 'none'), null)
  const node = nodeWith({ odd: new Uint8Array(3), two: encodeCells([1, 0xffff_ffff]), empty: new Uint8Array() })
  t.strictSame(propCells(node, 'two'), [1, 0xffff_ffff])
  t.throws(() => propCells(node, 'odd'), { code: 'FORMAT_VALUE', details: { found: '0x3 bytes' } })
  t.throws(() => propU32(node, 'two'), { code: 'FORMAT_VALUE', details: { expected: 'one cell', found: '2' } })
  t.throws(() => propU32(node, 'empty'), { code: 'FORMAT_VALUE' })
  t.throws(() => propU32({ ...node, name: '' }, 'two'), { code: 'FORMAT_VALUE', details: { where: '/ two' } })
})

t.test('cells of addresses and sizes have the defaults of the specification', async t => {
  t.strictSame(cellsOf(fdt.root), { addressCells: 2, sizeCells: 2 })
  t.strictSame(cellsOf(nodeWith({})), { addressCells: 2, sizeCells: 1 })
})

t.test('a tree cannot claim more cells than a number of 64 bits has', async t => {
  const claims = [
    ['#address-cells', 0],
    ['#address-cells', 3],
    ['#address-cells', 0x0100_0000],
    ['#address-cells', 0xffff_ffff],
    ['#size-cells', 3],
    ['#size-cells', 0xffff_ffff],
  ] as const
  for (const [name, claimed] of claims) {
    t.throws(() => cellsOf(nodeWith({ [name]: encodeCells([claimed]) })), {
      code: 'FORMAT_VALUE',
      details: { where: `node ${name}`, found: `${claimed}` },
    })
  }
  t.strictSame(cellsOf(nodeWith({ '#size-cells': encodeCells([0]) })), { addressCells: 2, sizeCells: 0 })
  for (const cells of [-1, 0.5, 3, 0x0100_0000, 0xffff_ffff]) {
    t.throws(() => encodeNumber(1, cells), { code: 'FORMAT_VALUE' }, `${cells} cells`)
  }
})

t.test('reg is read with its numbers of cells', async t => {
  const memory = findNode(fdt, '/memory')
  t.strictSame(memory && readRegs(memory, 2, 2), [
    { address: 0x1_4000_0000n, size: 0x800_0000n },
    { address: 0xc000_0000n, size: 0x100n },
  ])
  const serial = findNode(fdt, 'serial0')
  t.strictSame(serial && readRegs(serial, 1, 0), [{ address: 0x1000n, size: 0n }])
  t.strictSame(readRegs(fdt.root, 2, 2), [])
})

t.test('a reg with an incomplete range, or with too many cells, is refused', async t => {
  const node = nodeWith({ reg: encodeCells([1, 2, 3]) })
  t.throws(() => readRegs(node, 1, 1), {
    code: 'FORMAT_VALUE',
    details: { expected: 'a multiple of 2 cells', found: '3 cells' },
  })
  for (const [address, size] of [
    [3, 1],
    [0, 1],
    [1, 3],
  ] as const) {
    t.throws(() => readRegs(node, address, size), {
      code: 'FORMAT_VALUE',
      details: { found: `${address} and ${size}` },
    })
  }
})

t.test('numbers and strings are encoded in the form of properties', async t => {
  t.same(encodeCells([1, 0xd00d_feed]), [0, 0, 0, 1, 0xd0, 0x0d, 0xfe, 0xed])
  t.same(encodeNumber(0x4200_0000, 1), [0x42, 0, 0, 0])
  t.same(encodeNumber(0x1_0000_0002n, 2), [0, 0, 0, 1, 0, 0, 0, 2])
  t.same(encodeString('ab'), [0x61, 0x62, 0])
  t.same(encodeString('aü'), [0x61, 0xc3, 0xbc, 0])
  t.throws(() => encodeNumber(0x1_0000_0000, 1), { code: 'FORMAT_VALUE', details: { found: '0x100000000' } })
  t.throws(() => encodeNumber(-1, 2), { code: 'FORMAT_VALUE' })
})
