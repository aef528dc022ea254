import t, { type Test } from 'tap'
import type { BoardView } from '../../../../agent/boot/board/board.js'
import { fault } from '../../../../agent/errors.js'
import { type BootedTarget, type CheckOutcome, runChecks } from '../../../../lava/acceptance/check.js'
import { TARGET_CHECKS } from '../../../../lava/acceptance/target-checks.js'
import { TargetShell, withoutKernelMessages } from '../../../../lava/console/target-shell.js'
import { FakeTarget, type FakeTargetOptions } from '../console/fake-target.js'

const MIB = 2 ** 20

const link = { name: 'eth0', up: true, mac: '02:00:00:00:00:01', addresses: [], kept: false }

const BOARD: BoardView = {
  model: 'Test board',
  compatible: ['test,board'],
  machine: 'armv7l',
  kernel: '6.12.0',
  cpus: { possible: 2 },
  memory: { total: 1024 * MIB, available: 900 * MIB, ram: [] },
  artifacts: { count: 0, stored: 0, limit: 0 },
  links: [link, { ...link, name: 'eth1', up: false, mac: '02:00:00:00:00:02' }],
  watchdogs: [
    {
      name: 'watchdog0',
      identity: null,
      state: null,
      timeout: null,
      maxTimeout: null,
      nowayout: null,
      stopsOnReboot: null,
    },
  ],
  serialLine: null,
  start: null,
  kexec: { loaded: false },
  owner: null,
  queued: [],
  findings: [],
}

/** What a target shows of itself. */
const SYS = { watchdog: { watchdog0: {} }, net: { lo: { address: '00:00:00:00:00:00\n' } } }
const eth = (mac: string) => ({ ...SYS.net, eth0: { address: `${mac}\n`, device: {} } })
const cpus = (count: number) => Array.from({ length: count }, (_, index) => `processor\t: ${index}\n`).join('')

interface Shown {
  readonly job?: string
  readonly cpus?: number
  readonly cmdline?: string
  readonly kibibytes?: number
  readonly sys?: object
}

function target(t: Test, shown: Shown = {}, options: FakeTargetOptions = {}): FakeTarget {
  const root = t.testdir({
    proc: {
      cmdline: shown.cmdline ?? 'console=ttyS0\n',
      cpuinfo: cpus(shown.cpus ?? 2),
      meminfo: `MemTotal:        ${shown.kibibytes ?? 1000 * 1024} kB\nMemFree: 1 kB\n`,
      'device-tree': { chosen: { 'fauxboot,job': `${shown.job ?? 'j1'}\0` } },
    },
    sys: { class: { ...SYS, net: eth('02:00:00:00:00:01'), ...shown.sys } },
  })
  return new FakeTarget({ root, ...options })
}

/** Outcomes by the names of their checks. */
async function check(
  console: FakeTarget,
  given: Partial<BootedTarget> = {},
): Promise<Readonly<Record<string, CheckOutcome>>> {
  const shell = await TargetShell.enter(console, { user: 'root' })
  const outcomes: CheckOutcome[] = []
  const run = async (command: string) => withoutKernelMessages((await shell.run(command, 1000)).output).trim()
  const booted = { board: BOARD, job: 'j1', garbled: [], run, reboot: async () => undefined, ...given }
  await runChecks(
    TARGET_CHECKS,
    booted,
    async () => 'the shell is lost',
    outcome => outcomes.push(outcome),
  )
  return Object.fromEntries(outcomes.map(outcome => [outcome.name, outcome]))
}

t.test('a target that sees what the first stage saw passes every check', async t => {
  const outcomes = await check(target(t))
  t.same(
    Object.entries(outcomes).map(([name, { result, reason }]) => `${name} ${result} ${reason}`.trim()),
    TARGET_CHECKS.map(({ name }) => `${name} pass`),
  )
  t.match(outcomes['mac-address'], { expected: '02:00:00:00:00:01', found: '02:00:00:00:00:01' })
})

t.test('each difference fails the check that looks for it, with both values', async t => {
  const shown = { job: 'j0', cpus: 1, kibibytes: 900 * 1024, sys: { net: eth('ce:31:05:95:92:fa'), watchdog: {} } }
  const outcomes = await check(target(t, shown), { garbled: ['Lin\ufffd\ufffd version'] })
  t.match(outcomes, {
    'job-id': { result: 'fail', expected: 'j1', found: 'j0' },
    cpus: { result: 'fail', expected: '2', found: '1' },
    memory: { result: 'fail', expected: '1.0 GiB', found: '900.0 MiB' },
    'mac-address': { result: 'fail', expected: '02:00:00:00:00:01', found: 'ce:31:05:95:92:fa' },
    watchdog: { result: 'fail', expected: '1', found: '0' },
    'console-complete': { result: 'pass' },
    'console-clean': { result: 'fail', expected: '0', found: '1', reason: /Lin/ },
    reset: { result: 'pass' },
  })
})

t.test('a command line that limits the CPUs is what they are compared with', async t => {
  const limited = await check(target(t, { cpus: 1, cmdline: 'console=ttyS0 maxcpus=1 quiet\n' }))
  t.match(limited.cpus, { result: 'pass', expected: '1', found: '1' })
  t.match((await check(target(t, { cpus: 2, cmdline: 'maxcpus=8\n' }))).cpus, { result: 'pass', expected: '2' })
})

t.test('what cannot be compared is skipped with the reason', async t => {
  const noDevice = await check(target(t, { sys: SYS }), { board: { ...BOARD, watchdogs: [] } })
  t.match(noDevice['mac-address'], { result: 'skip', reason: /no network device/, expected: '02:00:00:00:00:01' })
  t.match(noDevice.watchdog, { result: 'skip', reason: 'the first stage has no watchdog' })
  const noLink = await check(target(t), { board: { ...BOARD, links: [] } })
  t.match(noLink['mac-address'], { result: 'skip', reason: 'the first stage has no link that is up' })
})

t.test('a line that arrives incomplete fails the console, and a message of the kernel does not', async t => {
  const noise = (text: string): string => text.replace(/^57 The quick/m, '57 The qui')
  const lossy = await check(target(t, {}, { noise }))
  t.match(lossy['console-complete'], {
    result: 'fail',
    expected: '100',
    found: '99',
    reason: /^line 57 arrived as "57 The qui/,
  })
  const message = (text: string): string =>
    text.replace(/^57 The quick/m, '57 The qui[   12.4] random: crng init done\nck')
  t.match((await check(target(t, {}, { noise: message })))['console-complete'], { result: 'pass' })
})

t.test('a check that the board does not answer has failed, and without a shell the later ones are skipped', async t => {
  const lost = fault('CONSOLE_SILENT', { console: 'c', seconds: 1, expected: 'the end of "x"', found: '""' })
  const outcomes = await check(target(t), { run: () => Promise.reject(lost) })
  t.match(outcomes['job-id'], { result: 'fail', reason: /waited 1 s for the end of "x"/ })
  t.match(outcomes.reset, { result: 'skip', reason: 'the shell is lost' })
  const gone = fault('BOARD_UNREACHABLE', { url: 'http://b', reason: 'not ready within 180 s' })
  const { reset } = await check(target(t), { reboot: () => Promise.reject(gone) })
  t.match(reset, { result: 'fail', reason: /not ready within 180 s/ })
  await t.rejects(check(target(t), { run: () => Promise.reject(new Error('a bug')) }), /a bug/)
})
