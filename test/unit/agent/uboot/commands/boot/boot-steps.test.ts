import t, { type Test } from 'tap'
import { bootCommands } from '../../../../../../agent/uboot/commands/boot/boot.js'
import type { BootOrder } from '../../../../../../agent/uboot/hardware/boot-target.js'
import { USAGE } from '../../../../../../agent/uboot/machine/machine.js'
import { treeFile } from '../../../kexec/trees.js'
import { legacyImage } from '../../image-fixture.js'
import { call, plainEnvironment, testMachine } from '../../machine.js'

const DTB = treeFile({ memory: [[0x4000_0000, 0x4000_0000]] })

/** A board with a kernel, a ramdisk and a tree in memory; `run` types `bootm WORDS`. */
function steps(t: Test, variables: Readonly<Record<string, string>> = { bootm_size: '0xa000000' }) {
  const orders: BootOrder[] = []
  const machine = testMachine(t, {
    boot: {
      async boot(order, watch) {
        watch.starting()
        orders.push(order)
        throw new Error('the jump')
      },
      reset: () => Promise.reject(),
      powerOff: () => Promise.reject(),
    },
    env: plainEnvironment(variables),
  })
  const header = '-O linux -T kernel -C none -a 0x44008000 -e 0x44008000 -n k'
  machine.memory.write(0x4200_0000, legacyImage(t, header, { kernel: Buffer.alloc(20_000, 1) }))
  machine.memory.write(0x4330_0000, legacyImage(t, '-T ramdisk -C none -n rd', { ramdisk: Buffer.alloc(3000, 2) }))
  machine.memory.write(0x4300_0000, DTB)
  const bootm = bootCommands.find(({ name }) => name === 'bootm')
  const run = async (words: string) => ({
    status: (await bootm?.run(machine, call(`bootm ${words}`))) ?? -99,
    out: machine.printed(),
  })
  return { machine, orders, run }
}

t.test('bootm boots in steps, between which a script may change the moved tree', async t => {
  const { machine, orders, run } = steps(t)
  const started = await run('start 42000000 43300000 43000000')
  t.equal(started.status, 0)
  t.match(
    started.out,
    /Verifying Checksum \.\.\. OK\n## Flattened Device Tree blob at 43000000\n.*\nWorking FDT set to 43000000\n$/,
  )
  t.same(await run('loados'), { status: 0, out: '   Loading Kernel Image to 44008000\n' })
  t.same(await run('ramdisk'), { status: 0, out: '   Loading Ramdisk to 49fff000, end 49fffbb8 ... OK\n' })
  t.equal(machine.env.get('initrd_start'), '49fff000')
  t.equal(machine.env.get('initrd_end'), '49fffbb8')
  t.equal(
    machine.memory.read(0x49ff_f000, 3000).every(byte => byte === 2),
    true,
    'the ramdisk is there',
  )

  const end = (pad: number) => (0x49ff_b000 + DTB.length + pad - 1).toString(16)
  const moved = `   Loading Device Tree to 49ffb000, end ${end(0x3000)} ... OK\nWorking FDT set to 49ffb000\n`
  t.same(await run('fdt'), { status: 0, out: moved })
  t.equal(machine.env.get('fdtaddr'), '49ffb000')
  const tree = machine.memory.read(0x49ff_b000, DTB.length)
  t.equal(tree.readUInt32BE(4), DTB.length + 0x3000, 'it has room')
  t.same(tree.subarray(8), Buffer.from(DTB).subarray(8))

  t.same(await run('cmdline'), { status: 1, out: 'subcommand failed (err=-1)\n' })
  const prepared = await run('prep')
  t.match(
    prepared.out,
    /^ {3}Loading Device Tree to 49ff4000, end 49ffa\w{3} \.\.\. OK\nWorking FDT set to 49ff4000\n$/,
  )
  await run('go')
  t.match(orders, [{ kernel: { address: 0x4200_0040, size: 20_000 }, ramdisk: { address: 0x49ff_f000, size: 3000 } }])
  t.equal(orders[0]?.dtb?.address, 0x49ff_4000)
})

t.test('a step that was done, or that comes before bootm start, is out of order', async t => {
  const { run } = steps(t)
  const refused = { status: USAGE, out: 'Trying to execute a command out of order\n' }
  t.same(await run('loados'), refused)
  await run('start 42000000 - 43000000')
  await run('fdt')
  t.same(await run('fdt'), refused)
  t.same(await run('ramdisk'), refused)
  t.same(await run('start 50000000'), {
    status: 1,
    out: "Wrong Image Type for bootm command\nERROR -91: can't get kernel image!\n",
  })
  t.same(await run('prep'), refused, 'a failed start leaves nothing behind')
})

t.test('images stay in place where the variables say so, and without a tree the own one is used', async t => {
  const { machine, run, orders } = steps(t, { initrd_high: '0xffffffff', fdt_high: '0xffffffff' })
  await run('start 42000000 43300000 43000000')
  t.same(await run('ramdisk'), { status: 0, out: '' })
  t.equal(machine.env.get('initrd_start'), '43300040')
  t.match((await run('fdt')).out, /^WARNING:\nThe 'fdt_high' [\s\S]* {3}Using Device Tree in place at 43000000, end /)
  await run('start 42000000')
  t.same(await run('fdt'), { status: 0, out: '' })
  t.same(await run('prep'), { status: 0, out: "   Using the first stage's own Device Tree\n" })
  t.match((await run('go')).out, /^ {3}Loading Kernel Image to 44008000\n\nStarting kernel \.\.\.\n\n/)
  t.match(orders, [{ ramdisk: null, dtb: null }])
})
