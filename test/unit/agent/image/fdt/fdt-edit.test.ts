import fc from 'fast-check'
import t from 'tap'
import { FauxbootError } from '../../../../../agent/errors.js'
import { checkFdtHeader, FdtBlob, fdtDataEnd } from '../../../../../agent/image/fdt/fdt-blob.js'
import { FdtEditor } from '../../../../../agent/image/fdt/fdt-edit.js'
import { mutatedBytes } from '../mutated-bytes.js'
import { dtbOf, sourceOf } from './dtb.js'

const SOURCE = `/ { empty; model = "test"; #address-cells = <1>; aliases { serial0 = "/soc/uart@10"; none = "x"; };
  soc { uart@10 { status = "okay"; reg = <0x10 1>; }; gpio@20 { }; }; };`
const text = (value: string) => Buffer.from(`${value}\0`)

/** Bytes of free space for edits in these trees. */
const ROOM = 256
const editor = (source = SOURCE) => {
  const bytes = dtbOf(source, [])
  return FdtEditor.open(bytes, bytes.length + ROOM)
}
const names = (tree: FdtBlob, path: string) => [...tree.properties(tree.node(path))].map(({ name }) => name)
const nodes = (tree: FdtBlob, path: string) => [...tree.children(tree.node(path))].map(({ name }) => name)
/** The sizes and offsets in the header, which edits of libfdt change by known amounts. */
const sizes = (tree: FdtBlob) => [tree.header('strings'), tree.header('stringsSize'), tree.header('structureSize')]
const grown = (tree: FdtBlob, before: number[]) => sizes(tree).map((size, i) => size - (before[i] ?? 0))

t.test('nodes are found by path, without unit address, and by alias', async t => {
  const tree = editor()
  t.equal(tree.node('/'), 0)
  const uart = tree.node('/soc/uart@10')
  t.equal(tree.node('/soc/uart'), uart)
  t.equal(tree.node('serial0'), uart)
  t.throws(() => tree.node('/soc/uart@11'), { message: 'libfdt fdt_path_offset() returned FDT_ERR_NOTFOUND' })
  for (const alias of ['serial1', 'none', 'no/alias'])
    t.throws(() => tree.node(alias), { message: 'libfdt fdt_path_offset() returned FDT_ERR_BADPATH' })
  t.throws(() => editor('/ { };').node('serial0'), { message: 'libfdt fdt_path_offset() returned FDT_ERR_BADPATH' })
})

t.test('a new property comes first, an existing one keeps its place', async t => {
  const tree = editor()
  const before = sizes(tree)
  tree.setProperty(tree.node('/soc/uart'), 'bootargs', text('console=ttyS0'))
  t.same(names(tree, '/soc/uart'), ['bootargs', 'status', 'reg'])
  t.same(grown(tree, before), [28, 9, 28], '12 bytes, the value in whole words, and the name')
  tree.setProperty(tree.node('/soc/uart'), 'status', new Uint8Array())
  tree.setProperty(tree.node('/soc/uart'), 'reg', Buffer.alloc(30, 1))
  t.same(names(tree, '/soc/uart'), ['bootargs', 'status', 'reg'])
  t.match(sourceOf(tree.trimmed()), /bootargs = "console=ttyS0";\s+reg = \[(01 ?){30}\];\s+status;/)
})

t.test('a name that is the end of another one is not stored again', async t => {
  const tree = editor()
  const before = sizes(tree)
  tree.setProperty(0, 'odel', new Uint8Array())
  t.same(grown(tree, before), [12, 0, 12])
})

t.test('a new node comes after the properties and before the other children', async t => {
  const tree = editor()
  const node = tree.addNode(tree.node('/soc'), 'spi@30')
  t.same(nodes(tree, '/soc'), ['spi@30', 'uart@10', 'gpio@20'])
  t.equal(tree.node('/soc/spi'), node)
  t.equal(tree.ensureChild(tree.node('/soc'), 'spi'), node)
  t.throws(() => tree.addNode(tree.node('/soc'), 'uart'), { message: 'libfdt fdt_add_subnode(): FDT_ERR_EXISTS' })
  tree.addNode(0, 'chosen')
  t.same(nodes(tree, '/'), ['chosen', 'aliases', 'soc'])
})

t.test('a removed property is gone, but its name is not', async t => {
  const tree = editor()
  const before = sizes(tree)
  tree.deleteProperty(0, 'model')
  t.same(grown(tree, before), [-20, 0, -20])
  t.throws(() => tree.deleteProperty(0, 'model'), { message: 'libfdt fdt_delprop(): FDT_ERR_NOTFOUND' })
  tree.deleteNode(tree.node('/soc'))
  t.same(nodes(tree, '/'), ['aliases'])
  t.notMatch(sourceOf(tree.trimmed()), /soc \{/)
})

t.test('reservations are appended, and move the tree', async t => {
  const tree = editor()
  tree.addReservation(0x4600_0000n, 0xf_ffffn)
  tree.addReservation(0x1_0000_0000n, 0x1000n)
  tree.deleteReservation(0)
  t.same(tree.reservations(), [{ address: 0x1_0000_0000n, size: 0x1000n }])
  t.throws(() => tree.deleteReservation(1), { message: 'libfdt fdt_del_mem_rsv(): FDT_ERR_NOTFOUND' })
  t.match(sourceOf(tree.trimmed()), /memreserve\/\s+0x0*100000000 0x0*1000;/)
})

t.test('an edit that does not fit is refused, and the tree is unchanged', async t => {
  const bytes = dtbOf(SOURCE, [])
  const tree = FdtEditor.open(bytes, bytes.length + 20)
  const before = Buffer.from(tree.trimmed())
  t.throws(() => tree.setProperty(0, 'long-name', text('x')), { message: 'libfdt fdt_setprop(): FDT_ERR_NOSPACE' })
  t.throws(() => tree.setProperty(0, 'model', Buffer.alloc(50)), { message: 'libfdt fdt_setprop(): FDT_ERR_NOSPACE' })
  t.throws(() => tree.addNode(0, 'a-long-name-for-a-node'), { message: 'libfdt fdt_add_subnode(): FDT_ERR_NOSPACE' })
  tree.addReservation(1n, 1n)
  t.throws(() => tree.addReservation(2n, 1n), { message: 'libfdt fdt_add_mem_rsv(): FDT_ERR_NOSPACE' })
  tree.deleteReservation(0)
  t.same(Buffer.from(tree.trimmed().subarray(0, tree.end)), before)
  t.throws(() => FdtEditor.open(bytes, 100), { message: 'libfdt fdt_open_into(): FDT_ERR_NOSPACE' })
})

t.test('resizing extends the tree to the end of a page', async t => {
  const tree = editor()
  tree.resize(0x4300_0000, 0x1000)
  t.equal(tree.header('totalSize'), 0x2000)
  tree.addReservation(0x4300_0100n, 0x2000n)
  tree.resize(0x4300_0100, 0)
  t.equal(tree.header('totalSize'), 0xf00)
  t.same(tree.reservations(), [{ address: 0x4300_0100n, size: 0xf00n }], 'its own reservation follows')
})

/** The same tree as version 16, and with its strings before its structure. */
function variants() {
  const bytes = dtbOf(SOURCE, [])
  const view = (copy: Uint8Array) => new DataView(copy.buffer)
  const blob = new FdtBlob(bytes)
  const old = Uint8Array.from([...bytes, 0, 0, 0, 0])
  view(old).setUint32(4, old.length)
  view(old).setUint32(20, 16)
  const [structure, size] = [blob.header('structure'), blob.header('structureSize')]
  const [strings, stringsSize] = [blob.header('strings'), blob.header('stringsSize')]
  const room = Math.ceil(stringsSize / 4) * 4
  const swapped = new Uint8Array(structure + room + size)
  swapped.set(bytes.subarray(0, structure))
  swapped.set(bytes.subarray(strings, strings + stringsSize), structure)
  swapped.set(bytes.subarray(structure, structure + size), structure + room)
  view(swapped).setUint32(4, swapped.length)
  view(swapped).setUint32(8, structure + room)
  view(swapped).setUint32(12, structure)
  return { bytes, old, swapped }
}

t.test('older trees and trees in another order are read, and reordered for edits', async t => {
  const { bytes, old, swapped } = variants()
  for (const variant of [old, swapped]) {
    t.same(nodes(new FdtBlob(variant), '/soc'), ['uart@10', 'gpio@20'])
    const tree = FdtEditor.open(variant, variant.length + 200)
    t.equal(tree.header('version'), 17)
    t.equal(sourceOf(tree.trimmed()), sourceOf(bytes))
    tree.addNode(0, 'more')
  }
  const call = () => new FdtEditor(swapped).addNode(0, 'more')
  t.throws(call, { message: 'libfdt fdt_add_subnode(): FDT_ERR_BADLAYOUT' })
})

t.test('an invalid header has the error of libfdt', async t => {
  const bytes = dtbOf(SOURCE, [])
  const broken = (offset: number, word: number) => {
    const copy = Uint8Array.from(bytes)
    new DataView(copy.buffer).setUint32(offset, word)
    return copy
  }
  t.equal(checkFdtHeader(bytes), null)
  t.equal(fdtDataEnd(bytes), bytes.length)
  t.equal(checkFdtHeader(broken(0, 0)), 'FDT_ERR_BADMAGIC')
  t.equal(checkFdtHeader(broken(20, 1)), 'FDT_ERR_BADVERSION')
  t.equal(checkFdtHeader(broken(8, 0xffff_0000)), 'FDT_ERR_TRUNCATED')
  for (const bad of [bytes.subarray(0, 39), bytes.subarray(0, 60)])
    t.throws(() => new FdtBlob(bad), { message: 'libfdt fdt_check_header(): FDT_ERR_TRUNCATED' })
})

t.test('damaged input causes only errors of the table', async t => {
  const property = fc.property(mutatedBytes(dtbOf(SOURCE, [])), bytes => {
    try {
      const tree = FdtEditor.open(bytes, bytes.length + ROOM)
      for (const event of tree.walk(0)) {
        if (event.kind === 'property') tree.setProperty(0, 'more', event.property.value)
      }
      tree.addReservation(1n, 2n)
      tree.deleteNode(tree.addNode(tree.node('/soc/uart'), 'new'))
      tree.deleteProperty(tree.node('serial0'), 'reg')
    } catch (error) {
      if (!(error instanceof FauxbootError)) throw error
    }
  })
  t.doesNotThrow(() => fc.assert(property, { numRuns: 2000 }))
})
