import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { packUImage } from '../../../../../agent/image/uboot/uimage.js'
import { readUImageHeader, uimageParts } from '../../../../../agent/image/uboot/uimage-header.js'
import { UIMAGE_TYPE, uimageLongName } from '../../../../../agent/image/uboot/uimage-tables.js'
import { needs, peer } from '../../../../peer.js'
import { assertOnlyFaults } from '../only-faults.js'

const header = { arch: 'arm', compression: 'none', load: 0, entry: 0, name: 'test', time: 1 } as const

t.test('types are called what mkimage calls them', needs('mkimage'), async t => {
  const directory = t.testdir()
  for (const type of Object.values(UIMAGE_TYPE)) {
    // mkimage reads the data of some
    if (type === 'multi' || type === 'script') continue
    writeFileSync(join(directory, 'image'), packUImage({ ...header, type }, Buffer.from('data')))
    const [, listed] = /Image Type: +ARM Linux (.*) \(uncompressed\)/.exec(
      peer('mkimage', ['-l', 'image'], undefined, directory).toString(),
    ) ?? ['', '']
    t.equal(uimageLongName('type', type), listed)
  }
})

t.test('what is in no table is unknown', async t => {
  t.equal(uimageLongName('arch', 'arm64'), 'AArch64')
  t.equal(uimageLongName('os', null), 'Unknown OS')
  t.equal(uimageLongName('arch', 'toString'), 'Unknown Architecture')
  t.equal(uimageLongName('compression', 'rar'), 'Unknown Compression')
})

t.test('a header is read without its data, and says what its CRC should be', async t => {
  const bytes = packUImage({ ...header, type: 'kernel' }, Buffer.from('data')).subarray(0, 64)
  const good = readUImageHeader(bytes)
  t.match(good, { type: 'kernel', os: 'linux', arch: 'arm', compression: 'none', name: 'test', size: 4 })
  t.equal(good.headerCrc, good.computedCrc)
  bytes[30] = 200
  const bad = readUImageHeader(bytes)
  t.equal(bad.type, null)
  t.not(bad.headerCrc, bad.computedCrc)
})

t.test('parts follow each other on multiples of four bytes', async t => {
  const words = Buffer.alloc(16)
  for (const [i, word] of [5, 8, 1, 0].entries()) words.writeUInt32BE(word, i * 4)
  t.same(uimageParts(words), [
    { offset: 16, size: 5 },
    { offset: 24, size: 8 },
    { offset: 32, size: 1 },
  ])
  t.throws(() => uimageParts(words.subarray(0, 12)), { code: 'FORMAT_TRUNCATED' })
})

t.test('whatever is damaged, only errors of the table come out', async t => {
  t.doesNotThrow(() => assertOnlyFaults([packUImage({ ...header, type: 'kernel' }, Buffer.alloc(4))], readUImageHeader))
})
