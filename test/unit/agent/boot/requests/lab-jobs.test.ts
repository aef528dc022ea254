import { readFileSync } from 'node:fs'
import * as fc from 'fast-check'
import t from 'tap'
import { parseJobKernelci } from '../../../../../agent/boot/requests/kernelci.js'
import { adaptConsole, labCommandLine } from '../../../../../agent/boot/requests/lab-command-line.js'
import { parseJobLava } from '../../../../../agent/boot/requests/lava.js'
import { FauxbootError } from '../../../../../agent/errors.js'
import { failure, refusal } from '../fixture.js'

const read = (file: string): string => readFileSync(`test/unit/agent/boot/requests/${file}`, 'utf8')
const BOARD = { console: 'ttyS0,115200n8', kernelArgs: 'earlycon=uart,mmio32,0x7000000' }
const OPTIONS = { dryRun: false, force: false, queue: false }
const plain = (value: unknown): unknown => JSON.parse(JSON.stringify(value))
const build = 'https://files.kernelci.org/kbuild-gcc-14-arm-66c0ffee'
const ROOTFS = 'http://storage.kernelci.org/images/rootfs/buildroot/buildroot-baseline/20230703.0/armel/rootfs.cpio.gz'

t.test("KernelCI's LAVA job for the A80 is understood", async t => {
  t.same(plain(await parseJobLava(read('lava-a80.yaml'), BOARD)), {
    name: '[production] 66c0ffee00112233445566aa baseline-arm-clabbe v6.17-rc1',
    kernel: { url: `${build}/zImage` },
    ramdisk: { url: ROOTFS },
    dtb: { url: `${build}/dtbs/sun9i-a80-cubieboard4.dtb` },
    overlays: [],
    modules: { url: `${build}/modules.tar.xz`, compression: 'xz' },
    cmdline: 'console=ttyS0,115200n8 root=/dev/ram0 earlycon=uart,mmio32,0x7000000 ip=dhcp',
    options: OPTIONS,
  })
})

t.test("KernelCI's pull-lab job for the A80 is understood", async t => {
  t.same(plain(parseJobKernelci(JSON.parse(read('pull-labs-a80.json')), BOARD)), {
    name: 'boot-test-66c0ffee',
    kernel: { url: `${build}/zImage` },
    ramdisk: { url: ROOTFS },
    dtb: { url: `${build}/dtbs/sun9i-a80-cubieboard4.dtb` },
    overlays: [],
    modules: { url: `${build}/modules.tar.xz` },
    cmdline: 'console=ttyS0,115200n8 root=/dev/ram0 earlycon=uart,mmio32,0x7000000 ip=dhcp',
    options: OPTIONS,
  })
})

t.test('the command line is the one of the device type, with what the job adds', async t => {
  t.equal(
    labCommandLine(BOARD, ' loglevel=8 panic=10 '),
    'console=ttyS0,115200n8 root=/dev/ram0 earlycon=uart,mmio32,0x7000000 loglevel=8 panic=10 ip=dhcp',
  )
  t.equal(labCommandLine({ console: '', kernelArgs: '' }), 'root=/dev/ram0 ip=dhcp')
  t.equal(adaptConsole('ttyS0,115200n8', { device: 'ttyS2' }), 'ttyS2,115200n8')
  t.equal(adaptConsole('ttyS0,115200n8', { baud: 9600 }), 'ttyS0,9600n8')
  t.equal(adaptConsole('ttyAMA0', {}), 'ttyAMA0')
  t.equal(adaptConsole('ttyAMA0', { baud: 9600 }), 'ttyAMA0,9600')
})

const lava = (changes: { deploy?: string; boot?: string; rest?: string; actions?: string } = {}): string => `
job_name: test
${changes.rest ?? ''}
actions:
- deploy:
    to: tftp
    kernel: {url: http://lab/zImage}
${changes.deploy ?? ''}
- boot: {${changes.boot ?? 'method: u-boot, commands: ramdisk'}}
${changes.actions ?? ''}
`

t.test("a LAVA job's context reaches the command line", async t => {
  const { cmdline } = await parseJobLava(
    lava({
      rest: 'context: {extra_kernel_args: loglevel=8 panic=10, console_device: ttyS3, baud_rate: 9600, arch: arm}',
    }),
    BOARD,
  )
  t.equal(cmdline, 'console=ttyS3,9600n8 root=/dev/ram0 earlycon=uart,mmio32,0x7000000 loglevel=8 panic=10 ip=dhcp')
})

t.test(
  'files of a LAVA job keep their digests; compression is undone but for the ramdisk, which the kernel unpacks',
  async t => {
    const sha256 = 'cd'.repeat(32)
    const job = await parseJobLava(
      lava({
        deploy: `
    ramdisk: {url: http://lab/r, compression: gz, sha256sum: ${sha256}, install_overlay: false, header: u-boot}
    dtb: {url: http://lab/d, compression: bz2}
    dtbo: [{url: http://lab/o0}, {url: http://lab/o1, compression: zstd}]
    modules: {url: http://lab/m, compression: null, archive: tar}`,
      }),
      BOARD,
    )
    t.same(plain(job), {
      name: 'test',
      kernel: { url: 'http://lab/zImage' },
      ramdisk: { url: 'http://lab/r', sha256 },
      dtb: { url: 'http://lab/d', compression: 'bzip2' },
      overlays: [{ url: 'http://lab/o0' }, { url: 'http://lab/o1', compression: 'zstd' }],
      modules: { url: 'http://lab/m' },
      cmdline: job.cmdline,
      options: OPTIONS,
    })
    const single = await parseJobLava(lava({ deploy: '    dtbo: {url: http://lab/o}' }), BOARD)
    t.same(plain(single.overlays), [{ url: 'http://lab/o' }])
  },
)

t.test('modules stay out of the ramdisk if the LAVA job says so', async t => {
  const modules = '    modules: {url: http://lab/m}\n'
  const kept = await parseJobLava(
    lava({ deploy: `${modules}    ramdisk: {url: http://lab/r, install_modules: false}` }),
    BOARD,
  )
  t.equal(kept.modules, undefined)
  const without = await parseJobLava(lava({ deploy: modules }), BOARD)
  t.same(plain(without.modules), { url: 'http://lab/m' })
})

t.test('YAML anchors and merge keys work, as labs use them', async t => {
  const text = lava({ rest: 'x: &base {url: http://lab/r}', deploy: '    ramdisk: {<<: *base}' })
  t.same(plain((await parseJobLava(text, BOARD)).ramdisk), { url: 'http://lab/r' })
})

t.test('what would be another boot than the one meant is refused by name', async t => {
  const refused: [string, string, RegExp][] = [
    [
      lava({ deploy: '    nfsrootfs: {url: http://lab/n}' }),
      'actions[0].deploy.nfsrootfs',
      /not supported; files: kernel/,
    ],
    [lava({ deploy: '    tee: {url: http://lab/t}' }), 'actions[0].deploy.tee', /not supported/],
    [lava({ deploy: '    dtb: {url: http://lab/d, archive: tar}' }), 'actions[0].deploy.dtb.archive', /not supported/],
    [lava({ deploy: '    dtb: {url: http://lab/d, md5sum: x}' }), 'actions[0].deploy.dtb.md5sum', /not supported/],
    [
      lava({ deploy: '    dtb: {url: http://lab/d, compression: zip}' }),
      'actions[0].deploy.dtb.compression',
      /found "zip"/,
    ],
    [lava({ deploy: '    dtb: {url: "file:///boot/d"}' }), 'actions[0].deploy.dtb.url', /http or https/],
    [lava({ deploy: '    dtb: {url: http://lab/d, sha256sum: 1}' }), 'actions[0].deploy.dtb.sha256sum', /64 hex/],
    [lava({ deploy: '    dtbo: [{url: x}]' }), 'actions[0].deploy.dtbo[0].url', /http or https/],
    [
      lava({ deploy: '    ramdisk: {url: http://lab/r, install_modules: 1}\n    modules: {}' }),
      'actions[0].deploy.ramdisk.install_modules',
      /true or false/,
    ],
    [lava().replace('to: tftp', 'to: fastboot'), 'actions[0].deploy.to', /one of tftp, http, https, found "fastboot"/],
    [lava().replace('kernel: {url: http://lab/zImage}', 'os: oe'), 'actions[0].deploy.kernel', /found nothing/],
    [
      lava({ boot: 'method: fastboot, commands: ramdisk' }),
      'actions[1].boot.method',
      /must be u-boot, found "fastboot"/,
    ],
    [lava({ boot: 'method: u-boot, commands: nfs' }), 'actions[1].boot.commands', /must be ramdisk, found "nfs"/],
    [lava({ boot: 'method: u-boot, commands: [a, b]' }), 'actions[1].boot.commands', /found a list/],
    [lava({ actions: '- boot: {method: u-boot}' }), 'actions[2].boot', /a second boot/],
    [lava({ actions: '- deploy: {to: tftp}' }), 'actions[2].deploy', /a second deploy/],
    [lava({ actions: '- repeat: {count: 5}' }), 'actions[2].repeat', /not supported/],
    [lava({ actions: '- 7' }), 'actions[2]', /must be an object/],
    ['actions: [{boot: {method: u-boot, commands: ramdisk}}]', 'actions', /have no deploy/],
    ['actions: [{deploy: {to: tftp}}]', 'actions', /have no boot/],
    ['actions: {}', 'actions', /must be a list/],
    [lava({ rest: 'context: {baud_rate: fast}' }), 'context.baud_rate', /must be a number, found "fast"/],
    [lava({ rest: 'context: {baud_rate: {toString: 1}}' }), 'context.baud_rate', /must be a number, found an object/],
    [lava({ rest: 'context: {extra_kernel_args: [a]}' }), 'context.extra_kernel_args', /must be a text/],
    ['- a\n- b', 'the job', /must be an object, found a list/],
    ['a: b: c', 'the job', /cannot be read as YAML: .* at line 1$/],
    ['a: 1\na: 2', 'the job', /cannot be read as YAML: Map keys must be unique at line 2/],
    ['x'.repeat(64 * 1024 + 1), 'the job', /has 65537 characters/],
  ]
  for (const [text, where, reason] of refused) {
    t.match(await failure(parseJobLava(text, BOARD)), { code: 'JOB_INVALID', details: { where, reason } }, where)
  }
})

t.test('YAML made to explode or to nest without end is an error and nothing worse', async t => {
  const bomb = ['a: &a [x,x,x,x,x,x,x,x,x]']
  for (let i = 0; i < 9; i++) {
    const [name, previous] = ['abcdefghijk'[i + 1], 'abcdefghijk'[i]]
    bomb.push(`${name}: &${name} [${Array(9).fill(`*${previous}`).join()}]`)
  }
  for (const text of [bomb.join('\n'), '['.repeat(1200), '['.repeat(1200), '{a: '.repeat(5000), '- '.repeat(5000)]) {
    t.equal((await failure(parseJobLava(text, BOARD))).code, 'JOB_INVALID')
  }
})

/** A list in a list in a list. */
const nested = (depth: number): unknown => JSON.parse('['.repeat(depth) + ']'.repeat(depth))

const kernelci = (changes: object = {}) => ({ artifacts: { kernel: 'http://lab/zImage' }, ...changes })

t.test("a pull-lab job's digests and console are used, its other files are for the tests", async t => {
  const sha256 = 'ef'.repeat(32)
  const job = kernelci({
    artifacts: {
      kernel: 'http://lab/k',
      ramdisk: null,
      modules: 'http://lab/m',
      kselftest: 'http://lab/t',
      rootfs: null,
    },
    environment: { arch: 'arm', console: { method: 'serial', baud: 9600 } },
    integrity: { sha256: { _comment: 'x', kernel: sha256, modules: null } },
  })
  t.same(plain(parseJobKernelci(job, { ...BOARD, kernelArgs: '' })), {
    kernel: { url: 'http://lab/k', sha256 },
    overlays: [],
    modules: { url: 'http://lab/m' },
    cmdline: 'console=ttyS0,9600n8 root=/dev/ram0 ip=dhcp',
    options: OPTIONS,
  })
  t.equal(parseJobKernelci(kernelci({ tests: [{}] }), BOARD).name, undefined)
})

t.test('a pull-lab job that cannot be booted is refused by name', async t => {
  const refused: [unknown, string, RegExp][] = [
    [[], 'the job', /must be an object/],
    [{}, 'artifacts', /found nothing/],
    [{ artifacts: {} }, 'artifacts.kernel', /is missing/],
    [kernelci({ artifacts: { kernel: 'zImage' } }), 'artifacts.kernel', /http or https/],
    [kernelci({ artifacts: { kernel: 'http://lab/k', nfsroot: 'x' } }), 'artifacts.nfsroot', /not supported/],
    [kernelci({ environment: { arch: 'x86_64' } }), 'environment.arch', /one of arm, arm64, found "x86_64"/],
    [kernelci({ environment: { console: { baud: 'fast' } } }), 'environment.console.baud', /found "fast"/],
    [kernelci({ environment: { console: { baud: nested(100_000) } } }), 'environment.console.baud', /found a list/],
    [kernelci({ integrity: { sha256: { kernel: 'x' } } }), 'integrity.sha256.kernel', /64 hex digits/],
    [kernelci({ tests: [7] }), 'tests[0]', /must be an object/],
  ]
  for (const [job, where, reason] of refused) {
    const error = await refusal(() => parseJobKernelci(job, BOARD))
    t.match(error, { code: 'JOB_INVALID', details: { where, reason } }, where)
  }
})

t.test('whatever a lab sends, the answer is a job or an error of the table', async t => {
  const onlyOurs = (thrown: unknown): boolean => thrown instanceof FauxbootError && thrown.code === 'JOB_INVALID'
  const json = fc.oneof(fc.anything(), fc.record({ artifacts: fc.anything(), tests: fc.anything() }))
  const always = fc.property(json, value => {
    try {
      return parseJobKernelci(value, BOARD).overlays.length === 0
    } catch (thrown) {
      return onlyOurs(thrown)
    }
  })
  t.doesNotThrow(() => fc.assert(always, { numRuns: 150 }))
  const text = read('lava-a80.yaml')
  const edited = fc.asyncProperty(fc.nat(text.length), fc.nat(40), fc.string(), async (at, length, insert) => {
    const changed = text.slice(0, at) + insert + text.slice(at + length)
    return parseJobLava(changed, BOARD).then(job => job.kernel.url !== undefined, onlyOurs)
  })
  await t.resolves(fc.assert(edited, { numRuns: 100 }))
})
