import * as fc from 'fast-check'
import t from 'tap'
import { parseJobJson } from '../../../../../agent/boot/requests/json.js'
import { FauxbootError } from '../../../../../agent/errors.js'
import { refusal } from '../fixture.js'

const SHA = 'ab'.repeat(32)
const NO_OPTIONS = { dryRun: false, force: false, queue: false }
const MINIMAL = { kernel: 'http://lab/zImage', cmdline: '' }
/** As JSON: fields without a value are not there. */
const plain = (value: unknown): unknown => JSON.parse(JSON.stringify(value))

t.test('a job needs a kernel and a command line, and nothing else', async t => {
  t.same(plain(parseJobJson(MINIMAL)), {
    kernel: { url: 'http://lab/zImage' },
    overlays: [],
    cmdline: '',
    options: NO_OPTIONS,
  })
})

t.test('a job may say everything there is to say', async t => {
  const job = {
    name: 'v6.17 on the A80',
    kernel: { url: 'https://lab/zImage.gz', sha256: SHA.toUpperCase(), size: 7, compression: 'gzip' },
    ramdisk: { artifact: 'rootfs.cpio.gz', compression: 'none' },
    dtb: 'http://lab/board.dtb',
    overlays: ['http://lab/a.dtbo', { artifact: 'b.dtbo' }],
    modules: { url: 'http://lab/modules.tar.xz' },
    cmdline: 'console=ttyS0,115200n8 root=/dev/ram0',
    options: { dryRun: true, earlycon: 'uart,mmio32,0x7000000', force: true, queue: true, watchdog: 16 },
  }
  t.same(plain(parseJobJson(job)), {
    ...job,
    kernel: { ...job.kernel, sha256: SHA },
    dtb: { url: 'http://lab/board.dtb' },
    overlays: [{ url: 'http://lab/a.dtbo' }, { artifact: 'b.dtbo' }],
  })
})

t.test('files that came along stand in for references, which may say more of them', async t => {
  const files = {
    kernel: '.1-kernel',
    ramdisk: '.1-ramdisk',
    dtb: '.1-dtb',
    modules: '.1-modules',
    overlays: ['.1-o', '.2-o'],
  }
  const job = { cmdline: '', kernel: { sha256: SHA }, overlays: [{ size: 5 }], ramdisk: {} }
  t.same(plain(parseJobJson(job, files)), {
    kernel: { artifact: '.1-kernel', sha256: SHA },
    ramdisk: { artifact: '.1-ramdisk' },
    dtb: { artifact: '.1-dtb' },
    overlays: [{ artifact: '.1-o', size: 5 }, { artifact: '.2-o' }],
    modules: { artifact: '.1-modules' },
    cmdline: '',
    options: NO_OPTIONS,
  })
})

t.test('an error names the path of the wrong value', async t => {
  const wrong: [unknown, string, RegExp][] = [
    [null, 'the job', /must be an object, found nothing/],
    [[], 'the job', /found a list/],
    [7, 'the job', /found 7/],
    [{ ...MINIMAL, kernle: 1 }, 'kernle', /is not known here; known: name, kernel, /],
    [{ cmdline: '' }, 'kernel', /needs a url or an artifact/],
    [{ kernel: 'http://lab/zImage' }, 'cmdline', /must be a text, found nothing/],
    [{ ...MINIMAL, cmdline: 'a\nb' }, 'cmdline', /control character: "\\n"/],
    [{ ...MINIMAL, cmdline: 'x'.repeat(8193) }, 'cmdline', /8193 characters, at most 8192/],
    [{ ...MINIMAL, name: {} }, 'name', /must be a text, found an object/],
    [{ ...MINIMAL, kernel: 'ftp://lab/zImage' }, 'kernel.url', /must be an http or https URL/],
    [{ ...MINIMAL, kernel: 'zImage' }, 'kernel.url', /must be an http or https URL, found "zImage"/],
    [{ ...MINIMAL, kernel: { path: '/etc/passwd' } }, 'kernel.path', /is not known here/],
    [{ ...MINIMAL, kernel: { artifact: '.secret-kernel' } }, 'kernel.artifact', /not the name of an artifact/],
    [{ ...MINIMAL, kernel: { artifact: '../x' } }, 'kernel.artifact', /not the name of an artifact/],
    [{ ...MINIMAL, kernel: { artifact: 'a', url: 'http://lab/' } }, 'kernel', /more than one source/],
    [{ ...MINIMAL, kernel: { url: 'http://lab/', sha256: 'ab' } }, 'kernel.sha256', /64 hex digits, found "ab"/],
    [{ ...MINIMAL, kernel: { url: 'http://lab/', sha256: 5 } }, 'kernel.sha256', /found 5/],
    [{ ...MINIMAL, kernel: { url: 'http://lab/', size: -1 } }, 'kernel.size', /number of bytes, found -1/],
    [{ ...MINIMAL, kernel: { url: 'http://lab/', size: '1' } }, 'kernel.size', /found "1"/],
    [{ ...MINIMAL, kernel: { url: 'http://lab/', compression: 'rar' } }, 'kernel.compression', /one of gzip, .*none/],
    [{ ...MINIMAL, ramdisk: null }, 'ramdisk', /must be an object/],
    [{ ...MINIMAL, overlays: {} }, 'overlays', /must be a list/],
    [{ ...MINIMAL, overlays: ['http://lab/a', 5] }, 'overlays[1]', /must be an object, found 5/],
    [{ ...MINIMAL, overlays: [{ url: 'http://lab/', sha256: 'x' }] }, 'overlays[0].sha256', /64 hex digits/],
    [{ ...MINIMAL, overlays: Array(65).fill('http://lab/') }, 'overlays', /has 65 entries, at most 64/],
    [{ ...MINIMAL, options: { dryrun: true } }, 'options.dryrun', /known: dryRun/],
    [{ ...MINIMAL, options: { force: 1 } }, 'options.force', /true or false, found 1/],
    [{ ...MINIMAL, options: { earlycon: 1 } }, 'options.earlycon', /true or false/],
    [{ ...MINIMAL, options: { watchdog: 3601 } }, 'options.watchdog', /seconds from 0 to 3600, found 3601/],
  ]
  for (const [job, where, reason] of wrong) {
    t.match(await refusal(() => parseJobJson(job)), { code: 'JOB_INVALID', details: { where, reason } }, where)
  }
  const twice = await refusal(() => parseJobJson(MINIMAL, { kernel: '.1-kernel' }))
  t.match(twice.details, { where: 'kernel', reason: /more than one source/ })
  const many = await refusal(() => parseJobJson(MINIMAL, { overlays: Array(65).fill('.o') }))
  t.match(many.details, { where: 'overlays', reason: /are 65, at most 64/ })
})

t.test('whatever is sent, the answer is a job or an error of the table', async t => {
  const reference = fc.oneof(fc.anything(), fc.record({ url: fc.webUrl(), sha256: fc.string() }, { requiredKeys: [] }))
  const job = fc.record(
    {
      name: fc.anything(),
      kernel: reference,
      overlays: fc.oneof(fc.anything(), fc.array(reference)),
      cmdline: fc.oneof(fc.string(), fc.anything()),
      options: fc.anything(),
      modules: reference,
    },
    { requiredKeys: [] },
  )
  const always = fc.property(fc.oneof(fc.anything(), job), value => {
    try {
      return typeof parseJobJson(value).cmdline === 'string'
    } catch (thrown) {
      return thrown instanceof FauxbootError && thrown.code === 'JOB_INVALID'
    }
  })
  t.doesNotThrow(() => fc.assert(always, { numRuns: 200 }))
})
