/** The agent dies when its job needs nothing but the jump. */

import t from 'tap'
import { debianKernel } from '../../systemd/target/debian-kernel.js'
import { targetRamdisk } from '../../systemd/target/target-ramdisk.js'
import { interrupt } from '../board/console-suite.js'
import { Lab, PATIENCE, sawTarget, submit } from '../board/lab.js'
import { observedAtCountdown } from '../board/observed-board.js'

const LOADED = '/sys/kernel/kexec_loaded'

t.test('virt: an agent that is ended while a job is loaded comes back with nothing loaded', async t => {
  const lab = await Lab.open(t, 'virt')
  const { client, qemu, shell } = await observedAtCountdown(t, lab)
  await interrupt(qemu.console)
  const job = {
    kernel: lab.server.serve('vmlinuz', (await debianKernel('trixie')).kernel),
    ramdisk: lab.server.serve('ramdisk', await targetRamdisk()),
    dtb: lab.server.serve('dtb', await lab.dtb()),
    cmdline: lab.cmdline,
  }

  for (const signal of ['KILL', 'TERM'] as const) {
    await t.test(`SIG${signal}: the job has failed, and the console is at its prompt again`, async t => {
      const { id } = await submit(client, job)
      for await (const event of client.events(id)) {
        if (event.type === 'state' && event.state === 'loaded') break
      }
      const pid = '$(systemctl show -P MainPID fauxboot-agent)'
      t.equal(await shell.run(`cat ${LOADED}; kill -${signal} ${pid}`), '1', 'it was loaded')
      await interrupt(qemu.console)
      await qemu.waitForAgent(PATIENCE)
      t.equal(await shell.run(`cat ${LOADED}`), '0', 'nothing is loaded')
      t.match(await client.job(id), { state: 'failed', error: { code: 'JOB_INTERRUPTED' } })
      const { owner, kexec } = await client.board()
      t.same([owner, kexec.loaded], [null, false])
    })
  }

  const { id } = await submit(client, job)
  await sawTarget(t, qemu, [`job ${id}`])
})
