import t from 'tap'
import { encodeCells, encodeString } from '../../../../agent/image/fdt/fdt-query.js'
import { parseZImage } from '../../../../agent/image/kernel/zimage.js'
import type { BoardFacts, PreflightContext, TargetTree } from '../../../../agent/kexec/checks/check.js'
import { predictDecompressor } from '../../../../agent/kexec/layout/decompressor.js'
import type { PlanSegment } from '../../../../agent/kexec/layout/plan.js'
import { CHECKS, examineBoard, preflight } from '../../../../agent/kexec/preflight.js'
import { cpio, zImage } from './images.js'
import { node, tree, treeFile } from './trees.js'

const RAM = [{ start: 0x40000000, end: 0x80000000 }]
const KERNEL = zImage()
const DTB = treeFile({ memory: [[0x40000000, 0x40000000]] })

const segment = (kind: PlanSegment['kind'], data: Uint8Array, mem: number, memsz = 0x100000): PlanSegment => ({
  kind,
  data,
  mem,
  memsz,
})
const kernelAt = (mem: number) => segment('kernel', KERNEL, mem)
const ramdiskAt = (mem: number, memsz?: number) => segment('ramdisk', cpio(), mem, memsz)
const dtbAt = (mem: number, data: Uint8Array = DTB) => segment('dtb', data, mem)

/** Header and footer of an xz stream, which is all that is looked at. */
const XZ = new Uint8Array(
  Buffer.from('fd377a585a000004e6d6b44600000000' + '1cdf4421' + '1fb6f37d0100000000' + '04595a', 'hex'),
)

/** The UART's pins belong to a bank with a supply. */
const A80_CONSOLE = tree({
  children: [
    node('aliases', { serial0: encodeString('/serial@7000000') }),
    node('serial@7000000', { 'pinctrl-0': encodeCells([7]) }),
    node(
      'pinctrl',
      { 'vcc-ph-supply': encodeCells([9]) },
      node('pins', { phandle: encodeCells([7]), pins: encodeString('PH12') }),
    ),
  ],
})

const LINE = { tty: 'ttyS0', baud: 115200, node: '/serial@0' }
const BOARD = { consoleLine: LINE }
const SILENT = ['warning console-silent']

/** A tree with two UARTs, one of which is the `stdout-path`. */
const stdoutAt = (alias: string) =>
  tree({
    children: [
      node('aliases', { serial0: encodeString('/serial@0'), serial1: encodeString('/serial@1') }),
      node('chosen', { 'stdout-path': encodeString(`${alias}:115200n8`) }),
      node('serial@0', {}),
      node('serial@1', {}),
    ],
  })

function target(more: Partial<TargetTree> = {}): TargetTree {
  return {
    source: 'job',
    fdt: tree({}),
    memoryAdded: false,
    absentMemory: [],
    memory: RAM,
    reserved: [],
    model: null,
    compatible: [],
    ...more,
  }
}

/** A plan with nothing wrong. */
function context(more: Partial<PreflightContext> = {}): PreflightContext {
  return {
    ram: RAM,
    kernel: {
      format: 'zImage',
      size: 0x100000,
      textOffset: 0x208000,
      textOffsetSource: 'tag',
      edata: 0x400000,
      bss: 0x20000,
      exact: true,
      code: null,
    },
    zimage: parseZImage(KERNEL),
    kernelWrapped: false,
    ramdisk: [{ bytes: cpio(), wrapped: false, format: 'cpio' }],
    tree: target(),
    runningBoard: null,
    cmdline: 'console=ttyS0',
    psciAdded: false,
    keptMemory: 'none',
    earlyconFailed: false,
    force: false,
    segments: [kernelAt(0x42000000), ramdiskAt(0x43000000), dtbAt(0x44000000)],
    entry: 0x42000000,
    prediction: predictDecompressor({
      loadAddress: 0x42000000,
      size: 0x100000,
      edata: 0x400000,
      bss: 0x20000,
      textOffset: 0x208000,
    }),
    failure: null,
    lowmemEnd: 0x40000000 + 760 * 2 ** 20,
    board: null,
    ...more,
  }
}

/** The findings of a plan with something wrong, as `severity check`. */
const found = (more: Partial<PreflightContext>) =>
  preflight(context(more)).map(({ severity, check }) => `${severity} ${check}`)
const messages = (more: Partial<PreflightContext>) => preflight(context(more)).map(({ message }) => message)

t.test('a plan with nothing wrong has no findings', async t => {
  t.strictSame(found({}), [])
})

t.test('every check has a name of its own', async t => {
  const names = CHECKS.map(({ check }) => check)
  t.equal(new Set(names).size, names.length)
})

t.test('the worst findings come first', async t => {
  const severities = preflight(
    context({ cmdline: '', kernelWrapped: true, segments: [kernelAt(0x30000000)], entry: 0x30000000 }),
  ).map(({ severity }) => severity)
  t.strictSame([...new Set(severities)], ['fatal', 'warning', 'info'])
})

const { kernel } = context()
const CASES: readonly (readonly [name: string, more: Partial<PreflightContext>, expected: readonly string[]])[] = [
  ['a kernel in a uImage', { kernelWrapped: true }, ['info kernel-uimage']],
  ['an assumed TEXT_OFFSET', { kernel: { ...kernel, textOffsetSource: 'assumed' } }, ['warning text-offset-assumed']],
  ['a TEXT_OFFSET from Thumb-2 code', { kernel: { ...kernel, textOffsetSource: 'thumb2' } }, ['info text-offset-code']],
  ['bounded sizes', { kernel: { ...kernel, exact: false } }, ['warning kernel-size-bounded']],
  [
    'a ramdisk that is a device tree',
    { ramdisk: [{ bytes: DTB, wrapped: false, format: null }] },
    ['fatal dtb-elsewhere'],
  ],
  [
    'a ramdisk of unknown format',
    { ramdisk: [{ bytes: new Uint8Array([1, 2, 3, 4, 5]), wrapped: false, format: null }] },
    ['warning ramdisk-magic'],
  ],
  [
    'an empty ramdisk',
    { ramdisk: [{ bytes: new Uint8Array(), wrapped: false, format: null }] },
    ['warning ramdisk-magic'],
  ],
  [
    'a cpio archive that breaks off',
    { ramdisk: [{ bytes: cpio(200), wrapped: false, format: 'cpio' }] },
    ['warning ramdisk-truncated'],
  ],
  [
    'an xz stream that breaks off',
    { ramdisk: [{ bytes: XZ.subarray(0, -4), wrapped: false, format: 'xz' }] },
    ['warning ramdisk-truncated'],
  ],
  [
    'ramdisks that are whole, and one that cannot be told',
    {
      ramdisk: [
        { bytes: cpio(), wrapped: false, format: 'cpio' },
        { bytes: XZ, wrapped: false, format: 'xz' },
        { bytes: new Uint8Array([0x1f, 0x8b, 8]), wrapped: false, format: 'gzip' },
      ],
    },
    [],
  ],
  [
    'a ramdisk in the workspace',
    { segments: [kernelAt(0x42000000), ramdiskAt(0x40300000), dtbAt(0x44000000)] },
    ['fatal workspace'],
  ],
  [
    'segments that overlap',
    { segments: [kernelAt(0x42000000), ramdiskAt(0x43000000), dtbAt(0x430ff000)] },
    ['fatal segments-overlap'],
  ],
  [
    'a segment outside RAM',
    { segments: [kernelAt(0x42000000), ramdiskAt(0x20000000)] },
    ['fatal outside-ram', 'fatal memory-mismatch'],
  ],
  [
    'more than half of RAM',
    {
      ram: [{ start: 0x40000000, end: 0x45000000 }],
      segments: [kernelAt(0x42000000), ramdiskAt(0x42200000, 0x2a00000)],
    },
    ['fatal half-of-ram'],
  ],
  ['an entry outside the kernel', { entry: 0x42100000 }, ['fatal entry']],
  [
    'a device tree above 1 MiB',
    { segments: [kernelAt(0x42000000), dtbAt(0x44000000, treeFile({ ballast: 0x100000 }))] },
    ['fatal dtb-size'],
  ],
  [
    'a device tree that is not last',
    { segments: [kernelAt(0x42000000), dtbAt(0x44000000), segment('ramdisk', DTB, 0x45000000)] },
    ['fatal dtb-last'],
  ],
  ['a segment above lowmem', { segments: [kernelAt(0x42000000), ramdiskAt(0x70000000)] }, ['fatal lowmem']],
  [
    'a segment in reserved memory',
    { tree: target({ reserved: [{ start: 0x43080000, end: 0x43090000 }] }) },
    ['fatal reserved-memory'],
  ],
  ['a tree without memory', { tree: target({ memoryAdded: true }) }, ['info memory-missing']],
  [
    'memory that does not reach the segments',
    { tree: target({ memory: [{ start: 0x40000000, end: 0x43800000 }] }) },
    ['fatal memory-mismatch'],
  ],
  [
    'memory that does not exist',
    { tree: target({ absentMemory: [{ start: 0x80000000, end: 0xc0000000 }] }) },
    ['warning memory-mismatch'],
  ],
  [
    'the same memory, in the tree of the running kernel',
    { tree: target({ source: 'running', memory: [{ start: 0x40000000, end: 0xc0000000 }] }) },
    ['info dtb-running'],
  ],
  ['a mem= that hides a segment', { cmdline: 'console=ttyS0 mem=64M' }, ['fatal memory-limit']],
  ['a mem= that hides nothing', { cmdline: 'console=ttyS0 mem=0x10000000' }, []],
  ['no tree', { tree: null }, ['warning dtb-missing']],
  ['no console', { cmdline: 'root=/dev/ram0' }, ['warning console-missing']],
  ['a tree that passes on kept memory', { keptMemory: 'kept' }, []],
  ['a tree with a ramoops region of its own', { keptMemory: 'own' }, ['info last-words']],
  ['a tree that uses kept memory', { keptMemory: 'taken' }, ['info last-words']],
  ['a tree that got PSCI', { psciAdded: true }, ['info psci-added']],
  ['a console whose pins need a regulator', { tree: target({ fdt: A80_CONSOLE }) }, ['warning console-supply']],
  [
    'the same with an earlycon',
    { tree: target({ fdt: A80_CONSOLE }), cmdline: 'console=ttyS0 earlycon' },
    ['info earlycon'],
  ],
  ['a console on the line that the lab reads', { cmdline: 'console=tty0 console=ttyS0,115200n8', board: BOARD }, []],
  ['a console on the line, without a speed', { cmdline: 'console=ttyS0', board: BOARD }, []],
  ['a console on another line', { cmdline: 'console=tty0 console=ttyS7,115200', board: BOARD }, SILENT],
  ['a console at another speed', { cmdline: 'console=ttyS0,9600', board: BOARD }, SILENT],
  ['a stdout-path to that line', { cmdline: 'quiet', tree: target({ fdt: stdoutAt('serial0') }), board: BOARD }, []],
  ['a stdout-path to another', { cmdline: 'quiet', tree: target({ fdt: stdoutAt('serial1') }), board: BOARD }, SILENT],
  [
    'a stdout-path, where the line has no node',
    { cmdline: 'quiet', tree: target({ fdt: stdoutAt('serial1') }), board: { consoleLine: { ...LINE, node: null } } },
    [],
  ],
  ['an earlycon that was not found', { earlyconFailed: true }, ['warning earlycon-unknown']],
  ['an earlycon', { cmdline: 'console=ttyS0 earlycon=pl011,0x9000000' }, ['info earlycon']],
  ['a long command line', { cmdline: `console=ttyS0 ${'x'.repeat(1010)}` }, ['fatal cmdline-length']],
  ['the longest command line', { cmdline: `console=ttyS0 ${'x'.repeat(1009)}` }, []],
  ['a quote left by a shell', { cmdline: "'console=ttyS0 console=ttyS0" }, ['warning cmdline-quotes']],
  ['half a pair of quotes', { cmdline: 'console=ttyS0 x="y' }, ['warning cmdline-quotes']],
  ['a line break', { cmdline: 'console=ttyS0\nquiet' }, ['warning cmdline-control']],
]
for (const [name, more, expected] of CASES) {
  t.test(`${name}: ${expected.join(', ') || 'no finding'}`, async t => {
    t.strictSame(found(more), expected)
    for (const { severity, remedy, message } of preflight(context(more))) {
      t.ok(message.length > 10)
      t.ok(severity === 'info' || remedy.length > 3, 'every problem has a remedy')
    }
  })
}

t.test('a silent console is described with what to set instead', async t => {
  const remarks = (cmdline: string, baud: number | null = 115200) =>
    preflight(context({ cmdline, board: { consoleLine: { ...LINE, baud } } })).map(
      ({ message, remedy }) => `${message}; ${remedy}`,
    )
  t.strictSame(remarks('console=ttyS7,115200 console=tty0'), [
    'the target will be silent on this line: it is ttyS0, and the target prints on ttyS7, tty0; set console=ttyS0,115200',
  ])
  t.strictSame(remarks('console=ttyS7', null), [
    'the target will be silent on this line: it is ttyS0, and the target prints on ttyS7; set console=ttyS0',
  ])
  t.strictSame(remarks('console=ttyS0,9600n8'), [
    'the target will print at 9600 bit/s on this line, which has 115200; set console=ttyS0,115200',
  ])
})

t.test('a console in the device tree is enough', async t => {
  const fdt = tree({ chosen: { 'stdout-path': new Uint8Array(Buffer.from('/\0')) } })
  t.strictSame(found({ cmdline: 'quiet', tree: target({ fdt }) }), [])
})

t.test('small holes in RAM and reserved memory do not count as missing', async t => {
  const ram = [
    { start: 0x40000000, end: 0x5e000000 },
    { start: 0x5e100000, end: 0x7f000000 },
  ]
  const reserved = [{ start: 0x7f000000, end: 0x80000000 }]
  t.strictSame(found({ ram, tree: target({ reserved }) }), [])
})

t.test('a device tree for another board is reported', async t => {
  const running = { model: 'Orange Pi PC', compatible: ['xunlong,orangepi-pc', 'allwinner,sun8i-h3'] }
  const other = { model: 'Cubieboard4', compatible: ['cubietech,a80-cubieboard4', 'allwinner,sun9i-a80'] }
  t.match(messages({ tree: target(other), runningBoard: running }), [/Cubieboard4.*Orange Pi PC/])
  t.strictSame(found({ tree: target(running), runningBoard: running }), [])
  t.strictSame(found({ tree: target(), runningBoard: running }), [], 'a tree that names no board')
  t.match(messages({ tree: target({ compatible: ['a,b'] }), runningBoard: running }), [/an unnamed board \(a,b\)/])
})

t.test('the finding about the base of RAM says what the zImage does', async t => {
  const ram = [{ start: 0x42000000, end: 0x80000000 }]
  const code = { restart: 0, gap: 0, wontOverwrite: 0, stackEnd: null }
  for (const [checksMemory, message] of [
    [true, /compares its guess with the device tree/],
    [false, /does not compare/],
  ] as const) {
    t.match(messages({ ram, kernel: { ...kernel, code: { ...code, checksMemory } } })[0], message)
  }
  t.strictSame(found({ ram, kernel: { ...kernel, format: 'arm64-Image' }, prediction: null, zimage: null }), [
    'fatal arm64-kernel',
  ])
})

const DOG = { name: 'watchdog0', active: true, timeout: 16, maxTimeout: 16, stopsOnReboot: false }

const BOARDS: readonly (readonly [name: string, board: BoardFacts, expected: RegExp | null])[] = [
  ['nothing is known', {}, null],
  ['kexec is disabled', { kexecDisabled: true }, /^fatal kexec-disabled/],
  ['the agent may not boot', { mayBoot: false }, /^fatal boot-capability/],
  ['a secondary CPU cannot be stopped', { possibleCpus: 4, cpuStop: false }, /^fatal cpu-stop: 4 CPUs/],
  [
    'one CPU runs, and it is not known whether the kernel can start others',
    { possibleCpus: 8, onlineCpus: 1, cpuStop: false },
    /^warning cpu-stop: 8 CPUs .* if it can start them; one is online/,
  ],
  ['a single CPU', { possibleCpus: 1, cpuStop: false }, null],
  ['it is not known whether CPUs can be stopped', { possibleCpus: 4, cpuStop: null }, null],
  ['links go down', { linksToStop: ['eth0', 'eth1'] }, /^info links-stop: .*eth0, eth1/],
  ['a link stays up', { linksKept: ['eth0'] }, /^warning links-kept: .*eth0/],
  ['no links', { linksToStop: [], linksKept: [] }, null],
  ['no watchdog', { watchdog: null }, /^info watchdog: there is no watchdog/],
  ['an idle watchdog', { watchdog: { ...DOG, active: false } }, /^info watchdog: .*not running/],
  ['a watchdog', { watchdog: DOG }, /^info watchdog: .*16 s/],
  ['a watchdog without a known timeout', { watchdog: { ...DOG, timeout: null } }, /unknown s/],
  [
    'a watchdog to arm',
    { watchdog: DOG, watchdogSeconds: 10 },
    /^info watchdog-armed: watchdog0 is armed before the jump: .* within 10 s/,
  ],
  [
    'a watchdog to arm whose limit is not known',
    { watchdog: { ...DOG, maxTimeout: null }, watchdogSeconds: 100 },
    /^info watchdog-armed/,
  ],
  [
    'a watchdog is asked for, and there is none',
    { watchdog: null, watchdogSeconds: 10 },
    /^fatal watchdog-armed: a watchdog of 10 s is asked for, but the board has no watchdog/,
  ],
  [
    'the watchdog has a shorter limit',
    { watchdog: DOG, watchdogSeconds: 17 },
    /^fatal watchdog-armed: .*watchdog0 allows at most 16 s/,
  ],
  [
    'the kernel stops the watchdog',
    { watchdog: { ...DOG, stopsOnReboot: true }, watchdogSeconds: 10 },
    /^fatal watchdog-armed: the kernel may stop watchdog0 at the jump/,
  ],
  ['it is not known whether there is a watchdog to arm', { watchdogSeconds: 10 }, null],
]
for (const [name, board, expected] of BOARDS) {
  t.test(`findings about the board: ${name}`, async t => {
    const lines = examineBoard(board).map(({ severity, check, message }) => `${severity} ${check}: ${message}`)
    if (expected === null) t.strictSame(lines, [])
    else t.match(lines, [expected])
    t.equal(preflight(context({ board })).length, lines.length, 'a plan has the same findings')
  })
}

t.test("half of RAM means half of the board's MemTotal, if that is known", async t => {
  t.strictSame(found({ board: { memoryTotal: 0x500000 } }), ['fatal half-of-ram'])
  t.strictSame(found({ board: { memoryTotal: 0x600000 } }), [])
})

t.test('a board without any device tree is fatal', async t => {
  t.strictSame(found({ tree: null, board: {} }), ['fatal dtb-missing'])
})
