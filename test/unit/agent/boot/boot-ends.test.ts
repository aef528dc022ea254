import { existsSync } from 'node:fs'
import { open, readdir, readFile, writeFile } from 'node:fs/promises'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import { setTimeout as pause } from 'node:timers/promises'
import t, { type Test } from 'tap'
import type { Boot } from '../../../../agent/boot/boot.js'
import { attempt } from '../../../../agent/boot/pipeline/jump.js'
import type { SimulatedKexec } from '../../../../agent/kexec/syscall/simulated-kexec.js'
import { cpio, zImage } from '../kexec/images.js'
import {
  type BoardChanges,
  DTB,
  eventsOf,
  Gate,
  IOMEM,
  jobOf,
  openBoard,
  reaches,
  statesOf,
  type TestBoard,
} from './board-fixture.js'
import { body, failure } from './fixture.js'

const KERNEL = zImage()
const JOB = jobOf({ kernel: { artifact: 'zImage' } })
const QUEUED = jobOf({ kernel: { artifact: 'zImage' }, options: { queue: true } })
const DRY = jobOf({ kernel: { artifact: 'zImage' }, options: { dryRun: true } })

async function boardWithKernel(t: Test, changes: BoardChanges = {}): Promise<TestBoard> {
  const board = await openBoard(t, changes)
  await board.boot.artifacts.receive('zImage', body(KERNEL))
  return board
}

/** The fake kernel with some calls replaced. */
const withCalls =
  (calls: (kexec: SimulatedKexec) => Partial<SimulatedKexec>) =>
  (kexec: SimulatedKexec): SimulatedKexec => ({ ...kexec, ...calls(kexec) })

/** A host that can be held at its memory map, where planning begins. */
function heldPlanning(): { readonly gate: Gate; readonly host: BoardChanges['host'] } {
  const gate = new Gate()
  let held = false
  const iomem = async (): Promise<string> => {
    if (!held) {
      held = true
      await gate.pass()
    }
    return IOMEM
  }
  return { gate, host: { iomem } }
}

/** Cancel a job that waits at a gate, and see that nothing is left of it. */
async function cancelAt(t: Test, board: TestBoard, id: string, state: string, gate?: Gate): Promise<void> {
  const { boot, kexec, config } = board
  t.equal(boot.get(id).state, state)
  const cancelled = boot.cancel(id)
  gate?.open()
  t.match(await cancelled, { state: 'cancelled', error: { code: 'JOB_CANCELLED', details: { id, state } } })
  t.equal((await statesOf(boot, id)).at(-1), 'cancelled')
  t.equal(kexec.kernel.image, null, 'nothing is loaded')
  t.same(
    (await readdir(config.artifactDir)).filter(name => name.startsWith('.')),
    [],
    'no file of the job is left',
  )
  const next = await boot.submit(DRY, 'http')
  await eventsOf(boot, next.id)
  t.equal(boot.get(next.id).state, 'planned', 'the board is free at once')
  t.match(await failure(boot.cancel(id)), { code: 'JOB_ENDED', details: { state: 'cancelled' } })
}

t.test('a job is cancelled while it is fetched', async t => {
  const board = await boardWithKernel(t)
  const server = createServer((_request, response) => {
    response.writeHead(200, { 'content-length': 1000 })
    response.write('the beginning')
  })
  await new Promise<void>(resolve => server.listen({ port: 0, host: '127.0.0.1' }, resolve))
  t.teardown(() => {
    server.closeAllConnections()
    server.close()
  })
  const { port } = server.address() as AddressInfo
  const { id } = await board.boot.submit(jobOf({ kernel: `http://127.0.0.1:${port}/` }), 'http')
  for await (const event of board.boot.events(id, 0)) if (event.type === 'progress') break
  await cancelAt(t, board, id, 'fetching')
})

t.test('a job is cancelled while its files are unpacked', async t => {
  const gate = new Gate()
  let held = false
  const mapFile = async (path: string): Promise<Uint8Array> => {
    if (!held) {
      held = true
      await gate.pass()
    }
    return readFile(path)
  }
  const board = await boardWithKernel(t, { deps: { mapFile } })
  const { id } = await board.boot.submit(JOB, 'http')
  await gate.entered
  await cancelAt(t, board, id, 'verifying', gate)
})

t.test('a job is cancelled while it is planned', async t => {
  const { gate, host } = heldPlanning()
  const board = await boardWithKernel(t, { host })
  const { id } = await board.boot.submit(JOB, 'http')
  await gate.entered
  await cancelAt(t, board, id, 'planning', gate)
})

t.test('a job is cancelled while it is loaded: what was loaded is dropped', async t => {
  const gate = new Gate()
  const load = withCalls(kexec => ({
    load: async (...args) => {
      await kexec.load(...args)
      await gate.pass()
    },
  }))
  const board = await boardWithKernel(t, { wrap: load })
  const { id } = await board.boot.submit(JOB, 'http')
  await gate.entered
  t.not(board.kexec.kernel.image, null)
  await cancelAt(t, board, id, 'planning', gate)
})

t.test('a job is cancelled when it is loaded, until the last moment before the jump', async t => {
  const gate = new Gate()
  let asked = 0
  const links = async () => {
    // The first question is that of the preflight, the second that of the jump.
    if (++asked === 2) await gate.pass()
    return []
  }
  const board = await boardWithKernel(t, { host: { links } })
  const { id } = await board.boot.submit(JOB, 'http')
  await gate.entered
  await cancelAt(t, board, id, 'loaded', gate)
  t.notOk(board.kexec.calls.some(({ method }) => method === 'jump'))
})

t.test('a job is cancelled while it waits for the board', async t => {
  const { gate, host } = heldPlanning()
  const { boot } = await boardWithKernel(t, { host })
  const first = await boot.submit(DRY, 'http')
  await gate.entered
  const { name } = await boot.artifacts.receiveForJob('ramdisk', body(cpio()))
  const second = await boot.submit({ ...QUEUED, ramdisk: { artifact: name } }, 'http')
  t.match(await boot.cancel(second.id), { state: 'cancelled', error: { details: { state: 'queued' } } })
  t.equal((await failure(boot.artifacts.bytes(name))).code, 'ARTIFACT_UNKNOWN')
  gate.open()
  t.equal((await statesOf(boot, first.id)).at(-1), 'planned')
})

t.test('a job that has jumped or ended cannot be cancelled, and one that never was is unknown', async t => {
  const { boot } = await boardWithKernel(t)
  const { id } = await boot.submit(JOB, 'http')
  await eventsOf(boot, id)
  t.match(await failure(boot.cancel(id)), { code: 'JOB_ENDED', details: { id, state: 'booting' } })
  t.equal((await failure(boot.cancel('none'))).code, 'JOB_UNKNOWN')
  for (const call of [
    () => boot.get('none'),
    () => boot.events('none', 0),
    () => boot.log('none'),
    () => boot.plan('none'),
  ]) {
    t.throws(call, { code: 'JOB_UNKNOWN' })
  }
})

t.test('one job owns the board; others are refused with its id, or wait in order', async t => {
  const { gate, host } = heldPlanning()
  const { boot } = await boardWithKernel(t, { host })
  const first = await boot.submit(DRY, 'http')
  await gate.entered
  t.match(await failure(boot.submit(JOB, 'http')), { code: 'JOB_BUSY', details: { owner: first.id } })
  const second = await boot.submit({ ...QUEUED, options: { ...QUEUED.options, dryRun: true } }, 'http')
  const third = await boot.submit(QUEUED, 'http')
  t.equal((await failure(boot.submit(QUEUED, 'http'))).code, 'JOB_BUSY', 'the queue has its end')
  t.match(await boot.board(), { owner: first.id, queued: [second.id, third.id] })
  t.match(boot.metrics(), { jobsQueued: 2, jobsActive: 1, jobsSubmitted: 3 })
  t.same(
    boot.list().map(({ id }) => id),
    [third.id, second.id, first.id],
    'the newest first',
  )
  gate.open()
  t.equal((await statesOf(boot, third.id)).at(-1), 'booting')
  t.equal(boot.get(second.id).state, 'planned')
  t.equal(boot.get(first.id).state, 'planned')
})

t.test('who hears of the end of a job may submit the next one at once', async t => {
  const { boot } = await boardWithKernel(t)
  for (let i = 0; i < 5; i++) {
    const { id } = await boot.submit(DRY, 'http')
    await reaches(boot, id, 'planned')
  }
  t.equal(boot.metrics().jobsEnded.planned, 5)
})

t.test('a load that fails leaves nothing loaded, and tells the call', async t => {
  const { boot, kexec } = await boardWithKernel(t)
  kexec.failNext('load', 'EINVAL')
  const { id } = await boot.submit(JOB, 'http')
  t.equal((await statesOf(boot, id)).at(-1), 'failed')
  t.match(boot.get(id).error, { code: 'KEXEC_SYSCALL', message: /kexec_load.*EINVAL/ })
  t.same(
    kexec.calls.map(({ method }) => method),
    ['unload', 'load', 'unload'],
  )
  const again = await boot.submit(JOB, 'http')
  t.equal((await statesOf(boot, again.id)).at(-1), 'booting')
})

t.test('a load that the kernel does not confirm is a failure', async t => {
  const { boot } = await boardWithKernel(t, { wrap: withCalls(() => ({ loaded: async () => false })) })
  const { id } = await boot.submit(JOB, 'http')
  await eventsOf(boot, id)
  t.match(boot.get(id).error, { code: 'KEXEC_ARGUMENT', message: /kernel reports that nothing is loaded/ })
})

t.test('an unload that fails too hides nothing', async t => {
  const { boot, kexec } = await boardWithKernel(t, {
    wrap: withCalls(kexec => ({
      load: async () => {
        kexec.failNext('unload', 'EBUSY')
        throw new Error('no')
      },
    })),
  })
  const { id } = await boot.submit(JOB, 'http')
  await eventsOf(boot, id)
  t.match(boot.get(id).error, { code: 'INTERNAL', message: 'internal error while the job was planning: no' })
  t.match(boot.log(id), /error: the image may still be loaded: .*EBUSY/)
  t.equal(kexec.calls.length, 2)
})

t.test('bytes that changed after they were verified are not loaded', async t => {
  // Somebody else writes to the file when the job has verified it, and maps it.
  const mapFile = async (path: string): Promise<Uint8Array> => {
    const bytes = await readFile(path)
    bytes[bytes.length - 1] = 0xa5
    // The kernel's clock ticks every 4 ms.
    await pause(20)
    await writeFile(path, bytes)
    return bytes
  }
  const { boot, kexec } = await boardWithKernel(t, { deps: { mapFile } })
  const { id } = await boot.submit(JOB, 'http')
  await eventsOf(boot, id)
  t.match(boot.get(id).error, { code: 'VERIFY_SHA256', message: /kernel in memory: expected sha256/ })
  t.equal(kexec.calls.length, 0)
})

t.test('a jump that returns is an error that names the lost links', async t => {
  const { boot, kexec } = await boardWithKernel(t)
  kexec.failNext('jump', 'EINVAL')
  const { id } = await boot.submit(JOB, 'http')
  await eventsOf(boot, id)
  const later = await boot.submit({ ...QUEUED, options: { ...QUEUED.options, dryRun: true } }, 'http')
  await eventsOf(boot, later.id)
  t.match(boot.get(id), {
    state: 'failed',
    error: { code: 'JUMP_RETURNED', message: /EINVAL.*; eth0 cannot be brought up again from here; reset the board/ },
  })
  t.same((await statesOf(boot, id)).slice(-2), ['booting', 'failed'])
  t.equal(kexec.kernel.image, null, 'a stray reboot must not start it')
})

t.test('a jump that returns without an error is an error, too', async t => {
  const returned = withCalls(() => ({ jump: async () => {} }))
  const { boot } = await boardWithKernel(t, { wrap: returned, config: { keepLinksUp: ['*'] } })
  const { id } = await boot.submit(JOB, 'http')
  await reaches(boot, id, 'booting')
  const later = await boot.submit({ ...QUEUED, options: { ...QUEUED.options, dryRun: true } }, 'http')
  await eventsOf(boot, later.id)
  t.match(boot.get(id).error, { code: 'JUMP_RETURNED', details: { reason: 'reboot(2) returned without an error' } })
})

t.test('what is not vital is tried before the jump, and its failure told', async t => {
  const { boot, kexec, logged } = await boardWithKernel(t)
  kexec.failNext('sync', new Error('the disk is gone'))
  kexec.failNext('linkDown', 'ENODEV')
  const { id } = await boot.submit(JOB, 'http')
  await kexec.jumped
  t.match(boot.log(id), /warning: sync: the disk is gone; going on\n.*warning: link eth0 down: .*ENODEV.*; going on/)
  t.equal(logged.filter(line => line === 'warn not done before the jump').length, 2)
})

t.test('parts of a file are booted where they lie, and the file outlives the job', async t => {
  const memory = join(t.testdir(), 'memory')
  const file = await open(memory, 'w')
  await file.write(KERNEL, 0, KERNEL.length, 0x4200_0010)
  await file.write(DTB, 0, DTB.length, 0x4300_0000)
  await file.close()
  const { boot, kexec } = await openBoard(t)
  const part = (offset: number, size: number) => ({ part: { path: memory, offset, size } })
  const options = { dryRun: false, force: false, queue: false }
  const pieces = { kernel: part(0x4200_0010, KERNEL.length), dtb: part(0x4300_0000, DTB.length), overlays: [] }
  const { id } = await boot.submit({ ...pieces, cmdline: 'console=ttyAMA0', options }, 'console')
  const image = await kexec.jumped
  t.ok(Buffer.from(KERNEL).equals(image.segments[0]?.buffer ?? Buffer.alloc(0)))
  t.equal(boot.get(id).artifacts[0]?.source, `${memory}: ${KERNEL.length} bytes at 0x42000010`)
  t.ok(existsSync(memory))
})

t.test('connections are hung up when their clients have heard of the jump, before any link goes down', async t => {
  const order: string[] = []
  const { boot, kexec } = await boardWithKernel(t, {
    deps: { hangUp: () => void order.push('hang up') },
    wrap: withCalls(fake => ({
      linkDown: async ifname => {
        order.push(`${ifname} down`)
        await fake.linkDown(ifname)
      },
    })),
  })
  const { id } = await boot.submit(JOB, 'http')
  await eventsOf(boot, id)
  order.push('told')
  await kexec.jumped
  t.same(order, ['told', 'hang up', 'eth0 down'])
})

t.test('a storage that hangs does not keep the target from starting', async t => {
  const said: string[] = []
  const complain = (problem: string): number => said.push(problem)
  const hangs = (): Promise<never> => new Promise(() => {})
  await attempt(complain, 'sync', hangs, 5)
  await attempt(complain, 'sync', () => Promise.reject('words'), 5)
  t.same(said, ['sync: not done after 0.005 s', 'sync: words'])
})

t.test('links that are to be kept stay up', async t => {
  for (const [keepLinksUp, down] of [
    [['*'], []],
    [['eth0'], []],
    [['eth1'], ['eth0']],
  ] as const) {
    const { boot, kexec } = await boardWithKernel(t, { config: { keepLinksUp } })
    await boot.submit(JOB, 'http')
    await kexec.jumped
    t.same(
      kexec.calls.flatMap(call => (call.method === 'linkDown' ? [call.ifname] : [])),
      down,
    )
  }
})

t.test("files that cannot be removed are the log's matter, not the job's", async t => {
  const { boot, logged } = await boardWithKernel(t)
  const { releaseAll } = boot.artifacts
  boot.artifacts.releaseAll = async () => {
    throw new Error('EIO')
  }
  const { id } = await boot.submit(DRY, 'http')
  await eventsOf(boot, id)
  boot.artifacts.releaseAll = releaseAll
  t.equal(boot.get(id).state, 'planned')
  t.ok(logged.includes('error files of the job could not be removed'))
})

t.test('memory is collected when a job gives its files back', async t => {
  let collected = 0
  const { boot }: { boot: Boot } = await boardWithKernel(t, { deps: { collectGarbage: async () => void collected++ } })
  const { id } = await boot.submit(DRY, 'http')
  await eventsOf(boot, id)
  t.equal(collected, 1)
})
