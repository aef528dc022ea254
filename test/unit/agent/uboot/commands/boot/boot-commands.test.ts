import { gzipSync } from 'node:zlib'
import t, { type Test } from 'tap'
import { bootCommands } from '../../../../../../agent/uboot/commands/boot/boot.js'
import type { BootOrder } from '../../../../../../agent/uboot/hardware/boot-target.js'
import { ShellUnwind } from '../../../../../../agent/uboot/hush/unwind.js'
import { type Machine, USAGE } from '../../../../../../agent/uboot/machine/machine.js'
import { arm64Image, zImage } from '../../../kexec/images.js'
import { treeFile } from '../../../kexec/trees.js'
import { fitImage, legacyImage } from '../../image-fixture.js'
import { call, plainEnvironment, type TestMachine, testMachine } from '../../machine.js'

const KERNEL = zImage()
const DTB = treeFile({ memory: [[0x4000_0000, 0x4000_0000]] })
const FILES = { kernel: Buffer.from(KERNEL), ramdisk: Buffer.alloc(2500, 'ramdisk'), dtb: Buffer.from(DTB) }

interface Board {
  readonly machine: TestMachine
  /** the boots so far */
  readonly orders: BootOrder[]
  put(address: number, bytes: Uint8Array): void
  /** @returns `$?`; 0 after a jump */
  run(line: string): Promise<number>
}

/** What a boot ends with in these tests: the jump. */
class Jumped extends ShellUnwind {}

/** A board that records its boots. */
function board(t: Test, parts: Partial<Machine> = {}): Board {
  const orders: BootOrder[] = []
  const machine = testMachine(t, {
    boot: {
      async boot(order) {
        orders.push(order)
        throw new Jumped()
      },
      reset: () => Promise.reject(),
      powerOff: () => Promise.reject(),
    },
    env: plainEnvironment({ bootm_size: '0xa000000', bootargs: 'quiet' }),
    ...parts,
  })
  return {
    machine,
    orders,
    put(address, bytes) {
      machine.memory.write(address, bytes)
      machine.memory.claim(address, bytes.length, 'file')
    },
    async run(line) {
      const [name = ''] = line.split(' ')
      const command = bootCommands.find(command => command.name === name)
      try {
        return (await command?.run(machine, call(line))) ?? -99
      } catch (thrown) {
        if (thrown instanceof Jumped) return 0
        throw thrown
      }
    },
  }
}

t.test('bootz refuses anything but a zImage', async t => {
  const { machine, run } = board(t)
  for (const line of ['bootz', 'bootz 48000000', 'bootz 10000000']) {
    t.equal(await run(line), 1)
    t.equal(machine.printed(), 'zimage: Bad magic!\n', line)
  }
})

t.test('a device tree that follows the zImage in the same file is used', async t => {
  const { machine, run, put, orders } = board(t)
  put(0x4200_0000, zImage({ appendedDtb: DTB }))
  t.equal(await run('bootz 42000000'), 0)
  t.same(orders, [
    {
      kernel: { address: 0x4200_0000, size: KERNEL.length },
      ramdisk: null,
      dtb: { address: 0x4200_0000 + KERNEL.length, size: DTB.length },
      cmdline: 'quiet',
      macAddresses: {},
    },
  ])
  t.match(machine.printed(), /Working FDT set to 42100000\n {3}Loading Device Tree to 49ff/)
  t.equal(machine.state.workingFdt, 0x4210_0000)
})

t.test('ramdisk and device tree must keep off the kernel', async t => {
  const { machine, run, put, orders } = board(t)
  put(0x4200_0000, KERNEL)
  t.equal(await run('bootz 42000000 420ff000:1000'), 1)
  t.match(machine.printed(), /\nERROR: RD image overlaps OS image \(OS=42000000\.\.42100000\)\n$/)
  machine.memory.write(0x4208_0000, DTB)
  t.equal(await run('bootz 42000000 -:1000 42080000'), 1)
  t.match(machine.printed(), /\nERROR: FDT image overlaps OS image \(OS=42000000\.\.42100000\)\n$/)
  t.same(orders, [])
})

t.test('a ramdisk is a legacy image, an image of a FIT, or bytes of a stated size', async t => {
  const { machine, run, put, orders } = board(t)
  put(0x4200_0000, KERNEL)
  put(0x4330_0000, legacyImage(t, '-T ramdisk -C none -n initrd', { ramdisk: FILES.ramdisk }))
  t.equal(await run('bootz 42000000 43300000'), 0)
  t.match(machine.printed(), '## Loading init Ramdisk from Legacy Image at 43300000 ...\n')
  t.same(orders.pop()?.ramdisk, { address: 0x4330_0040, size: 2500 })

  put(0x4330_0000, fitImage(t, fitSource('none'), FILES))
  t.equal(await run('bootz 42000000 43300000:ramdisk-1 43300000:fdt-1'), 0)
  t.match(machine.printed(), /\n {3}Booting using the fdt blob at 0x434/)
  const fromFit = orders.pop()
  t.match(fromFit, { ramdisk: { size: 2500 }, dtb: { size: DTB.length } })

  put(0x4330_0000, legacyImage(t, '-T kernel -C none -n kernel', { kernel: FILES.ramdisk }))
  for (const [line, why] of [
    ['bootz 42000000 43300000', 'No Linux ARM Ramdisk Image\n'],
    ['bootz 42000000 48000000', 'Wrong Ramdisk Image Format\n'],
    ['bootz 42000000 48000000:7fffffff', 'Wrong Ramdisk Image Format\n'],
    ['bootz 42000000 10000000', 'Wrong Ramdisk Image Format\n'],
  ] as const) {
    t.equal(await run(line), 1)
    const shown = machine.printed()
    t.ok(shown.endsWith(`${why}Ramdisk image is corrupt or invalid\n`), `${line}: ${shown}`)
  }
  machine.memory.write(0x4330_0050, Buffer.from('damage'))
  t.equal(await run('bootz 42000000 43300000'), 1)
  t.match(machine.printed(), /Bad Data CRC\nRamdisk image is corrupt or invalid\n$/)
  t.same(orders, [])
})

t.test('an invalid device tree ends a boot, and so does a FIT without that image', async t => {
  const { machine, run, put } = board(t)
  put(0x4200_0000, KERNEL)
  put(0x4330_0000, fitImage(t, fitSource('none'), FILES))
  for (const tree of ['48000000', '10000000']) {
    t.equal(await run(`bootz 42000000 - ${tree}`), 1)
    t.match(
      machine.printed(),
      /\nERROR: Did not find a cmdline Flattened Device Tree\nCould not find a valid device tree\n$/,
    )
  }
  t.equal(await run('bootz 42000000 - 43300000#nosuch'), 1)
  t.match(machine.printed(), /configuration node 'nosuch'\nCould not find a valid device tree\n$/)
})

t.test('a machine without DRAM shows no places', async t => {
  const { machine, run, put } = board(t)
  put(0x4200_0000, KERNEL)
  Object.assign(machine, { board: { ...machine.board, dram: [] } })
  t.equal(await run('bootz 42000000'), 0)
  t.match(machine.printed(), /Working FDT set to 0\n$/)
})

t.test('the places are those of U-Boot, and its variables steer them', async t => {
  const shown = async (variables: Readonly<Record<string, string>>): Promise<string> => {
    const { machine, run, put } = board(t, { env: plainEnvironment(variables) })
    put(0x4200_0000, KERNEL)
    put(0x4300_0000, DTB)
    await run('bootz 42000000 43300000:d7afd 43000000')
    return machine.printed().split('\n').slice(4, -1).join('\n')
  }
  const end = (start: number): string => (start + DTB.length + 0x3000 - 1).toString(16)
  t.equal(
    await shown({}),
    `   Loading Ramdisk to 7d4a1000, end 7d578afd ... OK
   Loading Device Tree to 7d49d000, end ${end(0x7d49_d000)} ... OK
Working FDT set to 7d49d000`,
  )
  t.equal(
    await shown({ initrd_high: 'ffffffff', fdt_high: '0xffffffff' }),
    `WARNING:
The 'fdt_high' environment variable is set to ~0. This is known to cause
boot failures due to placement of DT at non-8-byte-aligned addresses.
This system will likely fail to boot. Unset the 'fdt_high' environment
variable and submit a fix upstream.
   Using Device Tree in place at 43000000, end ${end(0x4300_0000)}
Working FDT set to 43000000`,
  )
  t.equal(
    await shown({ bootm_low: '50000000', bootm_size: '10000000', initrd_high: '58000000', fdt_high: '54000000' }),
    `   Loading Ramdisk to 57f28000, end 57fffafd ... OK
   Loading Device Tree to 53ffc000, end ${end(0x53ff_c000)} ... OK
Working FDT set to 53ffc000`,
  )
})

t.test('booti boots an arm64 Image, as long as it was loaded or as its header tells', async t => {
  const { machine, run, put, orders } = board(t)
  put(0x4200_0000, arm64Image())
  machine.memory.write(0x4400_0000, arm64Image())
  t.equal(await run('booti 42000000'), 0)
  t.equal(await run('booti 44000000'), 0)
  t.same(
    orders.map(({ kernel }) => kernel.size),
    [0x1_0000, 0x2_0000],
  )
  machine.printed()
  for (const line of ['booti 48000000', 'booti 10000000']) {
    t.equal(await run(line), 1)
    t.equal(machine.printed(), 'Bad Linux ARM64 Image magic!\n')
  }
})

t.test('bootm boots a legacy kernel where it lies, and one that is compressed where it belongs', async t => {
  const { machine, run, put, orders } = board(t)
  put(0x4200_0000, legacyImage(t, '-T kernel -C none -a 40008000 -n kernel', { kernel: FILES.kernel }))
  t.equal(await run('bootm 42000000'), 0)
  t.match(machine.printed(), '\n   Loading Kernel Image to 40008000\n')
  put(0x4200_0000, legacyImage(t, '-T kernel -C gzip -a 40008000 -n kernel', { kernel: gzipSync(FILES.kernel) }))
  t.equal(await run('bootm 42000000'), 0)
  t.match(machine.printed(), '\n   Uncompressing Kernel Image to 40008000\n')
  t.same(
    orders.map(({ kernel }) => kernel),
    [
      { address: 0x4200_0040, size: KERNEL.length },
      { address: 0x4000_8000, size: KERNEL.length },
    ],
  )
  t.same(machine.memory.read(0x4000_8000, KERNEL.length), FILES.kernel)
})

t.test('a kernel that cannot be unpacked ends the boot, in words that labs wait for', async t => {
  const { machine, run, put, orders } = board(t)
  const broken = gzipSync(FILES.kernel).subarray(0, 500)
  put(0x4200_0000, legacyImage(t, '-T kernel -C gzip -a 40008000 -n kernel', { kernel: broken }))
  put(0x4400_0000, fitImage(t, fitSource('gzip'), { ...FILES, kernel: broken }))
  for (const address of ['42000000', '44000000']) {
    t.equal(await run(`bootm ${address}`), 1)
    t.match(machine.printed(), /OK\nERROR: kernel .*\nWrong Image Format for bootm command\n$/)
  }
  t.same(orders, [])
})

t.test('bootm takes ramdisk and device tree out of a file of many', async t => {
  const { machine, run, put, orders } = board(t)
  put(0x4200_0000, legacyImage(t, '-T multi -C none -a 40008000 -n multi', FILES))
  t.equal(await run('bootm 42000000'), 0)
  const shown = machine.printed()
  t.match(shown, '\n## Loading init Ramdisk from multi component Legacy Image at 42000000 ...\n')
  t.match(shown, /\n## Flattened Device Tree from multi component Image at 42000000\n {3}Booting using the fdt at 0x42/)
  t.match(orders, [{ kernel: { size: KERNEL.length }, ramdisk: { size: 2500 }, dtb: { size: DTB.length } }])
  put(0x4200_0000, legacyImage(t, '-T multi -C none -a 40008000 -n multi', { kernel: FILES.kernel }))
  t.equal(await run('bootm 42000000'), 0)
  t.match(orders[1], { ramdisk: null, dtb: null })
})

t.test('bootm boots the configuration of a FIT that is asked for, and its default', async t => {
  const { machine, run, put, orders } = board(t)
  put(0x4400_0000, fitImage(t, fitSource('none'), FILES))
  t.equal(await run('bootm 44000000'), 0)
  t.match(machine.printed(), /\n {3}Booting using the fdt blob at 0x44/)
  t.equal(await run('bootm 44000000#conf-2'), 0)
  t.equal(await run('bootm 44000000:kernel-1'), 0)
  t.match(orders, [
    { kernel: { size: KERNEL.length }, ramdisk: { size: 2500 }, dtb: { size: DTB.length } },
    { kernel: { size: KERNEL.length }, ramdisk: null, dtb: null },
    { kernel: { size: KERNEL.length }, ramdisk: null, dtb: null },
  ])
  put(0x4400_0000, fitImage(t, fitSource('gzip'), { ...FILES, kernel: gzipSync(FILES.kernel) }))
  t.equal(await run('bootm 44000000'), 0)
  t.match(orders[3], { kernel: { address: 0x4000_8000, size: KERNEL.length } })
})

t.test('a FIT whose ramdisk is damaged is not booted without it', async t => {
  const { machine, run, put, orders } = board(t)
  const fit = Buffer.from(fitImage(t, fitSource('none'), FILES))
  fit.write('damage', fit.indexOf('ramdiskramdisk'))
  put(0x4400_0000, fit)
  t.equal(await run('bootm 44000000'), 1)
  t.match(machine.printed(), /Bad hash value.*\n(.*\n)*$/)
  t.same(orders, [])
})

t.test('bootm without a kernel fails with an errno', async t => {
  const { machine, run, put } = board(t)
  put(0x4200_0000, legacyImage(t, '-T script -C none -n script', { script: 'echo\n' }))
  put(0x4400_0000, fitImage(t, fitSource('none'), FILES))
  for (const [line, end] of [
    ['bootm 48000000', "Wrong Image Type for bootm command\nERROR -91: can't get kernel image!\n"],
    ['bootm 10000000', "Wrong Image Type for bootm command\nERROR -91: can't get kernel image!\n"],
    ['bootm 42000000', "Wrong Image Type for bootm command\nERROR -91: can't get kernel image!\n"],
    ['bootm 44000000#nosuch', "configuration node 'nosuch'\nERROR -2: can't get kernel image!\n"],
  ] as const) {
    t.equal(await run(line), 1)
    const shown = machine.printed()
    t.ok(shown.endsWith(end), `${line}: ${shown}`)
  }
  machine.memory.write(0x4200_0048, Buffer.from('damage'))
  t.equal(await run('bootm 42000000'), 1)
  t.match(machine.printed(), /Bad Data CRC\nERROR -22: can't get kernel image!\n$/)
})

t.test('boot and bootd run bootcmd as a script; without one they say so', async t => {
  const ran: unknown[] = []
  const shell = {
    locals: new Map(),
    run: async (text: string, _signal: AbortSignal, mode?: string) => {
      ran.push([text, mode])
      return 7
    },
  }
  const { run } = board(t, { shell, env: plainEnvironment({ bootcmd: 'echo it boots' }) })
  t.same([await run('boot'), await run('bootd')], [7, 7])
  t.same(ran, [
    ['echo it boots', 'script'],
    ['echo it boots', 'script'],
  ])
  const without = board(t)
  t.equal(await without.run('boot'), 1)
  t.equal(without.machine.printed(), '## Error: "bootcmd" not defined\n')
})

t.test('programs of the machine are not run', async t => {
  const { machine, run } = board(t)
  t.equal(await run('go'), USAGE)
  t.equal(await run('go 0x42000000 argument'), 1)
  t.match(
    machine.printed(),
    /^## Starting application at 0x42000000 \.\.\.\n(.*\n)## Application terminated, rc = 0x1\n$/,
  )
  t.equal(await run('bootelf 42000000'), 1)
  t.equal(machine.printed(), '## No elf image at address 0x42000000\n')
})

/** A FIT with two configurations; the second has the kernel alone. */
function fitSource(compression: string): string {
  return `/ {
  description = "a kernel and its companions";
  #address-cells = <1>;
  images {
    kernel-1 {
      data = /incbin/("kernel"); type = "kernel"; arch = "arm"; os = "linux"; compression = "${compression}";
      load = <0x40008000>; entry = <0x40008000>; hash-1 { algo = "sha256"; };
    };
    fdt-1 { data = /incbin/("dtb"); type = "flat_dt"; arch = "arm"; compression = "none"; hash-1 { algo = "sha1"; }; };
    ramdisk-1 {
      data = /incbin/("ramdisk"); type = "ramdisk"; arch = "arm"; os = "linux"; compression = "none";
      hash-1 { algo = "sha1"; };
    };
  };
  configurations {
    default = "conf-1";
    conf-1 { kernel = "kernel-1"; fdt = "fdt-1"; ramdisk = "ramdisk-1"; };
    conf-2 { kernel = "kernel-1"; };
  };
};
`
}
