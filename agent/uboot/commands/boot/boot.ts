/** Commands that start a kernel: bootz, booti, bootm, boot, and those that start what cannot be started here. */

import { isArm64Image, parseArm64Image } from '../../../image/kernel/arm64-image.js'
import { ALONE, findZImage, parseImageArgument } from '../../boot/boot-images.js'
import { openKernel, unpackKernel } from '../../boot/bootm-kernel.js'
import { bootStep } from '../../boot/bootm-steps.js'
import { bootKernel } from '../../boot/run-boot.js'
import { hex8, parseHex } from '../../lib/numbers.js'
import { type Call, type Command, type Machine, USAGE } from '../../machine/machine.js'

const six = (value: number): string => `0x${value.toString(16).padStart(6, '0')}`

async function bootz(machine: Machine, call: Call): Promise<number> {
  const { address } = parseImageArgument(machine, call.args[1])
  const found = findZImage(machine, address)
  if (found === null) {
    machine.out.write('zimage: Bad magic!\n')
    return 1
  }
  const { piece, start, end, appended, loaded } = found
  machine.out.write(`Kernel image @ 0x${address.toString(16)} [ ${six(start)} - ${six(end)} ]\n`)
  if (loaded !== null) {
    machine.out.write(`ERROR: the zImage is truncated: its header says ${piece.size} bytes, ${loaded} were loaded\n`)
    machine.out.write('Wrong Image Format for bootz command\n')
    return 1
  }
  const companions = appended === null ? ALONE : { ...ALONE, fdt: async () => appended }
  return bootKernel(machine, call, { piece, keepOff: piece, loading: '', companions })
}

async function booti(machine: Machine, call: Call): Promise<number> {
  const { address } = parseImageArgument(machine, call.args[1])
  const size = machine.memory.claimAt(address)
  const header = machine.memory.contains(address, 64) ? machine.memory.read(address, 64) : Buffer.alloc(0)
  if (!isArm64Image(header)) {
    machine.out.write('Bad Linux ARM64 Image magic!\n')
    return 1
  }
  const loaded = size === null ? parseArm64Image(header, 'kernel').imageSize : size.end - size.start
  const piece = { address, size: loaded }
  return bootKernel(machine, call, { piece, keepOff: piece, loading: '', companions: ALONE })
}

async function bootm(machine: Machine, call: Call): Promise<number> {
  const step = bootStep(call.args[1])
  if (step !== null) return step(machine, call)
  machine.state.bootSteps = null
  const packed = await openKernel(machine, parseImageArgument(machine, call.args[1]), call.signal)
  const found = packed === null ? null : await unpackKernel(machine, packed)
  if (packed === null || found === null) return 1
  return bootKernel(machine, call, { ...found, keepOff: null, companions: packed.companions })
}

/** `boot` and `bootd`. */
async function bootDefault(machine: Machine, { signal }: Call): Promise<number> {
  const command = machine.env.get('bootcmd')
  if (command !== undefined) return machine.shell.run(command, signal, 'script')
  machine.out.write('## Error: "bootcmd" not defined\n')
  return 1
}

function go(machine: Machine, { args }: Call): number {
  if (args.length < 2) return USAGE
  const address = parseHex(args[1] ?? '')
  machine.out.write(`## Starting application at 0x${hex8(address)} ...\n`)
  machine.out.write('## fauxboot runs no programs of its machine: bootz, booti and bootm boot kernels\n')
  machine.out.write('## Application terminated, rc = 0x1\n')
  return 1
}

function bootelf(machine: Machine, { args }: Call): number {
  const { address } = parseImageArgument(machine, args[1])
  machine.out.write(`## No elf image at address 0x${hex8(address)}\n`)
  return 1
}

const GO_USAGE = `addr [arg ...]
    - start application at address 'addr'
      passing 'arg' as arguments`

const BOOTELF_USAGE = `[-p|-s] [address]
	- load ELF image at [address] via program headers (-p)
	  or via section headers (-s)
`

const BOOTI_USAGE = `[addr [initrd[:size]] [fdt]]
    - boot arm64 Linux Image stored in memory
	The argument 'initrd' is optional and specifies the address
	of an initrd in memory. The optional parameter ':size' allows
	specifying the size of a RAW initrd.
	Currently only booting from gz, bz2, lzma and lz4 compression
	types are supported. In order to boot from any of these compressed
	images, user have to set kernel_comp_addr_r and kernel_comp_size environment
	variables beforehand.
	Since booting a Linux kernel requires a flat device-tree, a
	third argument providing the address of the device-tree blob
	is required. To boot a kernel with a device-tree blob but
	without an initrd image, use a '-' for the initrd argument.
`

const BOOTM_USAGE = `[addr [arg ...]]
    - boot application image stored in memory
	passing arguments 'arg ...'; when booting a Linux kernel,
	'arg' can be the address of an initrd image
	When booting a Linux kernel which requires a flat device-tree
	a third argument is required which is the address of the
	device-tree blob. To boot that kernel without an initrd image,
	use a '-' for the second argument. If you do not pass a third
	a bd_info struct will be passed instead
	
For the new multi component uImage format (FIT) addresses
	must be extended to include component or configuration unit name:
	addr:<subimg_uname> - direct component image specification
	addr#<conf_uname>   - configuration specification
	Use iminfo command to get the list of existing component
	images and configurations.

Sub-commands to do part of the bootm sequence.  The sub-commands must be
issued in the order below (it's ok to not issue all sub-commands):
	start [addr [arg ...]]
	loados  - load OS image
	ramdisk - relocate initrd, set env initrd_start/initrd_end
	fdt     - relocate flat device tree
	cmdline - OS specific command line processing/setup
	bdt     - OS specific bd_info processing
	prep    - OS specific prep before relocation or go
	go      - start OS`

const BOOTZ_USAGE = `[addr [initrd[:size]] [fdt]]
    - boot Linux zImage stored in memory
	The argument 'initrd' is optional and specifies the address
	of the initrd in memory. The optional argument ':size' allows
	specifying the size of RAW initrd.
	When booting a Linux kernel which requires a flat device-tree
	a third argument is required which is the address of the
	device-tree blob. To boot that kernel without an initrd image,
	use a '-' for the second argument. If you do not pass a third
	a bd_info struct will be passed instead
`

export const bootCommands: readonly Command[] = [
  {
    name: 'boot',
    maxArgs: 1,
    repeatable: true,
    summary: "boot default, i.e., run 'bootcmd'",
    usage: '',
    run: bootDefault,
  },
  {
    name: 'bootd',
    maxArgs: 1,
    repeatable: true,
    summary: "boot default, i.e., run 'bootcmd'",
    usage: '',
    run: bootDefault,
  },
  { name: 'bootelf', maxArgs: 64, summary: 'Boot from an ELF image in memory', usage: BOOTELF_USAGE, run: bootelf },
  {
    name: 'booti',
    maxArgs: 64,
    repeatable: true,
    summary: "boot Linux kernel 'Image' format from memory",
    usage: BOOTI_USAGE,
    run: booti,
  },
  {
    name: 'bootm',
    maxArgs: 64,
    repeatable: true,
    summary: 'boot application image from memory',
    usage: BOOTM_USAGE,
    run: bootm,
  },
  {
    name: 'bootz',
    maxArgs: 64,
    repeatable: true,
    summary: 'boot Linux zImage image from memory',
    usage: BOOTZ_USAGE,
    run: bootz,
  },
  { name: 'go', maxArgs: 64, summary: "start application at address 'addr'", usage: GO_USAGE, run: go },
]
