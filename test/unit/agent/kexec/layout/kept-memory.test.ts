import t from 'tap'
import { type Fdt, type FdtNode, parseFdt, writeFdt } from '../../../../../agent/image/fdt/fdt.js'
import {
  cellsOf,
  encodeCells,
  encodeNumber,
  encodeString,
  findNode,
  propU32,
} from '../../../../../agent/image/fdt/fdt-query.js'
import { addKeptMemory, keptMemory } from '../../../../../agent/kexec/layout/kept-memory.js'
import { node, tree } from '../trees.js'

type Properties = Readonly<Record<string, Uint8Array>>

const reg = (start: number, size: number, cells: number): Uint8Array =>
  new Uint8Array(Buffer.concat([encodeNumber(start, cells), encodeNumber(size, cells)]))

const reserved = (cells: 1 | 2, ...children: FdtNode[]): FdtNode =>
  node(
    'reserved-memory',
    { '#address-cells': encodeCells([cells]), '#size-cells': encodeCells([cells]), ranges: new Uint8Array() },
    ...children,
  )

const NO_MAP = { 'no-map': new Uint8Array() }
const jobNode = (cells: 1 | 2, more: Properties = NO_MAP): FdtNode =>
  node('fauxboot-job@78000000', {
    compatible: encodeString('fauxboot,job'),
    reg: reg(0x78000000, 0x10000, cells),
    ...more,
  })
const ramoopsNode = (cells: 1 | 2, more: Properties = NO_MAP): FdtNode =>
  node('ramoops@78010000', {
    compatible: encodeString('ramoops'),
    reg: reg(0x78010000, 0x70000, cells),
    'record-size': encodeCells([0x10000]),
    'console-size': encodeCells([0x20000]),
    phandle: encodeCells([7]),
    ...more,
  })
const firstStage = (cells: 1 | 2 = 1): Fdt =>
  tree({ cells, children: [reserved(cells, jobNode(cells), ramoopsNode(cells))] })

const KEPT = {
  job: { start: 0x78000000, end: 0x78010000 },
  ramoops: { start: 0x78010000, end: 0x78080000, recordSize: 0x10000, consoleSize: 0x20000 },
}

t.test('both nodes of the running tree come into a tree without any, in its own cells', async t => {
  const fdt = tree({ cells: 2 })
  t.equal(addKeptMemory(fdt, firstStage(1)), 'kept')
  const written = parseFdt(writeFdt(fdt))
  t.strictSame(keptMemory(written), KEPT)
  const parent = findNode(written, '/reserved-memory') ?? node('missing')
  t.strictSame(cellsOf(parent), { addressCells: 2, sizeCells: 2 })
  t.ok(parent.properties.has('ranges'), 'without it the kernel ignores the node')
  const ramoops = findNode(written, '/reserved-memory/ramoops@78010000') ?? node('missing')
  t.ok(ramoops.properties.has('no-map'))
  t.equal(propU32(ramoops, 'record-size'), 0x10000)
  t.notOk(ramoops.properties.has('phandle'), 'the number may be taken in this tree')
})

t.test('they join what a tree reserves already', async t => {
  const fdt = tree({ cells: 2, regions: [[0x50000000, 0x1000]] })
  t.equal(addKeptMemory(fdt, firstStage(2)), 'kept')
  t.equal(findNode(fdt, '/reserved-memory')?.children.length, 3)
  t.strictSame(keptMemory(fdt), KEPT)
})

t.test('the running tree itself, sent as the job’s tree, has them already', async t => {
  const fdt = firstStage()
  t.equal(addKeptMemory(fdt, firstStage()), 'kept')
  t.equal(findNode(fdt, '/reserved-memory')?.children.length, 2)
})

t.test('a tree keeps its own ramoops region, and what it reserves at the same place', async t => {
  const own = node('ramoops@60000000', { compatible: encodeString('ramoops'), reg: reg(0x60000000, 0x10000, 2) })
  for (const [outcome, fdt] of [
    ['own', tree({ children: [reserved(2, own)] })],
    ['taken', tree({ regions: [[0x7807f000, 0x10000]] })],
    ['taken', tree({ reservations: [[0x78000000, 0x1000]] })],
  ] as const) {
    const before = writeFdt(fdt)
    t.equal(addKeptMemory(fdt, firstStage()), outcome)
    t.strictSame(writeFdt(fdt), before)
  }
})

t.test('memory counts as kept only with both nodes, one region each, that no kernel maps', async t => {
  for (const children of [
    [],
    [jobNode(2)],
    [ramoopsNode(2)],
    [jobNode(2, {}), ramoopsNode(2)],
    [jobNode(2), ramoopsNode(2, {})],
    [jobNode(2, { ...NO_MAP, reg: new Uint8Array() }), ramoopsNode(2)],
    [jobNode(2, { ...NO_MAP, reg: reg(0x78000000, 0, 2) }), ramoopsNode(2)],
  ]) {
    const running = tree({ children: [reserved(2, ...children)] })
    t.equal(keptMemory(running), null)
    t.equal(addKeptMemory(tree({}), running), 'none')
  }
  t.equal(keptMemory(tree({})), null)
})
