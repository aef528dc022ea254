import { execFileSync } from 'node:child_process'
import { mkdir, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import t from 'tap'
import type { JobRecord } from '../../../../agent/boot/jobs/job-record.js'
import { JobStore } from '../../../../agent/boot/jobs/job-store.js'
import type { SimulatedKexec } from '../../../../agent/kexec/syscall/simulated-kexec.js'
import { zImage } from '../kexec/images.js'
import { eventsOf, Gate, IOMEM, jobOf, openBoard, statesOf } from './board-fixture.js'
import { body, failure, temporaryDirectory } from './fixture.js'

const JOB = jobOf({ kernel: { artifact: 'zImage' } })
const QUEUED = jobOf({ kernel: { artifact: 'zImage' }, options: { queue: true } })
const DRY = jobOf({ name: 'dry', kernel: { artifact: 'zImage' }, options: { dryRun: true } })

/** A kernel in which an earlier run of the agent has loaded an image. */
const withImage = (kexec: SimulatedKexec): SimulatedKexec => {
  kexec.kernel.image = { entry: 0x40008000, segments: [], flags: 0 }
  return kexec
}

t.test('a job that was under way when the agent died is failed, and never half done', async t => {
  const gate = new Gate()
  const board = await openBoard(t, {
    host: {
      iomem: async () => {
        await gate.pass()
        return IOMEM
      },
    },
  })
  await board.boot.artifacts.receive('zImage', body(zImage()))
  const { name } = await board.boot.artifacts.receiveForJob('dtb', body(Buffer.from('x')))
  const running = await board.boot.submit(JOB, 'http')
  await gate.entered
  const waiting = await board.boot.submit({ ...QUEUED, dtb: { artifact: name } }, 'http')
  // The agent dies here: what it wrote down is all that the next one knows.
  const { boot, logged, config } = await board.restart()
  for (const [{ id }, state] of [
    [running, 'planning'],
    [waiting, 'queued'],
  ] as const) {
    const view = boot.get(id)
    t.match(view, { state: 'failed', error: { code: 'JOB_INTERRUPTED', details: { id, state } } })
    const states = await statesOf(boot, id)
    t.same([states[0], states.at(-1)], ['queued', 'failed'])
    t.match(JSON.parse(await readFile(join(config.stateDir, `${id}.json`), 'utf8')), { view: { state: 'failed' } })
  }
  t.same(
    boot.list().map(({ id }) => id),
    [waiting.id, running.id],
  )
  t.same(await readdir(config.artifactDir), ['zImage'], 'files of jobs are gone, uploads are not')
  t.equal(logged.filter(line => line.startsWith('warn the job was under way')).length, 2)
  const next = await boot.submit(DRY, 'http')
  t.equal((await statesOf(boot, next.id)).at(-1), 'planned')
  gate.open()
})

t.test('an image that cannot be dropped after a restart does not stop the agent', async t => {
  const board = await openBoard(t)
  await board.boot.artifacts.receive('zImage', body(zImage()))
  const { id } = await board.boot.submit(DRY, 'http')
  await eventsOf(board.boot, id)
  await board.boot.close()
  const file = join(board.config.stateDir, `${id}.json`)
  await writeFile(file, (await readFile(file, 'utf8')).replaceAll('"planned"', '"loaded"'))
  const wrap = (kexec: SimulatedKexec): SimulatedKexec => {
    kexec.failNext('unload', 'EPERM')
    return withImage(kexec)
  }
  const { boot, logged } = await board.restart({ wrap })
  t.match(boot.get(id), { state: 'failed', error: { details: { state: 'loaded' } } })
  t.ok(logged.includes('error an image may still be loaded'))
})

t.test('a job that jumped is still booting for the next first stage', async t => {
  const board = await openBoard(t)
  await board.boot.artifacts.receive('zImage', body(zImage()))
  const { id } = await board.boot.submit(JOB, 'http')
  await board.kexec.jumped
  const { boot } = await board.restart({ host: { bootId: async () => 'the next boot' } })
  t.match(boot.get(id), { state: 'booting', error: null })
  t.match(boot.plan(id), { survivable: true })
  t.match(boot.log(id), / booting\n$/)
  t.equal((await eventsOf(boot, id)).at(-1)?.type, 'state')
  t.match(await failure(boot.cancel(id)), { code: 'JOB_ENDED' })
  t.match(boot.metrics(), { jobsActive: 0, jobsSubmitted: 0 })
})

t.test(
  'a job that was to jump when the agent died is failed, because the kernel that it would leave still runs',
  async t => {
    const board = await openBoard(t)
    await board.boot.artifacts.receive('zImage', body(zImage()))
    const { id } = await board.boot.submit(JOB, 'http')
    await board.kexec.jumped
    const { boot, kexec, config } = await board.restart({ wrap: withImage })
    t.match(boot.get(id), { state: 'failed', error: { code: 'JOB_INTERRUPTED', details: { id, state: 'booting' } } })
    t.match((await eventsOf(boot, id)).at(-1), { type: 'state', state: 'failed' })
    t.match(JSON.parse(await readFile(join(config.stateDir, `${id}.json`), 'utf8')), { view: { state: 'failed' } })
    t.equal(kexec.kernel.image, null)
  },
)

t.test('an image of a job that could not be written down is dropped too', async t => {
  const { kexec, logged } = await openBoard(t, { wrap: withImage })
  t.equal(kexec.kernel.image, null)
  t.same(logged, [])
})

t.test('a stopping agent waits for a job that is about to jump: its links may be down already', async t => {
  const gate = new Gate()
  const wrap = (kexec: SimulatedKexec): SimulatedKexec => ({ ...kexec, sync: () => gate.pass() })
  const { boot, kexec } = await openBoard(t, { wrap })
  await boot.artifacts.receive('zImage', body(zImage()))
  const { id } = await boot.submit(JOB, 'http')
  await gate.entered
  const closed = boot.close()
  t.notOk(kexec.calls.some(({ method }) => method === 'jump'))
  gate.open()
  await closed
  t.ok(kexec.calls.some(({ method }) => method === 'jump'))
  t.equal(boot.get(id).state, 'booting')
  await boot.close()
})

t.test('a stopping agent writes down that a jump came back', async t => {
  const gate = new Gate()
  const wrap = (kexec: SimulatedKexec): SimulatedKexec => ({ ...kexec, sync: () => gate.pass(), jump: async () => {} })
  const board = await openBoard(t, { wrap })
  await board.boot.artifacts.receive('zImage', body(zImage()))
  const { id } = await board.boot.submit(JOB, 'http')
  await gate.entered
  const closed = board.boot.close()
  gate.open()
  await closed
  await board.boot.settled(id)
  const { boot } = await board.restart()
  t.match(boot.get(id), { state: 'failed', error: { code: 'JUMP_RETURNED' } })
})

t.test('a stopping agent fails what runs and what waits, and refuses what comes', async t => {
  const gate = new Gate()
  const board = await openBoard(t, {
    host: {
      iomem: async () => {
        await gate.pass()
        return IOMEM
      },
    },
  })
  const { boot } = board
  await boot.artifacts.receive('zImage', body(zImage()))
  const running = await boot.submit(JOB, 'http')
  await gate.entered
  const waiting = await boot.submit(QUEUED, 'http')
  const closed = boot.close()
  gate.open()
  await closed
  for (const { id } of [running, waiting])
    t.match(boot.get(id), { state: 'failed', error: { code: 'JOB_INTERRUPTED' } })
  t.match(await failure(boot.submit(JOB, 'http')), { code: 'INTERNAL', message: /the agent is stopping/ })
  const again = await board.restart({ host: { iomem: async () => IOMEM } })
  t.match(again.boot.get(waiting.id), { state: 'failed', error: { details: { state: 'queued' } } })
})

t.test('files that are no jobs are moved aside, and stop nothing', async t => {
  const board = await openBoard(t)
  await board.boot.artifacts.receive('zImage', body(zImage()))
  const { id } = await board.boot.submit(DRY, 'http')
  await eventsOf(board.boot, id)
  await board.boot.close()
  const { stateDir } = board.config
  const good: JobRecord = JSON.parse(await readFile(join(stateDir, `${id}.json`), 'utf8'))
  const bad: Record<string, unknown> = {
    empty: '',
    half: JSON.stringify(good).slice(0, 100),
    list: [],
    version: { ...good, version: 2 },
    number: { ...good, number: 'one' },
    view: { ...good, view: null },
    id: good,
    state: { ...good, view: { ...good.view, id: 'state', state: 'lost' } },
    created: { ...good, view: { ...good.view, id: 'created', created: 5 } },
    request: { ...good, view: { ...good.view, id: 'request', request: [] } },
    artifacts: { ...good, view: { ...good.view, id: 'artifacts', artifacts: [null] } },
    plan: { ...good, plan: 'x', view: { ...good.view, id: 'plan' } },
    events: { ...good, events: [{ seq: 1, type: 'state' }], view: { ...good.view, id: 'events' } },
    huge: { ...good, view: { ...good.view, id: 'huge', name: 'x'.repeat(17 * 1024 * 1024) } },
  }
  for (const [name, value] of Object.entries(bad)) {
    await writeFile(join(stateDir, `${name}.json`), typeof value === 'string' ? value : JSON.stringify(value))
  }
  await mkdir(join(stateDir, 'folder.json'))
  await writeFile(join(stateDir, 'half-written.json.tmp'), 'x')
  await writeFile(join(stateDir, 'not a job.txt'), 'x')
  const { boot, logged } = await board.restart()
  t.same(
    boot.list().map(job => job.id),
    [id],
  )
  t.match(boot.get(id), { state: 'planned', name: 'dry' })
  const left = (await readdir(stateDir)).filter(name => !name.endsWith('.corrupt'))
  t.same(left.sort(), [`${id}.json`, 'not a job.txt'].sort())
  t.equal((await readdir(stateDir)).length, left.length + Object.keys(bad).length + 1)
  t.equal(logged.filter(line => line === 'warn moved aside: it is not a job').length, Object.keys(bad).length + 1)
})

t.test('as many ended jobs are remembered as the setting says', async t => {
  const board = await openBoard(t, { config: { keptJobs: 2 } })
  const { boot, config } = board
  await boot.artifacts.receive('zImage', body(zImage()))
  const ids: string[] = []
  for (let i = 0; i < 4; i++) {
    const { id } = await boot.submit(DRY, 'http')
    await eventsOf(boot, id)
    ids.push(id)
  }
  await boot.close()
  t.same(
    boot.list().map(({ id }) => id),
    ids.slice(2).reverse(),
  )
  t.same(
    (await readdir(config.stateDir)).sort(),
    ids
      .slice(2)
      .map(id => `${id}.json`)
      .sort(),
  )
  const again = await board.restart({ config: { keptJobs: 1 } })
  t.same(
    again.boot.list().map(({ id }) => id),
    ids.slice(3),
    'the number is that of the order, not of the clock',
  )
})

t.test('a directory of artifacts that cannot be used is named with its setting', async t => {
  const directory = await temporaryDirectory(t)
  await writeFile(join(directory, 'file'), '')
  const config = { stateDir: join(directory, 'state'), artifactDir: join(directory, 'file', 'x') }
  const details = { name: 'artifactDir', reason: /ENOTDIR/ }
  t.match(await failure(openBoard(t, { config })), { code: 'CONFIG_INVALID', details })
})

t.test('a board without a directory for its jobs boots them, and says that it does not remember them', async t => {
  const directory = await temporaryDirectory(t)
  await writeFile(join(directory, 'file'), '')
  const config = { stateDir: join(directory, 'file', 'x'), artifactDir: join(directory, 'a') }
  const { boot, logged } = await openBoard(t, { config })
  t.same(logged, ['error jobs may not be remembered'])
  await boot.artifacts.receive('zImage', body(zImage()))
  const { id } = await boot.submit(DRY, 'http')
  t.equal((await statesOf(boot, id)).at(-1), 'planned')
})

t.test('FIFOs and directories in place of files hang nothing, and are moved out of the way', async t => {
  const directory = await temporaryDirectory(t)
  const config = { stateDir: join(directory, 'state'), artifactDir: join(directory, 'a') }
  for (const folder of [config.stateDir, config.artifactDir]) {
    await mkdir(join(folder, 'folder.json'), { recursive: true })
    await mkdir(join(folder, 'half.json.tmp', 'full'), { recursive: true })
    execFileSync('mkfifo', [join(folder, 'fifo.json'), join(folder, 'half-fifo.json.tmp')])
  }
  const { boot, logged } = await openBoard(t, { config })
  t.same(logged, ['warn moved aside: it is not a job', 'warn moved aside: it is not a job'])
  t.same((await readdir(config.stateDir)).sort(), ['fifo.json.corrupt', 'folder.json.corrupt'])
  t.same(await readdir(config.artifactDir), [])
  t.same(boot.list(), [])
})

t.test('a name in the directory that cannot be cleaned up costs one message', async t => {
  const directory = await temporaryDirectory(t)
  const config = { stateDir: join(directory, 'state'), artifactDir: join(directory, 'a') }
  await mkdir(join(config.stateDir, 'bad.json.corrupt', 'full'), { recursive: true })
  await writeFile(join(config.stateDir, 'bad.json'), 'no job')
  const { logged } = await openBoard(t, { config })
  t.same(logged, ['error jobs may not be remembered'])
})

t.test('a record that cannot be replaced is removed, because it shows a state that the job has left', async t => {
  const { boot, config } = await openBoard(t)
  await boot.artifacts.receive('zImage', body(zImage()))
  const { id } = await boot.submit(DRY, 'http')
  await eventsOf(boot, id)
  await boot.close()
  const { store, records } = await JobStore.open(config.stateDir)
  const [record] = records
  if (record === undefined) throw new Error('nothing was saved')
  const path = join(config.stateDir, `${id}.json`)
  await rm(path)
  await mkdir(join(path, 'full'), { recursive: true })
  await store.save(record)
  t.match(JSON.parse(await readFile(path, 'utf8')), { view: { id, state: 'planned' } })
})

t.test('a state directory that is gone is no reason for a job to fail', async t => {
  const { boot, config, logged } = await openBoard(t, { config: { keptJobs: 1 } })
  await boot.artifacts.receive('zImage', body(zImage()))
  await rm(config.stateDir, { recursive: true })
  await writeFile(config.stateDir, 'a file in its place')
  const ids: string[] = []
  for (let i = 0; i < 2; i++) {
    const { id } = await boot.submit(DRY, 'http')
    await eventsOf(boot, id)
    ids.push(id)
  }
  await boot.close()
  t.equal(boot.get(ids[1] ?? '').state, 'planned')
  t.equal((await failure((async () => boot.get(ids[0] ?? ''))())).code, 'JOB_UNKNOWN')
  t.ok(logged.includes('error the job could not be written down'))
  t.ok(logged.includes('error the job could not be removed'))
})
