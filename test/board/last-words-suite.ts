/** After a panic, the next first stage shows what the target said last. */

import type { Test } from 'tap'
import { ramoopsKernel } from '../../systemd/target/ramoops-kernel.js'
import { targetRamdisk } from '../../systemd/target/target-ramdisk.js'
import { Lab, PATIENCE, type Powered, sawTarget, submit } from './lab.js'

const MARKER = 'fauxboot-test: nothing after this'
const PANIC = 'sysrq triggered crash'

/** Boot a kernel with a real ramoops driver to its shell. @returns the job's id */
async function bootWithRamoops(t: Test, { lab, qemu, client }: Powered): Promise<string> {
  const { kernel, modules, version } = await ramoopsKernel()
  const ramdisk = await targetRamdisk({ loads: ['ramoops'], modules })
  const { id } = await submit(client, {
    kernel: lab.server.serve('vmlinuz', kernel),
    ramdisk: lab.server.serve('ramdisk', ramdisk),
    dtb: lab.server.serve('board.dtb', await lab.dtb()),
    cmdline: `${lab.cmdline} panic=1`,
  })
  await sawTarget(t, qemu, [`kernel ${version}`, `job ${id}`])
  qemu.console.send('root\n')
  await qemu.console.waitFor('# ', PATIENCE)
  qemu.console.send(`echo '${MARKER}' >/dev/kmsg; echo "marker ="$?\n`)
  await qemu.console.waitFor('marker =0', PATIENCE)
  return id
}

/**
 * A target panics on this kind of board, and the next first stage has its last words.
 *
 * @param resetter what resets the board: its firmware, which the kernel asks, or the reset button
 */
export async function keepLastWords(t: Test, name: string, resetter: 'firmware' | 'button'): Promise<void> {
  const lab = await Lab.open(t, name)
  const powered = await lab.atCountdown(t)
  const { qemu, client } = powered
  const id = await bootWithRamoops(t, powered)
  qemu.console.send('echo c >/proc/sysrq-trigger\n')
  await qemu.console.waitFor('Rebooting in 1 seconds', PATIENCE)
  if (resetter === 'button') await qemu.reset()
  await qemu.console.waitFor(`## fauxboot: the kernel of job ${id} died`, PATIENCE)
  await qemu.waitForAgent(PATIENCE)
  const job = await client.job(id)
  t.match(job, { state: 'failed', lastWords: { panic: PANIC }, error: { code: 'JOB_TARGET_PANIC' } })
  const log = await client.log(id)
  t.match(log, / booting\n/, 'what the agent did before the jump')
  t.match(log, `] ${MARKER}\n`)
  t.match(log, `] Kernel panic - not syncing: ${PANIC}\n`)
}
