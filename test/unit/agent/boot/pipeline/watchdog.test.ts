import t, { type Test } from 'tap'
import type { WatchdogView } from '../../../../../agent/boot/board/board.js'
import { FedWatchdog } from '../../../../../agent/boot/pipeline/watchdog.js'
import { zImage } from '../../kexec/images.js'
import { type BoardChanges, eventsOf, jobOf, openBoard, type TestBoard } from '../board-fixture.js'
import { body } from '../fixture.js'

const dog: WatchdogView = {
  name: 'watchdog0',
  identity: 'sunxi-wdt',
  state: 'inactive',
  timeout: 16,
  maxTimeout: 16,
  stopsOnReboot: false,
  nowayout: false,
}

/** A board with a kernel and, unless changed, one watchdog. */
async function boardWithWatchdog(
  t: Test,
  watchdogs: readonly WatchdogView[] = [dog],
  config: BoardChanges['config'] = {},
): Promise<TestBoard> {
  const board = await openBoard(t, { host: { watchdogs: async () => watchdogs }, config })
  await board.boot.artifacts.receive('zImage', body(zImage()))
  return board
}

const jobWith = (options: object) => jobOf({ kernel: { artifact: 'zImage' }, options })
const methodsOf = ({ kexec }: TestBoard): string[] => kexec.calls.map(({ method }) => method)

t.test('the watchdog is armed before the links go down, and fed for the last time just before the jump', async t => {
  const board = await boardWithWatchdog(t)
  const { id } = await board.boot.submit(jobWith({ watchdog: 10 }), 'http')
  await board.kexec.jumped
  const methods = methodsOf(board)
  t.match(
    board.kexec.calls.find(({ method }) => method === 'armWatchdog'),
    { device: '/dev/watchdog0', seconds: 10 },
  )
  t.ok(methods.indexOf('load') < methods.indexOf('armWatchdog'))
  t.ok(methods.indexOf('armWatchdog') < methods.indexOf('linkDown'))
  t.same(methods.slice(-2), ['feed', 'jump'])
  t.notOk(methods.includes('disarm'))
  t.match(
    board.boot.log(id),
    /info: watchdog0 is armed before the jump: .* within 10 s\n(.*\n)*.* watchdog0 is armed with 10 s\n/,
  )
})

t.test("the board's setting arms it for jobs that do not say, and a job may do without", async t => {
  const board = await boardWithWatchdog(t, [dog], { watchdog: 16 })
  await board.boot.submit(jobWith({}), 'http')
  await board.kexec.jumped
  t.match(
    board.kexec.calls.find(({ method }) => method === 'armWatchdog'),
    { seconds: 16 },
  )
  t.match((await board.boot.board()).findings, [{ check: 'links-stop' }, { check: 'watchdog-armed', severity: 'info' }])
  const without = await boardWithWatchdog(t, [dog], { watchdog: 16 })
  await without.boot.submit(jobWith({ watchdog: 0 }), 'http')
  await without.kexec.jumped
  t.notOk(methodsOf(without).includes('armWatchdog'))
})

t.test('of two watchdogs, the one that another program has opened is left alone', async t => {
  const board = await boardWithWatchdog(t, [
    { ...dog, state: 'active' },
    { ...dog, name: 'watchdog1' },
  ])
  await board.boot.submit(jobWith({ watchdog: 10 }), 'http')
  await board.kexec.jumped
  t.match(
    board.kexec.calls.find(({ method }) => method === 'armWatchdog'),
    { device: '/dev/watchdog1' },
  )
})

t.test('a job whose watchdog cannot be had fails before anything is loaded', async t => {
  const cases: readonly (readonly [string, readonly WatchdogView[], RegExp])[] = [
    ['no watchdog', [], /the board has no watchdog/],
    ['a timeout beyond what it allows', [{ ...dog, maxTimeout: 8 }], /watchdog0 allows at most 8 s/],
    ['one that the kernel stops', [{ ...dog, stopsOnReboot: null }], /watchdog\.stop_on_reboot=0/],
  ]
  for (const [name, watchdogs, message] of cases) {
    const board = await boardWithWatchdog(t, watchdogs)
    const { id } = await board.boot.submit(jobWith({ watchdog: 10 }), 'http')
    await eventsOf(board.boot, id)
    t.match(board.boot.get(id).error, { code: 'PLAN_REFUSED', message }, name)
    t.same(methodsOf(board), [], name)
  }
})

t.test('a watchdog that cannot be opened fails the job while the links are up, and nothing stays loaded', async t => {
  const board = await boardWithWatchdog(t)
  board.kexec.failNext('armWatchdog', 'EBUSY')
  const { id } = await board.boot.submit(jobWith({ watchdog: 10 }), 'http')
  await eventsOf(board.boot, id)
  t.match(board.boot.get(id), { state: 'failed', error: { code: 'KEXEC_SYSCALL', message: /RuntimeWatchdogSec/ } })
  t.notOk(methodsOf(board).includes('linkDown'))
  t.equal(board.kexec.kernel.image, null)
})

t.test('a forced job on a board without a watchdog says which one it looked for', async t => {
  const board = await boardWithWatchdog(t, [])
  board.kexec.failNext('armWatchdog', 'ENOENT')
  const { id } = await board.boot.submit(jobWith({ watchdog: 10, force: true }), 'http')
  await eventsOf(board.boot, id)
  t.match(board.boot.get(id).error?.message, /^armWatchdog\("\/dev\/watchdog0", 10\) failed: ENOENT .*no such watchdog/)
})

t.test('after a jump that returned, the watchdog is disarmed: the first stage goes on', async t => {
  const board = await boardWithWatchdog(t)
  board.kexec.failNext('jump', 'EINVAL')
  const { id } = await board.boot.submit(jobWith({ watchdog: 10 }), 'http')
  await eventsOf(board.boot, id)
  await board.boot.settled(id)
  t.same(methodsOf(board).slice(-4), ['feed', 'jump', 'disarm', 'unload'])
})

t.test('the watchdog is fed while the first stage has something left to do, and failures are told', async t => {
  const fed = new Promise<FedWatchdog>(resolve => {
    const watchdog = new FedWatchdog(
      { timeout: 1, feed: () => resolve(watchdog), disarm: () => undefined },
      () => undefined,
    )
  })
  ;(await fed).disarm()
  const problems: string[] = []
  const broken = (): never => {
    throw new Error('it is gone')
  }
  const watchdog = new FedWatchdog({ timeout: 1, feed: broken, disarm: broken }, problem => problems.push(problem))
  watchdog.leaveToTarget()
  watchdog.disarm()
  t.same(problems, ['watchdog: it is gone', 'watchdog: it is gone'])
})
