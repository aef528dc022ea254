/**
 * A job pushed over TFTP, from this machine into the board. TFTP answers from a port of its own, which QEMU's user network
 * has no forward for; it needs none: what the board sends to a client's address and port leaves QEMU from a new port on
 * this machine's loopback, and what the client sends there goes back to the board's. So transfers look as on a wire.
 */

import { execFile } from 'node:child_process'
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { promisify } from 'node:util'
import t from 'tap'
import { debianKernel } from '../../systemd/target/debian-kernel.js'
import { targetRamdisk } from '../../systemd/target/target-ramdisk.js'
import { followStates, Lab, sawTarget } from './lab.js'

const run = promisify(execFile)

/** What fits Ethernet: larger blocks are fragments, one of which is lost easily. */
const BLOCKS = ['--tftp-blksize', '1468']

t.test("orangepi-pc: Debian 13's kernel is pushed with curl over TFTP, and boots to a prompt", async t => {
  const lab = await Lab.open(t, 'orangepi-pc')
  const { qemu, client } = await lab.atCountdown(t)
  const port = await qemu.forwardUdp(69)
  const name = (file: string): string => `tftp://127.0.0.1:${port}/nightly/${file}`
  const curl = (...args: string[]) => run('curl', ['--silent', '--show-error', ...BLOCKS, ...args])
  const put = (file: string, local: string) => curl('--upload-file', local, name(file))
  const get = async (file: string): Promise<string> => (await curl(name(file))).stdout

  const directory = t.testdir()
  const describe = async (file: string, content: string): Promise<string> => {
    const path = join(directory, file)
    await writeFile(path, content)
    return path
  }
  const { kernel, version } = await debianKernel('trixie')
  const push = async (): Promise<void> => {
    await put('kernel', kernel)
    await put('ramdisk', await targetRamdisk())
    await put('dtb', await lab.dtb())
  }

  await push()
  const dry = JSON.stringify({ cmdline: lab.cmdline, options: { dryRun: true } })
  await put('job.json', await describe('job.json', dry))
  const planned = JSON.parse(await get('status.json'))
  t.equal((await followStates(client, planned.id)).at(-1), 'planned', 'a dry run')
  t.match(JSON.parse(await get('status.json')), { name: 'nightly', state: 'planned', origin: 'tftp' })
  t.match(await get('log'), /planned\n$/)
  t.match(await get('plan.svg'), /^<svg/)
  t.ok(JSON.parse(await get('plan.json')))

  await push()
  const script = `setenv bootargs ${lab.cmdline}\nbootz \${kernel_addr_r} \${ramdisk_addr_r} \${fdt_addr_r}\n`
  const seen = sawTarget(t, qemu, [`kernel ${version}`, `cmdline ${lab.cmdline}`])
  await put('boot.scr', await describe('boot.scr', script))
  const { id } = JSON.parse(await get('status.json'))
  t.match(id, /^[0-9a-f]{10}$/)
  await seen
  t.match(qemu.console.transcript, `job ${id}`)
})
