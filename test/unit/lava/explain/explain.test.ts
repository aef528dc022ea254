import fc from 'fast-check'
import t from 'tap'
import { type ExplainedRun, explainLog } from '../../../../lava/explain/explain.js'
import { named, type PlannerVector, VECTORS } from '../../agent/kexec/vectors.js'
import { cutByKernel, indented, mail, printRun, quoted, withCarriageReturns } from './kexec-tools-log-printer.js'

const A80 = named(VECTORS.planner, 'a80-multi_v7-2020-04-06')
const SUNXI = named(VECTORS.planner, 'a80-sunxi-2020-04-07')
const ARMMP = named(VECTORS.planner, 'qemu-2.0.32-armmp-1range')

function only(text: string): ExplainedRun {
  const { runs } = explainLog(text)
  const [run] = runs
  if (run === undefined || runs.length !== 1) throw new Error(`${runs.length} runs in place of one`)
  return run
}

const checks = (run: ExplainedRun) => run.findings.map(finding => finding.check)
const finding = (run: ExplainedRun, check: string) => run.findings.find(each => each.check === check)

/** The expected explanation of a vector's text, however it was mangled. */
function expected({ input, expect }: PlannerVector) {
  return {
    ram: input.ram.map(([first, last]) => [first, last]),
    kernel: expect.kernel,
    initrd: expect.initrd,
    dt: expect.dt,
    entry: expect.entry,
    segments: expect.segments,
    reproduced: true,
  }
}

function essence(run: ExplainedRun) {
  const { kernel, initrd, dt, entry, segments, reproduced } = run.kexecTools
  return { ram: run.ram, kernel, initrd, dt, entry, segments, reproduced }
}

for (const vector of VECTORS.planner) {
  t.test(`a log is recomputed, and matches what kexec-tools computes: ${vector.name}`, async t => {
    const run = only(printRun(vector))
    // We join adjacent ranges; no vector has any.
    t.strictSame(essence(run), expected(vector))
    t.equal(run.zimage?.size, vector.input.zimage_magic ? vector.input.header.end : vector.input.file_size)
    t.equal(run.zimage?.edata, vector.input.edata)
    t.equal(run.zimage?.bss, vector.input.bss)
    t.notOk(checks(run).includes('log-incomplete'))
    t.notOk(checks(run).includes('not-reproduced'))
  })

  t.test(`quoting, carriage returns and indentation change nothing: ${vector.name}`, async t => {
    const whole = explainLog(printRun(vector))
    t.strictSame(explainLog(quoted(printRun(vector))), whole)
    t.strictSame(explainLog(quoted(printRun(vector), 3)), whole)
    t.strictSame(explainLog(withCarriageReturns(printRun(vector))), whole)
    t.strictSame(explainLog(indented(printRun(vector), 4)), whole)
    t.strictSame(explainLog(quoted(indented(printRun(vector), 2), 2)), whole)
  })
}

t.test('a message of the kernel may cut the log anywhere', async t => {
  const log = printRun(A80)
  const whole = essence(only(log))
  for (let offset = 0; offset <= log.length; offset++) {
    const cut = cutByKernel(log, offset)
    t.strictSame(essence(only(cut)), whole, `at ${offset}: ${JSON.stringify(log.slice(offset, offset + 20))}`)
  }
  t.end()
})

t.test('several messages may cut the log, even if it is quoted, indented or has carriage returns', async t => {
  const log = printRun(SUNXI)
  const whole = essence(only(log))
  const spoil = [
    (text: string) => quoted(text, 2),
    (text: string) => indented(text, 3),
    (text: string) => quoted(indented(text, 4)),
    withCarriageReturns,
    (text: string) => text,
  ]
  fc.assert(
    fc.property(
      fc.array(fc.nat(log.length), { minLength: 1, maxLength: 4 }),
      fc.nat(spoil.length - 1),
      (offsets, how) => {
        const cut = [...offsets]
          .sort((a, b) => b - a)
          .reduce((text, offset, index) => cutByKernel(text, offset, `sunxi: message ${index}`), log)
        t.strictSame(essence(only((spoil[how] ?? String)(cut))), whole)
      },
    ),
    { numRuns: 300 },
  )
})

t.test('a word that was cut in a real mail is rejoined', async t => {
  const log = printRun(A80)
  const cut = cutByKernel(log, log.indexOf('segment[1]') + 4)
  t.match(cut, 'segm[   71.039126] kexec_core: Starting new kernel\nent[1]')
  t.strictSame(essence(only(cut)), expected(A80))
})

t.test('several runs among prose are found in order', async t => {
  const vectors = [A80, SUNXI, ARMMP, A80]
  const text = mail([printRun(A80), quoted(printRun(SUNXI)), printRun(ARMMP), quoted(printRun(A80), 2)])
  const { runs } = explainLog(text)
  t.strictSame(runs.map(essence), vectors.map(expected))
})

t.test('a failed load, which prints its table twice, is one run', async t => {
  const vector = named(VECTORS.planner, 'rmk-virt-5.4')
  const text = mail([printRun(vector, { failed: 'Function not implemented' }), printRun(A80)])
  const [first, second] = explainLog(text).runs
  if (first === undefined || second === undefined) throw new Error('two runs')
  t.strictSame(essence(first), expected(vector))
  t.match(finding(first, 'load-failed'), { severity: 'fatal', message: /ENOSYS/ })
  t.strictSame(essence(second), expected(A80))
  t.notOk(checks(second).includes('load-failed'))
})

t.test('errors of the call are recognised by their text', async t => {
  const cases = {
    'Invalid argument': /EINVAL/,
    'Operation not permitted': /EPERM/,
    'Cannot assign requested address': /EADDRNOTAVAIL/,
    'Cannot allocate memory': /ENOMEM/,
    'Device or resource busy': /EBUSY/,
    'Bad address': /Bad address/,
  }
  for (const [failed, message] of Object.entries(cases)) {
    t.match(finding(only(printRun(A80, { failed })), 'load-failed'), { message })
  }
})

t.test('the A80 of the first mail: the ramdisk is overwritten if TEXT_OFFSET is 0x208000', async t => {
  const run = only(printRun(A80, { after: ['Bye!'] }))
  t.strictSame(
    run.relocation.cases.map(one => one.textOffset),
    ['0x8000', '0x208000'],
  )
  const [small, large] = run.relocation.cases
  t.match(large?.dies, [{ segment: 'initrd', certain: true }])
  t.equal(
    small?.dies.some(death => death.certain),
    false,
  )
  t.match(finding(run, 'initrd-overwritten'), { remedy: /--image-size=0x/ })
  t.match(finding(run, 'memory-unknown'), { message: /\/memory/ })
  t.match(finding(run, 'text-offset-unknown'), { remedy: /fauxboot plan/ })
  t.match(finding(run, 'c-line-missing'), {})
})

for (const [name, planner] of [
  ['a80-2020-04-07', 'a80-sunxi-2020-04-07'],
  ['a80-2020-04-08', 'a80-sunxi-2020-04-08'],
] as const) {
  t.test(`a logged C: line is reproduced, and reveals the constants of the code: ${name}`, async t => {
    const vector = named(VECTORS.relocation, name)
    const line = vector.expect_c_line ?? ''
    const run = only(printRun(named(VECTORS.planner, planner), { after: [line, 'Uncompressing Linux...'] }))
    t.equal(run.relocation.line, line)
    t.equal(run.relocation.exact, true)
    t.equal(run.relocation.textOffset, '0x8000')
    t.equal(run.relocation.loadAddress, vector.input?.load_address)
    t.equal(run.relocation.workspace?.end, vector.workspace_end_min)
    t.match(run.relocation.cases[0]?.dies, [{ segment: 'initrd', certain: true }])
    t.match(finding(run, 'memory-unknown'), { message: /Uncompressing Linux/ })
    t.notOk(checks(run).includes('c-line-missing'))
    t.notOk(checks(run).includes('c-line-strange'))
  })
}

t.test('a C: line explains a kernel that was never measured', async t => {
  const printed = printRun(SUNXI).replaceAll('0x00b78080', '0x00b78180').replaceAll('0x443ac0', '0x443ac0')
  const run = only(`${printed}C:0x200080C0-0x2044BAC0->0x20B80B00-0x20FC4500\n`)
  t.equal(run.zimage?.known, null)
  t.equal(run.relocation.line, 'C:0x200080C0-0x2044BAC0->0x20B80B00-0x20FC4500')
  t.equal(run.relocation.exact, true)
})

t.test('for measured kernels, the prediction is exact without a C: line', async t => {
  const vector = named(VECTORS.relocation, 'debian-armmp-6.1.0-50')
  for (const name of ['qemu-2.0.32-armmp-1range', 'qemu-2.0.32-armmp-xz']) {
    const run = only(printRun(named(VECTORS.planner, name)))
    t.equal(run.relocation.line, vector.predicted_c_line)
    t.equal(run.relocation.workspace?.end, vector.predicted_workspace_end)
    t.equal(run.relocation.textOffset, '0x208000')
    t.equal(run.relocation.cases.length, 1)
    t.match(run.relocation.cases[0]?.dies[0], { segment: 'initrd', certain: true })
    t.match(finding(run, 'known-zimage'), { message: /Debian 12/ })
    t.match(finding(run, 'debug-flag'), { message: /0x10/ })
  }
})

t.test('the proposed --image-size saves ramdisk and device tree', async t => {
  const run = only(printRun(ARMMP))
  const size = /--image-size=(0x[0-9a-f]+)/.exec(finding(run, 'initrd-overwritten')?.remedy ?? '')?.[1]
  t.ok(Number(size) <= 0x3000000, 'the size that was measured to work is not exceeded')
  t.ok(0x40008000 + Number(size) >= Number(run.relocation.workspace?.end))
})

t.test('--image-size is derived from the area of the kernel', async t => {
  const run = only(printRun(named(VECTORS.planner, 'qemu-2.0.32-image-size')))
  t.equal(run.kexecTools.imageSize, '0x2000000')
  t.match(finding(run, 'image-size'), { message: /0x2000000/ })
  t.match(finding(run, 'nothing-overwritten'), {})
})

t.test('a C: line alone gives bounds for its zImage', async t => {
  const line = named(VECTORS.relocation, 'a80-2020-04-07b-partial').logged_c_line ?? ''
  const run = only(`some prose\n${line}\nUncompressing Linux... done, booting the kernel.\n`)
  t.equal(run.relocation.line, line)
  t.strictSame(run.relocation.workspace, { start: '0x20b80300', end: '0x20fc30c0' })
  t.match(finding(run, 'c-line-only'), { message: /0x442e61 to 0x442e80/ })
  t.equal(run.zimage, null)
  t.equal(run.kexecTools.reproduced, false)
})

t.test('a C: line without the unpacked size is shown unchanged', async t => {
  const line = named(VECTORS.relocation, 'a80-2020-04-07').expect_c_line ?? ''
  const log = printRun(SUNXI).replace(/Decompressed[\s\S]*?Resulting.*\n/, '')
  const run = only(`${log}${line}\n`)
  t.equal(run.relocation.line, line)
  t.equal(run.relocation.cases.length, 0)
})

t.test('a second C: line without another run is a run of its own', async t => {
  const [one = '', two = ''] = VECTORS.relocation.map(vector => vector.expect_c_line)
  t.equal(explainLog(`${one}\n${two}\n`).runs.length, 2)
})

t.test('a C: line of another kernel is recognised', async t => {
  const line = named(VECTORS.relocation, 'a80-2020-04-08').expect_c_line ?? ''
  const run = only(`${printRun(SUNXI)}${line}\n`)
  t.match(finding(run, 'c-line-strange'), { message: new RegExp(line) })
})

t.test('a garbage header: the image was mistaken for a uImage', async t => {
  const { log } = named(VECTORS.negative, 'seed-2.0.20-garbage-header')
  const run = only(mail([`Try gzip decompression.\nMEMORY RANGES\n${log.join('\n')}\n`]))
  t.match(finding(run, 'garbage-header'), {
    severity: 'fatal',
    message: /uImage.*which left 0x8531c0 of 0x853200 bytes/,
  })
  t.match(finding(run, 'no-hole'), { severity: 'fatal', message: /no RAM/ })
  t.strictSame(run.ram, [])
  t.equal(run.kexecTools.reproduced, true, 'with no RAM that is what it does')
  t.equal(run.kexecTools.notFound, '0x86c1c0')
  t.strictSame(run.relocation.cases, [])
})

t.test('a garbage header is reported without a size, too', async t => {
  const run = only('zImage header: 0x00000000 0x000019b4 0x00001000\n')
  t.match(finding(run, 'garbage-header'), { message: /stripped its first 64 bytes$/ })
})

t.test('a truncated zImage is reported with both sizes', async t => {
  const run = only(named(VECTORS.negative, 'truncated').log.join('\n'))
  t.match(finding(run, 'truncated'), { severity: 'fatal', message: /0x200000.*0x2447a0/ })
})

t.test('a free area excluded by a limit is distinguished from one that RAM does not have', async t => {
  const [line = ''] = named(VECTORS.negative, 'mem-max-too-low').log
  const log = printRun(named(VECTORS.planner, 'qemu-2.0.32-image-size'))
  const limited = only(`${log.slice(0, log.indexOf('Initrd:'))}${line}\n`)
  t.match(finding(limited, 'no-hole'), { message: /--mem-max/ })
  t.match(finding(only(`${line}\n`), 'no-hole'), { message: /no RAM at all/ })

  const small = printRun(A80).replace('000000009fffffff', '0000000020100000')
  const full = only(
    `${small.slice(0, small.indexOf('Kernel:'))}Could not find a free area of memory of 0x86c200 bytes...\n`,
  )
  t.match(finding(full, 'no-hole'), { message: /RAM has no free area of that size/ })
  t.equal(full.kexecTools.reproduced, true)
})

t.test('a command line that a shell cut is found, with a run and without', async t => {
  const [line = ''] = named(VECTORS.negative, 'quoted-cmdline').log
  t.match(finding(only(line), 'cmdline-cut'), { severity: 'fatal', message: /console=ttyS0,115200n8/ })
  const run = only(printRun(A80, { after: [`[    0.000000] ${line}`] }))
  t.match(finding(run, 'cmdline-cut'), { severity: 'fatal' })
  const whole = only(printRun(A80, { after: ["[    0.000000] Kernel command line: 'console=ttyS0 root=/dev/ram0'"] }))
  t.notOk(finding(whole, 'cmdline-cut'))
})

t.test("the command line of the first kernel is not the target's", async t => {
  const run = only(`[    0.000000] Kernel command line: console=ttyS0\n${printRun(A80)}`)
  t.equal(run.cmdline, null)
})

t.test('the command before a run belongs to it', async t => {
  const run = only(printRun(A80, { before: ['root@board:~# kexec -d -s -l zImage --dtb=a80.dtb'] }))
  t.equal(run.command, 'kexec -d -s -l zImage --dtb=a80.dtb')
  t.match(finding(run, 'kexec-file'), {})
  const sized = only(
    printRun(named(VECTORS.planner, 'qemu-2.0.32-image-size'), {
      before: ['# /sbin/kexec --load zImage --image-size=0x2000000'],
    }),
  )
  t.notOk(finding(sized, 'kexec-file'))
  t.notMatch(finding(sized, 'image-size')?.message, /area/)
})

t.test('an altered table does not match what kexec-tools computes', async t => {
  const run = only(printRun(A80).replace('Initrd: address=0x21df8000', 'Initrd: address=0x23df8000'))
  t.equal(run.kexecTools.reproduced, false)
  t.equal(run.kexecTools.initrd, '0x21df8000')
  t.equal(run.logged.initrd, '0x23df8000')
  t.match(finding(run, 'not-reproduced'), { severity: 'warning' })
})

t.test('the missing parts of a log are named', async t => {
  const table = printRun(A80)
    .split('\n')
    .filter(line => /segment|nr_seg|kexec_load/.test(line))
  const run = only(table.join('\n'))
  t.match(finding(run, 'log-incomplete'), {
    message: /MEMORY RANGES, zImage header, Decompressed kernel sizes, Kernel: address/,
  })
  t.equal(run.logged.initrd, '0x21df8000', 'the second row of three is the ramdisk')
  t.equal(run.logged.dt, '0x22704000')
  t.strictSame(run.ram, [])
  const excerpt = only('Kernel: address=0x20008000 size=0x01def5a0\nkexec_load: entry = 0x20008000 flags = 0x280000\n')
  t.match(finding(excerpt, 'log-incomplete'), { message: /segment\[n\]/ })
})

t.test('table rows that lost a line keep the others', async t => {
  const run = only(printRun(A80).replace(/segment\[1\]\.bufsz.*\n/, ''))
  t.strictSame(run.logged.segments[1], { mem: '0x21df8000', memsz: '0x90c000', bufsz: null })
  t.equal(run.kexecTools.reproduced, true)
})

t.test('a load without a device tree is reported', async t => {
  const run = only(
    'kernel: 0xb6535008 kernel_size: 0x853200\nkexec_load: entry = 0x20008000 flags = 0x280000\nnr_segments = 1\nsegment[0].mem = 0x20008000\nsegment[0].memsz = 0x854000\n',
  )
  t.match(finding(run, 'dtb-missing'), {})
})

t.test('a kernel that prints messages is not called silent', async t => {
  const run = only(printRun(A80, { after: ['[    0.000000] Booting Linux on physical CPU 0x0'] }))
  t.notOk(finding(run, 'memory-unknown'))
})

t.test('bytes after the zImage may be a device tree that overrides the passed one', async t => {
  const run = only(printRun(A80).replaceAll('file size 0x853200', 'file size 0x859200'))
  t.match(finding(run, 'file-trailing'), { message: /24576 bytes/ })
})

t.test('a raw Image has no decompressor', async t => {
  const run = only(printRun(named(VECTORS.planner, 'nedap-4.19-Image')))
  t.match(finding(run, 'raw-image'), {})
  t.strictSame(run.relocation.cases, [])
  t.equal(run.relocation.workspace, null)
})

t.test('a text without a run has none', async t => {
  t.strictSame(explainLog('').runs, [])
  t.strictSame(explainLog(mail([])).runs, [])
  t.strictSame(explainLog('[    1.000000] Bye!\nmy C: drive 0x0\n# kexec -e\n').runs, [])
})

t.test('explaining never throws, for any text', async t => {
  const pieces = [
    ...printRun(ARMMP).split('\n'),
    ...VECTORS.negative.flatMap(vector => vector.log),
    'C:0x200080C0-0x2044BAC0->0x20B80B00-0x20FC4500',
    'C:0x20000000-0x20000020->0x10000000-0x10000020',
    'Kernel: address=0xffffffffffffffffffff size=0xffffffffffffffff',
    'zImage header: 0x016f2818 0xffffffff 0x00000000',
    'zImage requires 0x00000001 bytes',
    'ffffffffffffffff-ffffffffffffffff (0)',
    '0000000000000001-0000000000000000 (0)',
    '0000000000000000-0000000000001000 (1)',
    'segment[99].mem = 0x0',
    'kexec_load failed: ',
    'Kernel command line: "',
    '[    1.000000] ',
    '> ',
    '[    1.000000] Starting new kernel',
  ]
  fc.assert(
    fc.property(fc.array(fc.oneof(fc.constantFrom(...pieces), fc.string()), { maxLength: 60 }), lines => {
      explainLog(lines.join('\n'))
    }),
    { numRuns: 1000 },
  )
  t.pass('nothing was thrown')
})

t.test('lines interrupted again and again stay short', async t => {
  const { runs } = explainLog(`${'x[    1.000000] y\n'.repeat(20000)}${printRun(A80)}`)
  t.equal(runs.length, 1)
})
