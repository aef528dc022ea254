/** What comes after a parser: a plan from a device tree, a picture from a plan, commands on memory. */

import type { Test } from 'tap'
import { planBoot } from '../../../agent/kexec/planner.js'
import { planToJson } from '../../../agent/kexec/render/plan-json.js'
import { renderPlanSvg } from '../../../agent/kexec/render/plan-svg.js'
import { renderPlanText } from '../../../agent/kexec/render/plan-text.js'
import { fdtCommands } from '../../../agent/uboot/commands/image/fdt.js'
import { imageCommands } from '../../../agent/uboot/commands/image/images.js'
import { unpackCommands } from '../../../agent/uboot/commands/image/unpack.js'
import { sourceCommands } from '../../../agent/uboot/commands/shell/source.js'
import { buildZImage } from '../../unit/agent/image/kernel/zimage-builder.js'
import { cpio } from '../../unit/agent/kexec/images.js'
import { bench } from '../../unit/agent/uboot/run-command.js'
import type { FuzzTargets } from '../target.js'
import { BOARD_TREE } from './images.js'

const RAM = [{ start: 0x4000_0000, end: 0x8000_0000 }]
const KERNEL = buildZImage()
const RAMDISK = [cpio(512)]

function plan(input: { kernel?: Uint8Array; dtb?: Uint8Array; runningDtb?: Uint8Array }): void {
  const planned = planToJson(
    planBoot({ kernel: KERNEL, ramdisk: RAMDISK, ram: RAM, cmdline: 'console=ttyS0', earlycon: true, ...input }),
  )
  renderPlanText(planned, { color: false })
  renderPlanSvg(planned)
}

/** Commands that read what lies at an address. */
const COMMANDS = [
  ...['fdt addr 42000000', 'fdt print', 'fdt list /', 'fdt rsvmem print', 'fdt apply 42000000', 'fdt resize 100'],
  ...['fdt set /chosen bootargs x', 'fdt mknode / n', 'fdt rm /n', 'fdt rm /chosen', 'fdt chosen 43000000 43001000'],
  ...['iminfo 42000000', 'imxtract 42000000 0 44000000', 'source 42000000', 'unzip 42000000 44000000'],
  ...['unlz4 42000000 44000000 100000', 'zstd 42000000 400 44000000 100000'],
]

let machine: ReturnType<typeof bench> | undefined
const untilExit = { teardown: (end: () => void) => void process.once('exit', end) } as Pick<Test, 'teardown'>

async function commandsOn(input: Uint8Array): Promise<void> {
  machine ??= bench(untilExit, [...fdtCommands, ...imageCommands, ...sourceCommands, ...unpackCommands])
  machine.machine.memory.write(0x4200_0000, input)
  for (const line of COMMANDS)
    if (machine.machine.commands.some(({ name }) => line.startsWith(name))) await machine.type(line)
}

export const PIPELINE_TARGETS: FuzzTargets = {
  'dtb-to-picture': { seeds: [BOARD_TREE], run: dtb => plan({ dtb }) },
  'running-dtb-to-picture': { seeds: [BOARD_TREE], run: runningDtb => plan({ runningDtb }) },
  'kernel-to-picture': { seeds: [KERNEL], run: kernel => plan({ kernel, dtb: BOARD_TREE }) },
  // A tree's header may claim up to 32 MiB of the board's memory (`working-tree.ts`), and `fdt apply` reads two trees.
  'memory-commands': { seeds: [BOARD_TREE, KERNEL], memory: 128 * 2 ** 20, run: commandsOn },
}
