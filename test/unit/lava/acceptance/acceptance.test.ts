import { readFile, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import t, { type Test } from 'tap'
import { type AcceptanceOptions, runAcceptance } from '../../../../lava/acceptance/acceptance.js'
import { acceptanceJunit } from '../../../../lava/acceptance/report-junit.js'
import { renderReport, reportSentence } from '../../../../lava/acceptance/report-text.js'
import type { RoundResult, RunSession } from '../../../../lava/acceptance/round.js'
import { BoardClient } from '../../../../lava/client/board-client.js'
import { JobDisplay } from '../../../../lava/client/job-display.js'
import { NO_PROGRESS } from '../../../../lava/terminal/progress.js'
import { buildZImage } from '../../agent/image/kernel/zimage-builder.js'
import { cpio } from '../../agent/kexec/images.js'
import { startAgent } from '../agent.js'
import { capture } from '../capture.js'
import { FakeTarget } from '../console/fake-target.js'
import { BOOTED, fakeSession, PANIC } from '../monitor/fake-session.js'

/** An agent that is there at any time: the one of a test does not restart. */
class PresentClient extends BoardClient {
  override async waitUntilReady(): Promise<void> {}
}

interface Fixture {
  readonly options: AcceptanceOptions
  readonly results: RoundResult[]
  readonly lines: string[]
}

/**
 * A real agent on a board with one CPU and 1 GiB, and a target that sees the same. The job goes to the agent; then the
 * target has the console.
 *
 * @param rebooted what the console prints after the reboot
 */
async function fixture(t: Test, given: Partial<AcceptanceOptions> = {}, rebooted = COUNTDOWN): Promise<Fixture> {
  const { board } = await startAgent(t)
  const client = new PresentClient(new URL(board))
  const dir = t.testdir({
    zImage: Buffer.from(buildZImage()),
    ramdisk: Buffer.from(cpio(1000)),
    proc: {
      cmdline: 'console=ttyS0\n',
      cpuinfo: 'processor\t: 0\n',
      meminfo: 'MemTotal:        1040000 kB\n',
      'device-tree': { chosen: {} },
    },
    sys: { class: { net: {} } },
  })
  const runSession: RunSession = async options => {
    const { method, onText, onLine, signal } = options
    onText?.(COUNTDOWN)
    const nothing = (): void => undefined
    const target = new FakeTarget({ root: dir, rebooted })
    const hooks = { bootLoaderReached: nothing, handedOver: nothing, note: nothing }
    await method({ expect: target, poweredAt: performance.now(), ...hooks, signal })
    const [job] = await client.jobs()
    await writeFile(join(dir, 'proc/device-tree/chosen/fauxboot,job'), `${job?.id}\0`)
    onLine?.('Linux version 6.12')
    const result = await fakeSession(BOOTED, () => target)(options)
    onText?.(rebooted)
    return result
  }
  const results: RoundResult[] = []
  const lines: string[] = []
  const options: AcceptanceOptions = {
    ...{ version: '1.2.3', boots: 1, keepOn: false, console: 'tcp://127.0.0.1:1', login: { user: 'root' } },
    ...{ until: /login:/, timeoutMs: 1000, silenceMs: 1000, rebootCommand: 'reboot -f', waitSeconds: 1 },
    ...{ client, runSession, watcher: new JobDisplay(capture().terminal, NO_PROGRESS) },
    target: { kernel: join(dir, 'zImage'), ramdisk: join(dir, 'ramdisk'), cmdline: 'console=ttyS0', options: {} },
    logFile: round => join(dir, `console-${round}`),
    onOutcome: (round, { name, result }) => void lines.push(`${round} ${name} ${result}`),
    onRound: async (_, result) => void results.push(result),
    signal: new AbortController().signal,
    ...given,
  }
  return { options, results, lines }
}

const COUNTDOWN = 'Hit any key to stop autoboot:  2'

t.test('a board that boots and comes back passes, and every report says so', async t => {
  const { options, results, lines } = await fixture(t)
  const report = await runAcceptance(options)
  t.equal(report.outcome, 'passed', renderReport(report))
  t.same(lines, [
    ...['1 boot pass', '1 job-id pass', '1 cpus pass', '1 memory pass', '1 mac-address skip', '1 watchdog skip'],
    ...['1 console-complete pass', '1 console-clean pass', '1 reset pass'],
  ])
  const [round] = report.rounds
  t.match(report, { board: { model: 'Test board' }, target: { cmdline: 'console=ttyS0' }, version: '1.2.3' })
  for (const { name, seconds } of round?.phases ?? []) t.type(seconds, 'number', name)
  const [{ jobLog, plan } = { jobLog: '', plan: null }] = results
  t.match(jobLog, /^\S+Z fetching$[\s\S]*^\S+Z booting$/m)
  t.match(plan, { survivable: true })

  t.match(renderReport(report), /^board +Test board$[\s\S]*^1 +cpus +pass +1 +1$[\s\S]*^upload +\d+\.\d$/m)
  t.equal(reportSentence(report), 'passed: 1 boot, 7 checks passed, 0 failed, 2 skipped')
  const xml = acceptanceJunit(report)
  t.match(xml, /<testsuite name="acceptance"[^>]*tests="9"[^>]*failures="0"[^>]*errors="0"[^>]*skipped="2"/)
  t.match(xml, /<testcase classname="fauxboot.acceptance.boot-1" name="cpus"/)
})

t.test('a board that does not come back has failed, and without a power switch no later boot is tried', async t => {
  const { options } = await fixture(t, { boots: 3 }, 'reboot: System halted\n')
  const report = await runAcceptance(options)
  t.equal(report.outcome, 'failed')
  const [first, second, third] = report.rounds
  t.match(first?.checks.at(-1), {
    name: 'reset',
    result: 'fail',
    reason: /the boot loader's countdown after "reboot -f"/,
  })
  for (const round of [second, third]) {
    t.match(
      round?.checks,
      first?.checks.map(() => ({ result: 'skip', reason: /did not come back from the last round/ })),
    )
  }
  t.match(acceptanceJunit(report), /name="reset"[^>]*>\s*<failure message="[^"]*countdown after/)
})

t.test('a target that panics fails each boot, and the lab is to blame where it is', async t => {
  const power = { reset: 'true' }
  const panicked = await fixture(t, { boots: 2, power, runSession: fakeSession(PANIC) })
  const failed = await runAcceptance(panicked.options)
  t.equal(failed.outcome, 'failed')
  t.same(
    panicked.lines.filter(line => / boot /.test(line)),
    ['1 boot fail', '2 boot fail'],
  )
  t.match(failed.rounds[1]?.checks, [{ found: 'kernel-panic', reason: PANIC.reason }, { result: 'skip' }])

  const lab = { ...PANIC, outcome: 'infrastructure', sign: 'console', reason: 'connection refused' } as const
  const { options } = await fixture(t, { runSession: fakeSession(lab) })
  const none = await runAcceptance(options)
  t.equal(none.outcome, 'infrastructure')
  t.match(acceptanceJunit(none), /<error message="connection refused/)
  t.match(renderReport(none), /^board +did not answer$/m)
})

t.test('the board is switched off once, after the last boot or an interruption', async t => {
  const log = join(t.testdirName, 'power')
  const power = { on: 'true', off: `echo off >> '${log}'` }
  const { options } = await fixture(t, { boots: 2, power, runSession: fakeSession(PANIC) })
  await runAcceptance(options)
  t.equal(await readFile(log, 'utf8'), 'off\n')
  await rm(log)
  const stop = new AbortController()
  const interrupted = { ...options, runSession: interruptedSession(stop), signal: stop.signal }
  await t.rejects(runAcceptance(interrupted), /enough/)
  t.equal(await readFile(log, 'utf8'), 'off\n')
  await runAcceptance({ ...options, keepOn: true })
  t.equal(await readFile(log, 'utf8'), 'off\n', 'unless it is to stay on')
})

/** A session during which the user presses Ctrl-C. */
function interruptedSession(stop: AbortController): RunSession {
  return async ({ signal }) => {
    stop.abort(new Error('enough'))
    signal.throwIfAborted()
    throw new TypeError('the signal has not fired')
  }
}
