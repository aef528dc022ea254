import t from 'tap'
import { parseFdt } from '../../../../../agent/image/fdt/fdt.js'
import { encodeString, findNode, propString } from '../../../../../agent/image/fdt/fdt-query.js'
import { ramFromFdt } from '../../../../../agent/kexec/layout/memory-map.js'
import type { KexecSegment } from '../../../../../agent/kexec/syscall/kexec.js'
import { PipelineBootTarget } from '../../../../../agent/uboot/boot/pipeline-target.js'
import { DTB, Gate, IOMEM, jobOf } from '../../boot/board-fixture.js'
import { body, MIB } from '../../boot/fixture.js'
import { cpio, zImage } from '../../kexec/images.js'
import { node, treeFile } from '../../kexec/trees.js'
import { boardConsole } from '../board-console.js'

const KERNEL = zImage()
const RAMDISK = cpio()

/** The command line that the target finds in its device tree. */
function bootArguments(tree: KexecSegment | undefined): string | null {
  const chosen = findNode(parseFdt(tree?.buffer ?? new Uint8Array(), 'the tree of the target'), '/chosen')
  return chosen && propString(chosen, 'bootargs')
}

t.test('bootz typed at the console ends in the target, with the very bytes that were loaded', async t => {
  const { line, loaded, kexec, boot } = await boardConsole(t)
  loaded(0x4200_0000, KERNEL, 'zImage')
  loaded(0x4300_0000, DTB, 'dtb')
  loaded(0x4330_0000, RAMDISK, 'initrd')
  line.type(`bootz 42000000 43300000:${RAMDISK.length.toString(16)} 43000000\r`)
  const shown = await line.shows('Starting kernel ...\n\n')
  const end = (0x43000000).toString(16)
  t.equal(
    shown.split('\n').slice(1, 5).join('\n'),
    `Kernel image @ 0x42000000 [ 0x000000 - 0x100000 ]
## Flattened Device Tree blob at 43000000
   Booting using the fdt blob at 0x43000000
Working FDT set to ${end}`,
  )
  const { entry, segments } = await kexec.jumped
  const [kernel, ramdisk, tree] = segments
  t.ok(Buffer.from(KERNEL).equals(kernel?.buffer ?? Buffer.alloc(0)), 'the kernel')
  t.ok(Buffer.from(RAMDISK).equals(ramdisk?.buffer ?? Buffer.alloc(0)), 'the ramdisk')
  t.equal(entry, kernel?.mem)
  t.equal(bootArguments(tree), 'console=ttyAMA0 quiet')
  const [job] = boot.list()
  t.match(job, { name: 'console', origin: 'console', state: 'booting' }, 'it is a job like any other')
})

for (const [typed, expected] of [
  ['', '02:02:c3:99:67:87'],
  ['setenv ethaddr 52:54:00:00:00:AA; ', '52:54:00:00:00:aa'],
] as const) {
  t.test(`${typed}bootz gives the target's interface the MAC address ${expected}`, async t => {
    const { line, loaded, kexec } = await boardConsole(t, {
      host: { macAddresses: async () => ({ ethernet0: '02:02:c3:99:67:87' }) },
    })
    const aliases = node('aliases', { ethernet0: encodeString('/ethernet@1') })
    loaded(0x4200_0000, KERNEL)
    loaded(0x4300_0000, treeFile({ memory: [[0x40000000, 0x40000000]], children: [aliases, node('ethernet@1')] }))
    line.type(`${typed}bootz 42000000 - 43000000\r`)
    const { segments } = await kexec.jumped
    const link = findNode(parseFdt(segments.at(-1)?.buffer ?? new Uint8Array(), 'dtb'), 'ethernet0')
    const address = Buffer.from(link?.properties.get('local-mac-address') ?? [])
    t.equal(address.toString('hex'), expected.replaceAll(':', ''))
  })
}

t.test('a warning of the plan is shown before the kernel starts', async t => {
  const { line, loaded } = await boardConsole(t)
  loaded(0x4200_0000, KERNEL)
  loaded(0x4300_0000, Buffer.alloc(64, 'x'))
  line.type('bootz 42000000 43000000:40\r')
  t.match(
    await line.shows('Starting kernel ...\n\n'),
    /\n## fauxboot: part 1 of the ramdisk starts with 78787878.*\n\nStarting kernel \.\.\.\n\n$/,
  )
})

t.test('a plan that would not be survived is refused, in words that labs wait for', async t => {
  const { line, loaded, kexec } = await boardConsole(t, { host: { kexecLoadDisabled: async () => true } })
  loaded(0x4200_0000, KERNEL)
  const shown = await line.run('bootz 42000000')
  t.match(shown, /\n## fauxboot: .*kexec_load_disabled/)
  t.match(shown, /\nERROR: the plan is not survivable: .*kexec_load_disabled/)
  t.match(shown, /\nERROR: Failed to allocate memory that this boot would survive in\n$/)
  t.notMatch(shown, 'Starting kernel')
  t.equal(kexec.kernel.image, null)
  t.equal(await line.run('echo $?'), '1\n', 'the console goes on')
})

t.test('a kernel whose bytes are not all there is refused before anything is planned', async t => {
  const { line, memory, boot } = await boardConsole(t)
  memory.write(0x4200_0000, KERNEL)
  memory.claim(0x4200_0000, 0x8_0000, 'zImage')
  t.equal(
    await line.run('bootz 42000000'),
    `Kernel image @ 0x42000000 [ 0x000000 - 0x100000 ]
ERROR: the zImage is truncated: its header says 1048576 bytes, 524288 were loaded
Wrong Image Format for bootz command
`,
  )
  t.same(boot.list(), [])
})

t.test('headers that lie about sizes are refused, in words that labs wait for', async t => {
  const { line, memory, loaded } = await boardConsole(t)
  memory.write(0x4200_0000, zImage({ end: 0 }))
  t.match(await line.run('bootz 42000000'), /\nWrong Image Format for bootz command\n$/, 'no bytes at all')
  memory.write(0x4200_0000, zImage({ end: 0xffff_0000 }))
  t.match(await line.run('bootz 42000000'), /\nERROR: 0xffff0000 bytes at 0x42000000 are not DRAM; .*\n$/)
  loaded(0x4200_0000, KERNEL)
  const tree = Buffer.from(DTB)
  tree.writeUInt32BE(0xffff_ffff, 4)
  loaded(0x4300_0000, tree)
  t.match(await line.run('bootz 42000000 - 43000000'), /\nCould not find a valid device tree\n$/, 'a tree beyond DRAM')
  tree.writeUInt32BE(0x100, 4)
  loaded(0x4300_0000, tree)
  t.match(await line.run('bootz 42000000 - 43000000'), /\nWrong Image Format for bootz command\n$/, 'a tree cut short')
})

t.test('^C while the kernel is loaded ends the job, and nothing stays loaded', async t => {
  const gate = new Gate()
  const { line, loaded, boot, kexec } = await boardConsole(t, {
    wrap: kexec => ({
      ...kexec,
      async load(...args) {
        await kexec.load(...args)
        await gate.pass()
      },
    }),
  })
  loaded(0x4200_0000, KERNEL)
  line.type('bootz 42000000\r')
  await gate.entered
  line.type('\x03')
  gate.open()
  t.notMatch(await line.shows(), 'Starting kernel')
  t.match(boot.list(), [{ state: 'cancelled', error: { code: 'JOB_CANCELLED' } }])
  t.equal(kexec.kernel.image, null)
  t.equal(await line.run('echo $?'), '1\n')
})

t.test('^C that comes before the job is taken, or just when it is, is not lost', async t => {
  const { boot, memory, loaded } = await boardConsole(t)
  loaded(0x4200_0000, KERNEL)
  const power = { reset: () => Promise.reject(), powerOff: () => Promise.reject() }
  const door = new PipelineBootTarget(boot, memory, power)
  const order = {
    kernel: { address: 0x4200_0000, size: KERNEL.length },
    ramdisk: null,
    dtb: null,
    cmdline: '',
    macAddresses: {},
  }
  const starting = (): void => void t.fail('it boots')
  for (const jobs of [[], [{ state: 'cancelled' }]]) {
    const abort = new AbortController()
    const booting = door.boot(order, { notice: () => {}, starting }, abort.signal)
    while (boot.list().length < jobs.length) await new Promise(setImmediate)
    abort.abort(new Error('^C'))
    await t.rejects(booting, { message: '^C' })
    t.match(boot.list(), jobs)
    t.equal(boot.list().length, jobs.length)
  }
})

t.test('a job that owns the board is not disturbed', async t => {
  const gate = new Gate()
  let plans = 0
  const { line, loaded, boot } = await boardConsole(t, {
    host: {
      iomem: async () => {
        plans += 1
        await gate.pass()
        return IOMEM
      },
    },
  })
  await boot.artifacts.receive('zImage', body(KERNEL))
  const { id } = await boot.submit(jobOf({ kernel: { artifact: 'zImage' }, options: { dryRun: true } }), 'http')
  await gate.entered
  loaded(0x4200_0000, KERNEL)
  const busy = `\nERROR: the board is busy with job ${id}; wait, cancel it, or set options.queue\n`
  const shown = await line.run('bootz 42000000')
  t.equal(shown.slice(-busy.length), busy)
  gate.open()
  t.match(await boot.settled(id), { state: 'planned' })
  t.equal(plans, 1)
})

t.test('a jump that returns says why, and the console stays usable', async t => {
  const { line, loaded } = await boardConsole(t, {
    wrap: kexec => {
      kexec.failNext('jump', 'EPERM')
      return kexec
    },
  })
  loaded(0x4200_0000, KERNEL)
  t.match(
    await line.run('bootz 42000000'),
    /\nStarting kernel \.\.\.\n\nERROR: job \w+: the jump came back: .*EPERM.*\n$/,
  )
})

t.test('boot arguments reach the target byte for byte', async t => {
  const { line, loaded, kexec } = await boardConsole(t)
  loaded(0x4200_0000, KERNEL)
  // Terminals send UTF-8.
  const typed = Buffer.from('init=/bin/größe').toString('latin1')
  await line.run(`setenv bootargs ${typed}`)
  line.type('bootz 42000000\r')
  const { segments } = await kexec.jumped
  t.equal(bootArguments(segments.at(-1)), 'init=/bin/größe')
})

t.test("a tree whose memory is elsewhere gets the board's, as from U-Boot", async t => {
  const { line, loaded, kexec } = await boardConsole(t)
  loaded(0x4200_0000, KERNEL)
  loaded(0x4300_0000, treeFile({ memory: [[0x8000_0000, 1024 * MIB]] }))
  line.type('bootz 42000000 - 43000000\r')
  const { segments } = await kexec.jumped
  const tree = parseFdt(segments.at(-1)?.buffer ?? new Uint8Array(), 'dtb')
  t.equal(ramFromFdt(tree)[0]?.start, 0x4000_0000)
})

t.test('reset and poweroff go to the board', async t => {
  const asked: string[] = []
  const ask = (what: string) => (): Promise<never> => {
    asked.push(what)
    return Promise.reject(new Error('as root only'))
  }
  const { line } = await boardConsole(t, {}, { power: { reset: ask('reset'), powerOff: ask('poweroff') } })
  t.equal(
    await line.run('reset'),
    'resetting ...\ninternal error while resetting: as root only; if it happens again, report it with the log\n',
  )
  t.equal(
    await line.run('poweroff'),
    'poweroff ...\ninternal error while switching off: as root only; if it happens again, report it with the log\n',
  )
  t.same(asked, ['reset', 'poweroff'])
})
