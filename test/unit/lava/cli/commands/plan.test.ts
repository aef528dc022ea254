import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { gzipSync } from 'node:zlib'
import t, { type Test } from 'tap'
import { parseFdt, writeFdt } from '../../../../../agent/image/fdt/fdt.js'
import { encodeCells, encodeString, ensureNode, setProperty } from '../../../../../agent/image/fdt/fdt-query.js'
import { buildZImage } from '../../../agent/image/kernel/zimage-builder.js'
import { fauxboot } from '../../capture.js'

const RAM = ['--ram', '40000000-7fffffff']

/** A device tree as small as can be. */
function dtb(): Uint8Array {
  const tree = parseFdt(
    writeFdt({ root: { name: '', properties: new Map(), children: [] }, reservations: [], bootCpu: 0 }),
  )
  setProperty(tree.root, '#address-cells', encodeCells([1]))
  setProperty(tree.root, '#size-cells', encodeCells([1]))
  setProperty(tree.root, 'compatible', encodeString('test,board'))
  return writeFdt(tree)
}

/** An overlay that renames the board. */
function overlay(): Uint8Array {
  const tree = parseFdt(dtb())
  tree.root.properties.clear()
  const fragment = ensureNode(tree, '/fragment@0')
  setProperty(fragment, 'target-path', encodeString('/'))
  setProperty(ensureNode(tree, '/fragment@0/__overlay__'), 'model', encodeString('overlaid'))
  return writeFdt(tree)
}

/** Files on disk; options that name them. */
function files(t: Test) {
  const zimage = buildZImage()
  const dir = t.testdir({
    zImage: Buffer.from(zimage),
    'zImage.gz': gzipSync(zimage),
    truncated: Buffer.from(zimage.subarray(0, 0x2000)),
    empty: '',
    ramdisk: gzipSync(Buffer.alloc(100)),
    half: gzipSync(Buffer.alloc(100)).subarray(0, 15),
    'board.dtb': Buffer.from(dtb()),
    'a.dtbo': Buffer.from(overlay()),
    iomem: '40000000-7fffffff : System RAM\n  40008000-40ffffff : Kernel code\n',
    zeros: '00000000-00000000 : System RAM\n',
  })
  return (name: string) => join(dir, name)
}

t.test('a plan that would be survived is printed, with exit code 0', async t => {
  const file = files(t)
  const argv = ['plan', '--kernel', file('zImage'), '--ramdisk', file('ramdisk'), '--dtb', file('board.dtb'), ...RAM]
  const { code, stdout, stderr } = await fauxboot([...argv, '--append', 'console=ttyS0 root=/dev/ram0'])
  t.same({ code, stderr }, { code: 0, stderr: '' })
  t.match(stdout, /^Plan: survivable\n/)
  t.match(stdout, /cmdline {2}"console=ttyS0 root=\/dev\/ram0"/)
  t.match(stdout, /0 {2}kernel +0x42000000/)
  t.notMatch(stdout, '\u001b')
  t.match((await fauxboot(argv, { isTTY: true })).stdout, '\u001b[1mPlan\u001b', 'in colours on a terminal')
  t.notMatch((await fauxboot([...argv, '--no-color'], { isTTY: true })).stdout, '\u001b')
})

t.test('a plan is JSON with --json, and the same from an iomem file, for a compressed kernel', async t => {
  const file = files(t)
  const plain = await fauxboot(['plan', '--kernel', file('zImage'), ...RAM, '--json'])
  t.equal(plain.code, 0)
  t.match(JSON.parse(plain.stdout), { arch: 'arm', survivable: true, entry: '0x42000000' })
  const packed = await fauxboot(['plan', '--kernel', file('zImage.gz'), '--iomem', file('iomem'), '--json'])
  t.equal(packed.stdout, plain.stdout)
})

t.test('a plan that would not be survived has exit code 2', async t => {
  const file = files(t)
  const { code, stdout, stderr } = await fauxboot(['plan', '--kernel', file('zImage'), '--ram', '0x40000000+8M'])
  t.equal(code, 2)
  t.equal(stderr, '')
  t.match(stdout, /^Plan: not survivable\n/)
  t.match(stdout, /fatal /)
})

t.test('a ramdisk that breaks off is a warning, after what is worse and before what is only information', async t => {
  const file = files(t)
  const plan = async (ramdisk: string, ...ram: string[]) => {
    const argv = ['plan', '--kernel', file('zImage'), '--ramdisk', file(ramdisk), ...ram, '--json']
    const { stdout } = await fauxboot(argv)
    const { findings }: { findings: { check: string; severity: string }[] } = JSON.parse(stdout)
    return findings
  }
  const findings = await plan('half', '--ram', '0x40000000+8M')
  const severities = findings.map(({ severity }) => severity)
  t.strictSame(
    severities,
    ['fatal', 'warning', 'info'].flatMap(one => severities.filter(other => other === one)),
  )
  t.ok(findings.some(({ check }) => check === 'ramdisk-truncated'))
  t.notOk((await plan('ramdisk', ...RAM)).some(({ check }) => check === 'ramdisk-truncated'))
})

t.test('earlycon is added to the command line', async t => {
  const file = files(t)
  const argv = ['plan', '--kernel', file('zImage'), ...RAM, '--json', '--earlycon', 'uart,mmio32,0x7000000']
  const { stdout } = await fauxboot(argv)
  t.match(JSON.parse(stdout), { cmdline: 'earlycon=uart,mmio32,0x7000000' })
})

t.test('overlays are applied to the dtb', async t => {
  const file = files(t)
  const base = ['plan', '--kernel', file('zImage'), ...RAM, '--json']
  const bufsz = async (...argv: string[]) => {
    const { stdout } = await fauxboot([...base, ...argv])
    const plan: { segments: { kind: string; bufsz: number }[] } = JSON.parse(stdout)
    return plan.segments.find(({ kind }) => kind === 'dtb')?.bufsz ?? 0
  }
  const without = await bufsz('--dtb', file('board.dtb'))
  const withOverlay = await bufsz('--dtb', file('board.dtb'), '--overlay', file('a.dtbo'))
  t.ok(withOverlay > without, `${withOverlay} > ${without}`)
})

t.test('the picture of memory is written as a whole file, or to standard output', async t => {
  const file = files(t)
  const base = ['plan', '--kernel', file('zImage'), ...RAM]
  t.match(await fauxboot([...base, '--svg', file('out.svg')]), { code: 0, stdout: /^Plan: survivable/ })
  const picture = readFileSync(file('out.svg'), 'utf8')
  t.match(picture, /^<svg /)
  t.equal((await fauxboot([...base, '--svg', '-'])).stdout.trimEnd(), picture.trimEnd())
  const missing = file('no/such/folder.svg')
  const reason = `there is no folder ${file('no/such')}`
  t.match(await fauxboot([...base, '--svg', missing]), { code: 1, stderr: `fauxboot: ${missing}: ${reason}\n` })
  t.notOk(existsSync(missing))
})

t.test('wrong input has exit code 1, and an error that names the file or the option', async t => {
  const file = files(t)
  const kernel = ['plan', '--kernel', file('zImage')]
  const cases: [string[], string | RegExp][] = [
    [['plan', ...RAM], "required option '--kernel <file>' not specified; see `fauxboot plan --help`"],
    [kernel, "the board's memory is not known: use --ram START-END or --iomem FILE; see `fauxboot plan --help`"],
    [
      [...kernel, ...RAM, '--iomem', file('iomem')],
      "option '--iomem <file>' cannot be used with option '--ram <start-end...>'; see `fauxboot plan --help`",
    ],
    [[...kernel, '--ram', 'all'], /^memory map --ram: cannot read "all"/],
    [
      [...kernel, '--ram', '0x40000000-0x30000000'],
      'memory map --ram: the range 0x40000000-0x30000000 ends before it starts; give its first address, then its last',
    ],
    [[...kernel, '--iomem', file('zeros')], /zeros holds only zero addresses.*read it as root$/],
    [[...kernel, ...RAM, '--overlay', file('a.dtbo')], /^--overlay needs the device tree it applies to: --dtb/],
    [['plan', '--kernel', file('missing'), ...RAM], `${file('missing')}: no such file`],
    [
      ['plan', '--kernel', file('truncated'), ...RAM],
      /truncated is truncated at 0x0 .*expected 0x4000 bytes, found 0x2000/,
    ],
    [['plan', '--kernel', file('empty'), ...RAM], `${file('empty')}: the file is empty`],
    [[...kernel, '--ramdisk', file('empty'), ...RAM], `${file('empty')}: the file is empty`],
    [[...kernel, '--dtb', file('empty'), ...RAM], `${file('empty')}: the file is empty`],
    [
      [...kernel, '--dtb', file('board.dtb'), '--overlay', file('empty'), ...RAM],
      `${file('empty')}: the file is empty`,
    ],
    [
      ['plan', '--kernel', file('ramdisk'), ...RAM],
      /ramdisk at 0x0 uses an unknown format: 00000000, which is not supported/,
    ],
    [[...kernel, '--dtb', file('zImage'), ...RAM], /^\/.*zImage has the wrong magic at 0x0: expected 0xd00dfeed/],
    [[...kernel, '--dtb', file('board.dtb'), '--overlay', file('zImage'), ...RAM], /zImage has the wrong magic at 0x0/],
  ]
  for (const [argv, message] of cases) {
    const { code, stdout, stderr } = await fauxboot(argv)
    t.same({ code, stdout }, { code: 1, stdout: '' }, argv.join(' '))
    t.match(stderr.replace(/^fauxboot: |\n$/g, ''), message)
  }
})
