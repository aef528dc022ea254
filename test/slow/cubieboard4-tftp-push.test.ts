import { execFile } from 'node:child_process'
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { promisify } from 'node:util'
import t from 'tap'
import { debianKernel } from '../../systemd/target/debian-kernel.js'
import { Lab, sawTarget } from '../board/lab.js'

const run = promisify(execFile)

t.test('cubieboard4: a job pushed over TFTP', async t => {
  const lab = await Lab.open(t, 'cubieboard4')
  const powered = await lab.atCountdown(t)
  const port = await powered.qemu.forwardUdp(69)
  const put = (file: string, local: string) =>
    run('curl', [
      ...['--silent', '--show-error', '--tftp-blksize', '1468', '--upload-file', local],
      `tftp://127.0.0.1:${port}/a80/${file}`,
    ])
  await put('kernel', (await debianKernel('trixie')).kernel)
  await put('ramdisk', await lab.ramdisk())
  await put('dtb', await lab.dtb())
  const job = join(t.testdir(), 'job.json')
  await writeFile(job, JSON.stringify({ cmdline: lab.cmdline }))
  const seen = sawTarget(t, powered.qemu, [/job [0-9a-f]{10}/])
  await put('job.json', job)
  await seen
})
