/** The emulated Cubieboard4, from the first instruction of Debian's SPL. `FAUXBOOT_CPUS=8` starts all CPUs: minutes. */

import { once } from 'node:events'
import { readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import t, { type Test } from 'tap'
import type { QemuBoard } from '../../systemd/qemu/qemu.js'
import { interrupt } from './console-suite.js'
import { cubieboard4Card, powerOnCubieboard4 } from './cubieboard4-card.js'
import { FEW_CPUS, PATIENCE } from './lab.js'

/** The kernel says everything: on other cards it is silent. */
const VERBOSE = ['loglevel=7', 'ignore_loglevel']

/** What real boards print: Debian 13's U-Boot, and its kernel on the way to the network. */
const REAL_LINES = [
  /^U-Boot SPL 2025\.01.*$/m,
  /^DRAM: 2048 MiB$/m,
  /^Trying to boot from MMC1$/m,
  /^CPU: {3}Allwinner A80 \(SUN9I\)$/m,
  /^Model: Cubietech Cubieboard4$/m,
  /^DRAM: {2}2 GiB$/m,
  /Booting Linux on physical CPU 0x0/,
  /arch_timer: cp15 timer\(s\) running at 24\.00MHz/,
  /sunxi multi cluster SMP support installed/,
  new RegExp(`smp: Brought up 1 node, ${FEW_CPUS} CPUs`),
  /CPU: All CPU\(s\) started in SVC mode\./,
  /axp20x-rsb sunxi-rsb-3a3: AXP20x variant AXP809 found/,
  /axp20x-rsb sunxi-rsb-745: AXP20x variant AXP806 found/,
  // The UART's pins wait for a regulator: -517 is EPROBE_DEFER.
  /dw-apb-uart 7000000\.serial: Error applying setting, reverse things back/,
  /7000000\.serial: ttyS0 at MMIO 0x7000000/,
  /No HW DMA feature register supported/,
  /PHY \[stmmac-0:01\] driver \[RTL8211E Gigabit Ethernet\]/,
  /Link is Up - 1Gbps\/Full/,
]

/** Wait until the board has printed a line, now or at any time before. */
async function sawLine(t: Test, { console }: QemuBoard, line: RegExp): Promise<void> {
  const printed = (): string => console.transcript.replaceAll('\r', '')
  const late = AbortSignal.timeout(PATIENCE.timeoutMs)
  while (!line.test(printed()) && !late.aborted) await once(console, 'data', { signal: late }).catch(() => undefined)
  t.match(printed(), line)
}

t.test('cubieboard4: prints what real boards print, and reboots into its SPL', async t => {
  const qemu = await powerOnCubieboard4(t, { sd: await cubieboard4Card(VERBOSE) })
  await qemu.console.waitFor(/^U-Boot 20\d\d\.\d\d-fauxboot/m, PATIENCE)
  await interrupt(qemu.console)
  // The kernel finds some devices only after the prompt.
  for (const line of REAL_LINES) await sawLine(t, qemu, line)
  qemu.console.send('reset\n')
  await qemu.console.waitFor('reboot: Restarting system', PATIENCE)
  await qemu.console.waitFor('U-Boot SPL 2025.01', PATIENCE)
})

t.test('cubieboard4: a card whose boot image is damaged is refused with the reason', async t => {
  const damaged = join(t.testdir(), 'sd.img')
  const bytes = await readFile(await cubieboard4Card())
  const loader = 8 * 1024
  bytes.writeUInt32LE(~bytes.readUInt32LE(loader + 64) >>> 0, loader + 64)
  await writeFile(damaged, bytes)
  const sd = damaged
  await t.rejects(powerOnCubieboard4(t, { sd }), { code: 'BUILD_TOOL', message: /boot image has a wrong checksum/ })
})
