import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import t, { type Test } from 'tap'
import {
  isUImage,
  packUImage,
  parseUImage,
  readUImageHeader,
  uimageParts,
} from '../../../../../agent/image/uboot/uimage.js'
import { UIMAGE_TYPE, uimageLongName } from '../../../../../agent/image/uboot/uimage-tables.js'
import { needs, peer } from '../../../../peer.js'
import { assertOnlyFaults } from '../only-faults.js'

const HEADER_BYTES = 64
const data = Buffer.from('not much of a kernel')
const header = {
  type: 'kernel',
  arch: 'arm',
  compression: 'gzip',
  load: 0x4200_8000,
  entry: 0x4200_8040,
  name: 'Linux-6.12',
  time: 1_700_000_000,
} as const

/** The image that mkimage makes of files named in `-d`. */
function mkimage(t: Test, args: readonly string[], files: Readonly<Record<string, Uint8Array>>): Uint8Array {
  const directory = t.testdir()
  for (const [name, bytes] of Object.entries(files)) writeFileSync(join(directory, name), bytes)
  const list = Object.keys(files).join(':')
  peer('mkimage', [...args, '-d', list, 'out'], undefined, directory)
  return peer('cat', ['out'], undefined, directory)
}

t.test('an image made by mkimage is parsed', needs('mkimage'), async t => {
  const bytes = mkimage(
    t,
    ['-A', 'arm', '-O', 'linux', '-T', 'kernel', '-C', 'gzip', '-a', '42008000', '-e', '42008040', '-n', 'Linux-6.12'],
    { kernel: data },
  )
  t.equal(isUImage(bytes), true)
  const image = parseUImage(bytes)
  const { time: _, ...expected } = header
  t.match(image, { ...expected, os: 'linux', size: data.length, trailing: 0 })
  t.same(Buffer.from(image.data), data)
  t.equal(image.data.buffer, bytes.buffer, 'a view')
  t.equal(image.parts.length, 1)
})

t.test('mkimage lists the images that we make', needs('mkimage'), async t => {
  const directory = t.testdir()
  writeFileSync(join(directory, 'ours'), packUImage(header, data))
  const listing = peer('mkimage', ['-l', 'ours'], undefined, directory).toString()
  t.match(listing, /Image Name: +Linux-6\.12/)
  t.match(listing, /ARM Linux Kernel Image \(gzip compressed\)/)
  t.match(listing, /Load Address: 42008000\n.*Entry Point: +42008040/)
})

t.test('a header that is packed and parsed is the same', async t => {
  const image = parseUImage(packUImage({ ...header, os: 'u-boot', type: 'firmware' }, data))
  t.match(image, { ...header, os: 'u-boot', type: 'firmware' })
})

t.test('the files of a multi image are views of it', needs('mkimage'), async t => {
  const bytes = mkimage(t, ['-A', 'arm', '-T', 'multi', '-C', 'none', '-n', 'two'], {
    kernel: Buffer.from('kernel'),
    ramdisk: Buffer.from('a ramdisk'),
  })
  const image = parseUImage(bytes)
  t.equal(image.type, 'multi')
  t.strictSame(
    image.parts.map(part => Buffer.from(part).toString()),
    ['kernel', 'a ramdisk'],
  )
  t.equal(image.parts[0]?.buffer, bytes.buffer)
})

t.test('a script is a list of one file', needs('mkimage'), async t => {
  const bytes = mkimage(t, ['-A', 'arm', '-T', 'script', '-C', 'none', '-n', 'boot'], {
    script: Buffer.from('bootz\n'),
  })
  t.strictSame(
    parseUImage(bytes).parts.map(part => Buffer.from(part).toString()),
    ['bootz\n'],
  )
})

t.test('a list of sizes that does not fit its data is refused', async t => {
  const list = Buffer.alloc(12)
  list.writeUInt32BE(100)
  t.throws(() => parseUImage(packUImage({ ...header, type: 'multi' }, list)), {
    code: 'FORMAT_TRUNCATED',
    details: { where: '0x8 (file 0)' },
  })
  t.throws(() => parseUImage(packUImage({ ...header, type: 'multi' }, list.subarray(0, 4))), {
    code: 'FORMAT_TRUNCATED',
  })
})

t.test('bytes after the data are counted', async t => {
  t.equal(parseUImage(Buffer.concat([packUImage(header, data), Buffer.alloc(7)])).trailing, 7)
})

t.test('both CRCs are checked', async t => {
  const damaged = (offset: number) => {
    const bytes = packUImage(header, data)
    bytes[offset] = (bytes[offset] ?? 0) ^ 1
    return bytes
  }
  t.throws(() => parseUImage(damaged(9), 'uImage'), {
    code: 'FORMAT_CRC',
    message: /uImage is corrupt: CRC at 0x4 is 0x/,
  })
  t.throws(() => parseUImage(damaged(HEADER_BYTES + 3)), { code: 'FORMAT_CRC', details: { where: '0x18' } })
})

t.test('a file that is not a uImage is refused', async t => {
  t.equal(isUImage(new Uint8Array(HEADER_BYTES)), false)
  t.equal(isUImage(packUImage(header, data).subarray(0, 63)), false)
  t.throws(() => parseUImage(new Uint8Array(HEADER_BYTES)), {
    code: 'FORMAT_MAGIC',
    details: { expected: '0x27051956', found: '0x0' },
  })
  t.throws(() => parseUImage(new Uint8Array(HEADER_BYTES - 1)), { code: 'FORMAT_TRUNCATED' })
  t.throws(() => parseUImage(packUImage(header, data).subarray(0, 70)), {
    code: 'FORMAT_TRUNCATED',
    details: { where: '0x40 (data)' },
  })
})

t.test('a number without a name is refused', async t => {
  const bytes = packUImage(header, data)
  const { crc32 } = await import('node:zlib')
  bytes[31] = 99
  const view = new DataView(bytes.buffer)
  view.setUint32(4, 0)
  view.setUint32(4, crc32(bytes.subarray(0, HEADER_BYTES)))
  t.throws(() => parseUImage(bytes), { code: 'FORMAT_VALUE', details: { where: '0x1f (compression)', found: '0x63' } })
})

t.test('a name may fill its field, but not exceed it', async t => {
  const name = 'n'.repeat(32)
  t.equal(parseUImage(packUImage({ ...header, name }, data)).name, name)
  t.throws(() => packUImage({ ...header, name: `${name}n` }, data), {
    code: 'FORMAT_VALUE',
    details: { where: '0x20 (name)' },
  })
})

const BARE = { arch: 'arm', compression: 'none', load: 0, entry: 0, name: 'test', time: 1 } as const

t.test('the long names of types are those of mkimage', needs('mkimage'), async t => {
  const directory = t.testdir()
  for (const type of Object.values(UIMAGE_TYPE)) {
    // mkimage reads the data of these.
    if (type === 'multi' || type === 'script') continue
    writeFileSync(join(directory, 'image'), packUImage({ ...BARE, type }, Buffer.from('data')))
    const [, listed] = /Image Type: +ARM Linux (.*) \(uncompressed\)/.exec(
      peer('mkimage', ['-l', 'image'], undefined, directory).toString(),
    ) ?? ['', '']
    t.equal(uimageLongName('type', type), listed)
  }
})

t.test('names outside the tables are unknown', async t => {
  t.equal(uimageLongName('arch', 'arm64'), 'AArch64')
  t.equal(uimageLongName('os', null), 'Unknown OS')
  t.equal(uimageLongName('arch', 'toString'), 'Unknown Architecture')
  t.equal(uimageLongName('compression', 'rar'), 'Unknown Compression')
})

t.test('a header is read without its data, and its CRC is computed', async t => {
  const bytes = packUImage({ ...BARE, type: 'kernel' }, Buffer.from('data')).subarray(0, 64)
  const good = readUImageHeader(bytes)
  t.match(good, { type: 'kernel', os: 'linux', arch: 'arm', compression: 'none', name: 'test', size: 4 })
  t.equal(good.headerCrc, good.computedCrc)
  bytes[30] = 200
  const bad = readUImageHeader(bytes)
  t.equal(bad.type, null)
  t.not(bad.headerCrc, bad.computedCrc)
})

t.test('parts start at multiples of four bytes', async t => {
  const words = Buffer.alloc(16)
  for (const [i, word] of [5, 8, 1, 0].entries()) words.writeUInt32BE(word, i * 4)
  t.same(uimageParts(words), [
    { offset: 16, size: 5 },
    { offset: 24, size: 8 },
    { offset: 32, size: 1 },
  ])
  t.throws(() => uimageParts(words.subarray(0, 12)), { code: 'FORMAT_TRUNCATED' })
})

t.test('damaged input causes only errors of the table', async t => {
  const valid = [packUImage(header, data), packUImage({ ...header, type: 'multi' }, Buffer.alloc(32))]
  t.doesNotThrow(() => assertOnlyFaults(valid, bytes => parseUImage(bytes)))
})
