/**
 * Makes Node's ICU library smaller: it keeps the data of one language. Debian's library holds 31 MB for all languages.
 * The agent reads almost none of it, but an initramfs would unpack all of it and keep it in memory.
 *
 * Format of the data: ICU's "common data", a header (unicode/udata.h, UDataInfo), then the number of items, then
 * offsets of each item's name and bytes, both relative to the number; items are sorted by name and aligned to 16.
 */

import { readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { fault } from '../../agent/errors.js'
import { cached, contentKey } from '../cache.js'
import { run } from '../run.js'

const ALIGNMENT = 16
const MAX_ITEMS = 100_000

/** Bytes 2 and 3 of the header, which identify ICU data. */
const MAGIC = [0xda, 0x27] as const
const DATA_FORMAT = 'CmnD'

/** Bundles of a language are named after it: `de.res`, `sr_Latn.res`. */
const LOCALE = /^[a-z]{2,3}(_[A-Za-z0-9_]+)?\.res$/
const KEPT_LOCALE = /^(root|en|en_US|en_001|pool)\.res$/

/** Items that a program which reads UTF-8 in English does not need: converters, dictionaries, transliteration. */
const LEFT_OUT = /^translit\/|^rbnf\/|\.(cnv|dict|spp|cfu)$|^brkitr\/.*(lstm|_)/

/** Whether to keep an item. @param name without its first part: `coll/de.res` */
function kept(name: string): boolean {
  if (LEFT_OUT.test(name)) return false
  const file = name.slice(name.lastIndexOf('/') + 1)
  return KEPT_LOCALE.test(file) || !LOCALE.test(file)
}

/**
 * Remove the items of other languages.
 *
 * @param bytes ICU common data, little-endian
 * @throws BUILD_INPUT if it is something else
 */
export function trimIcuData(bytes: Uint8Array): Uint8Array {
  const input = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  const refuse = (reason: string) => fault('BUILD_INPUT', { doing: 'trimming ICU data', reason })
  if (input.length < 24 || input[2] !== MAGIC[0] || input[3] !== MAGIC[1]) throw refuse('no ICU data header')
  if (input.toString('latin1', 12, 16) !== DATA_FORMAT) throw refuse('not common data')
  const table = input.readUInt16LE(0)
  const count = table + 4 <= input.length ? input.readUInt32LE(table) : MAX_ITEMS + 1
  if (count > MAX_ITEMS || table + 4 + 8 * count > input.length) throw refuse('the table of items is cut off')

  const read = (index: number) => {
    const entry = table + 4 + 8 * index
    const nameAt = table + input.readUInt32LE(entry)
    const name = input.toString('latin1', nameAt, input.indexOf(0, nameAt))
    return { name, start: table + input.readUInt32LE(entry + 4) }
  }
  const all = Array.from({ length: count }, (_, index) => read(index))
  const items = all
    .map(({ name, start }, index) => ({ name, data: input.subarray(start, all[index + 1]?.start ?? input.length) }))
    .filter(({ name }) => kept(name.slice(name.indexOf('/') + 1)))

  const names = Buffer.from(items.map(({ name }) => `${name}\0`).join(''), 'latin1')
  const head = Buffer.alloc(4 + 8 * items.length)
  head.writeUInt32LE(items.length, 0)
  const pieces: Uint8Array[] = [input.subarray(0, table), head, names]
  let size = head.length + names.length
  let nameAt = head.length
  for (const [index, { name, data }] of items.entries()) {
    // Offsets are relative to the table, which is aligned itself.
    const gap = (ALIGNMENT - (size % ALIGNMENT)) % ALIGNMENT
    head.writeUInt32LE(nameAt, 4 + 8 * index)
    head.writeUInt32LE(size + gap, 8 + 8 * index)
    nameAt += name.length + 1
    pieces.push(new Uint8Array(gap), data)
    size += gap + data.length
  }
  return Buffer.concat(pieces)
}

/** Tag_ABI_VFP_args: without it, the dynamic linker of a hard-float system ignores the library. */
const HARD_FLOAT = '.eabi_attribute 28, 1'

const assembly = (symbol: string): string => `${HARD_FLOAT}
.section .rodata
.balign ${ALIGNMENT}
.global ${symbol}
.type ${symbol}, %object
${symbol}:
.incbin "icu.dat"
.size ${symbol}, . - ${symbol}
`

/** Where a symbol's bytes are in a shared library, from the output of `readelf -SW` and `readelf -W --dyn-syms`. */
export function locateSymbol(readelf: string, pattern: RegExp): { name: string; offset: number; size: number } {
  const symbol = /^\s*\d+:\s+([0-9a-f]+)\s+(0x[0-9a-f]+|\d+)\s+OBJECT\s+GLOBAL\s+DEFAULT\s+\d+\s+(\S+)$/gm
  const section = /\.rodata\s+PROGBITS\s+([0-9a-f]+)\s+([0-9a-f]+)/.exec(readelf)
  const found = [...readelf.matchAll(symbol)].find(([, , , name]) => pattern.test(name ?? ''))
  if (section === null || found === undefined) {
    throw fault('BUILD_INPUT', { doing: 'looking for ICU data', reason: `the library has no symbol ${pattern}` })
  }
  const [, address = '', offset = ''] = section
  const [, value = '', size = '', name = ''] = found
  return {
    name,
    offset: Number.parseInt(value, 16) - Number.parseInt(address, 16) + Number.parseInt(offset, 16),
    size: Number(size),
  }
}

/**
 * A library that replaces Debian's libicudata. Cached.
 *
 * @param tree unpacked Debian packages
 * @param library path of libicudata in it
 * @param soname the name that programs are linked with
 * @returns path of the new library
 */
export function smallIcuData(tree: string, library: string, soname: string): Promise<string> {
  const path = join(tree, library)
  return cached('icu', contentKey([path]), async dir => {
    const doing = 'trimming ICU data'
    const tables = await run(doing, ['readelf', '-SW', '--dyn-syms', path])
    const { name, offset, size } = locateSymbol(tables.toString(), /^icudt\d+_dat$/)
    const whole = await readFile(path)
    await writeFile(join(dir, 'icu.dat'), trimIcuData(whole.subarray(offset, offset + size)))
    const source = assembly(name)
    await writeFile(join(dir, 'icu.S'), source)
    const out = ['-shared', '-nostdlib', `-Wl,-soname,${soname}`, '-Wl,-z,noexecstack', '-o', soname]
    await run(doing, ['arm-linux-gnueabihf-gcc', ...out, 'icu.S'], { cwd: dir })
  }).then(dir => join(dir, soname))
}
