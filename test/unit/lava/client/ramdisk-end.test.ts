import { randomBytes } from 'node:crypto'
import { gzipSync } from 'node:zlib'
import t from 'tap'
import { packUImage } from '../../../../agent/image/uboot/uimage.js'
import { ramdiskEnd } from '../../../../lava/client/ramdisk-end.js'
import { needs, peer } from '../../../peer.js'
import { cpio } from '../../agent/kexec/images.js'

const ARCHIVE = Buffer.concat([cpio(), randomBytes(200_000)])
const GZIP = gzipSync(ARCHIVE)
const HEADER = {
  type: 'ramdisk',
  arch: 'arm',
  os: 'linux',
  compression: 'none',
  load: 0,
  entry: 0,
  name: '',
  time: 0,
} as const

t.test('a gzip file that is cut anywhere breaks off, also in a uImage', async t => {
  for (const size of [4, 10, 50, 100_000, GZIP.length - 9, GZIP.length - 8, GZIP.length - 1]) {
    const cut = GZIP.subarray(0, size)
    for (const file of [cut, packUImage(HEADER, cut)]) {
      t.match(
        await ramdiskEnd(file),
        { check: 'ramdisk-truncated', severity: 'warning', message: /its gzip stream/ },
        `${size}`,
      )
    }
  }
})

t.test('zstd and lz4 files that are cut break off', needs('zstd', 'lz4'), async t => {
  for (const program of ['zstd', 'lz4']) {
    const whole = peer(program, ['-c'], ARCHIVE)
    t.equal(await ramdiskEnd(whole), null)
    t.match(await ramdiskEnd(whole.subarray(0, whole.length / 2)), { message: new RegExp(`its ${program} stream`) })
  }
})

t.test('nothing is said where it is not certain', async t => {
  const followed = [[], ['\n'], [Buffer.alloc(513)], [cpio()], [GZIP], [GZIP.subarray(0, 50)]]
  for (const more of followed)
    t.equal(await ramdiskEnd(Buffer.concat([GZIP, ...more.map(one => Buffer.from(one))])), null)
  const damaged = Buffer.from(GZIP)
  damaged.fill(0xff, 1000, 2000)
  const brokenHeader = Buffer.from(packUImage(HEADER, GZIP)).fill(0xff, 4, 8)
  for (const file of [damaged, brokenHeader, cpio(), Buffer.from('junk')]) t.equal(await ramdiskEnd(file), null)
})

t.test('an interruption ends it', async t => {
  await t.rejects(ramdiskEnd(GZIP, AbortSignal.abort(new Error('enough'))), { message: 'enough' })
})
