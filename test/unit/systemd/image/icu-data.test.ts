import t from 'tap'
import { locateSymbol, trimIcuData } from '../../../../systemd/image/icu-data.js'

const HEADER = 32

/** Common data of ICU with these items, in order. */
function icuData(items: readonly (readonly [name: string, data: string])[]): Buffer {
  const header = Buffer.alloc(HEADER)
  header.writeUInt16LE(HEADER, 0)
  header.set([0xda, 0x27], 2)
  header.write('CmnD', 12, 'latin1')
  const table = Buffer.alloc(4 + 8 * items.length)
  table.writeUInt32LE(items.length, 0)
  const names = items.map(([name]) => Buffer.from(`icudt76l/${name}\0`))
  const contents = items.map(([, data]) => Buffer.from(data.padEnd(16, '.')))
  let nameAt = table.length
  let dataAt = Math.ceil((table.length + Buffer.concat(names).length) / 16) * 16
  const gap = Buffer.alloc(dataAt - table.length - Buffer.concat(names).length)
  for (const [index, name] of names.entries()) {
    table.writeUInt32LE(nameAt, 4 + 8 * index)
    table.writeUInt32LE(dataAt, 8 + 8 * index)
    nameAt += name.length
    dataAt += contents[index]?.length ?? 0
  }
  return Buffer.concat([header, table, ...names, gap, ...contents])
}

/** Name and first 16 bytes of each item, found by following the offsets. */
function itemsOf(bytes: Uint8Array): [name: string, data: string][] {
  const input = Buffer.from(bytes)
  return Array.from({ length: input.readUInt32LE(HEADER) }, (_, index) => {
    const name = HEADER + input.readUInt32LE(HEADER + 4 + 8 * index)
    const data = HEADER + input.readUInt32LE(HEADER + 8 + 8 * index)
    return [input.toString('latin1', name, input.indexOf(0, name)), input.toString('latin1', data, data + 16)]
  })
}

t.test('English and what belongs to no language stay; the rest goes', async t => {
  const items = [
    ['brkitr/char.brk', 'characters'],
    ['brkitr/thaidict.dict', 'dictionary'],
    ['cnvalias.icu', 'aliases'],
    ['coll/de.res', 'german order'],
    ['coll/root.res', 'order'],
    ['de.res', 'german'],
    ['en.res', 'english'],
    ['ibm-37_P100-1995.cnv', 'converter'],
    ['nfkc.nrm', 'normal forms'],
    ['pool.res', 'pool'],
    ['sr_Latn.res', 'serbian'],
    ['zoneinfo64.res', 'zones'],
  ] as const
  t.strictSame(
    itemsOf(trimIcuData(icuData(items))).map(([name, data]) => [name, data.replace(/\.+$/, '')]),
    [
      ['icudt76l/brkitr/char.brk', 'characters'],
      ['icudt76l/cnvalias.icu', 'aliases'],
      ['icudt76l/coll/root.res', 'order'],
      ['icudt76l/en.res', 'english'],
      ['icudt76l/nfkc.nrm', 'normal forms'],
      ['icudt76l/pool.res', 'pool'],
      ['icudt76l/zoneinfo64.res', 'zones'],
    ],
  )
})

t.test('data of nothing but other languages is empty, and whole', async t => {
  t.strictSame(itemsOf(trimIcuData(icuData([['de.res', 'german']]))), [])
})

t.test('what is not ICU data is refused', async t => {
  const cut = icuData([['en.res', 'english']]).subarray(0, HEADER + 6)
  const other = icuData([])
  other.write('ToDo', 12, 'latin1')
  for (const bytes of [Buffer.alloc(0), Buffer.alloc(100), cut, other]) {
    t.throws(() => trimIcuData(bytes), { code: 'BUILD_INPUT', message: /trimming ICU data/ })
  }
})

t.test("a symbol's place in the file follows from its section", async t => {
  const readelf = `  [11] .rodata           PROGBITS        00001380 000380 1e60670 00   A  0   0 16
     7: 00001410 0x1e60550 OBJECT  GLOBAL DEFAULT   11 icudt76_dat
`
  t.strictSame(locateSymbol(readelf, /^icudt\d+_dat$/), { name: 'icudt76_dat', offset: 0x410, size: 0x1e60550 })
  t.throws(() => locateSymbol('', /^icudt/), { code: 'BUILD_INPUT' })
})
