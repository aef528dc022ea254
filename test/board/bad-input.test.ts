import { readFile } from 'node:fs/promises'
import t, { type Test } from 'tap'
import type { JobState } from '../../agent/boot/jobs/job.js'
import { debianKernel } from '../../systemd/target/debian-kernel.js'
import { targetRamdisk } from '../../systemd/target/target-ramdisk.js'
import { followStates, Lab, type Powered, sawTarget, submit } from './lab.js'

/** Jobs that cannot be booted: what is wrong with them, and the error that says so. */
type Files = Record<'kernel' | 'ramdisk' | 'dtb', string>
type BadJob = (lab: Lab, good: Files, kernel: Uint8Array) => object

const BAD_JOBS: readonly (readonly [title: string, code: string, job: BadJob])[] = [
  [
    'a truncated kernel',
    'FORMAT_TRUNCATED',
    (lab, good, kernel) => ({ ...good, kernel: lab.server.serve('half', kernel.subarray(0, kernel.length / 2)) }),
  ],
  [
    'a kernel with no magic that is known',
    'FORMAT_UNSUPPORTED',
    (lab, good) => ({ ...good, kernel: lab.server.serve('noise', Buffer.alloc(1 << 20, 'noise')) }),
  ],
  [
    'a kernel that is not the one of its digest',
    'VERIFY_SHA256',
    (_, good) => ({ ...good, kernel: { url: good.kernel, sha256: '0'.repeat(64) } }),
  ],
  ['a dtb that is none', 'FORMAT_MAGIC', (_, good) => ({ ...good, dtb: good.kernel })],
  ['a URL that is not there', 'FETCH_STATUS', (lab, good) => ({ ...good, ramdisk: lab.server.urlOf('nowhere') })],
  ['a server that stalls', 'FETCH_STALLED', (lab, good) => ({ ...good, ramdisk: lab.server.stall('stalling') })],
  [
    'a ramdisk larger than memory',
    'ARTIFACT_TOO_LARGE',
    (lab, good) => ({ ...good, ramdisk: lab.server.promise('huge', 2 ** 31) }),
  ],
]

/** A job that failed leaves nothing behind. */
async function isBootable(t: Test, { client }: Powered): Promise<void> {
  const board = await client.board()
  t.equal(board.kexec.loaded, false, 'nothing is loaded')
  t.equal(board.owner, null, 'nobody owns the board')
}

t.test('bad input ends in a clear error, and the board can still boot', async t => {
  const lab = await Lab.open(t, 'virt')
  const powered = await lab.powerOn(t, {}, { fetchStallSeconds: 2, fetchRetries: 1 })
  const { client, qemu } = powered
  const { kernel } = await debianKernel('trixie')
  const good: Files = {
    kernel: lab.server.serve('vmlinuz', kernel),
    ramdisk: lab.server.serve('ramdisk', await targetRamdisk()),
    dtb: lab.server.serve('dtb', await lab.dtb()),
  }
  const kernelBytes = await readFile(kernel)

  for (const [title, code, job] of BAD_JOBS) {
    await t.test(`${title} ends the job with ${code}`, async t => {
      const { id } = await submit(client, { ...job(lab, good, kernelBytes), cmdline: lab.cmdline })
      t.equal((await followStates(client, id)).at(-1), 'failed')
      const { error } = await client.job(id)
      t.equal(error?.code, code, error?.message ?? 'no error')
      await isBootable(t, powered)
    })
  }

  const large = lab.server.serve('large', await targetRamdisk({ sizeMiB: 100 }))
  for (const wanted of ['fetching', 'verifying', 'planning'] satisfies JobState[]) {
    await t.test(`a job is cancelled while ${wanted}`, async t => {
      const { id } = await submit(client, { ...good, ramdisk: { url: large }, cmdline: lab.cmdline })
      for await (const event of client.events(id)) {
        if (event.type === 'state' && event.state === wanted) await client.cancel(id)
      }
      t.equal((await client.job(id)).state, 'cancelled')
      await isBootable(t, powered)
    })
  }

  await t.test('a job is cancelled while it waits for another', async t => {
    const first = await submit(client, { ...good, ramdisk: lab.server.stall('first'), cmdline: lab.cmdline })
    const second = await submit(client, { ...good, cmdline: lab.cmdline, options: { queue: true } })
    t.equal((await client.job(second.id)).state, 'queued')
    await client.cancel(second.id)
    t.equal((await client.job(second.id)).state, 'cancelled')
    await client.cancel(first.id)
    await isBootable(t, powered)
  })

  await t.test('after all that, a good job boots', async t => {
    const { id } = await submit(client, { ...good, cmdline: lab.cmdline })
    await sawTarget(t, qemu, [`job ${id}`])
  })
})
