import { readFileSync } from 'node:fs'
import t from 'tap'
import { BOOT_SIGNS } from '../../../../lava/monitor/boot-signs.js'
import { BootWatch, type BootWatchOptions } from '../../../../lava/monitor/boot-watch.js'

const OPTIONS: BootWatchOptions = { until: /login:/g, silenceMs: 60_000 }
const LATE = { outcome: 'failed', sign: 'timeout', reason: 'late' } as const

/** A watch of a boot that has been handed over. */
function jumped(options: Partial<BootWatchOptions> = {}): BootWatch {
  const watch = new BootWatch({ ...OPTIONS, ...options })
  watch.line('Hit any key to stop autoboot:  0')
  watch.handedOver()
  watch.jumped()
  return watch
}

function play(watch: BootWatch, name: string): void {
  for (const line of readFileSync(`test/unit/lava/monitor/transcripts/${name}.txt`, 'utf8').split('\n'))
    watch.line(line)
}

/** Transcripts in the form of real ones, and what each comes to. */
const FAILURES: readonly (readonly [name: string, sign: string, reason: RegExp, line: RegExp])[] = [
  ['kernel-panic', 'kernel-panic', /in the kernel, .*: \[ {4}2.136522\] Kernel panic/, /Cannot open root device/],
  ['oops', 'oops', /Unable to handle kernel NULL pointer/, /PC is at sunxi_mmc_probe/],
  ['bug', 'oops', /kernel BUG at fs\/buffer.c/, /Internal error: Oops - BUG/],
  ['reset', 'reset', /in user space, .*U-Boot SPL 2025/, /Run \/init/],
  ['first-stage-again', 'reset', /Hit any key to stop/, /Run \/init/],
  ['restarting', 'shutdown', /reboot: Restarting system/, /Run \/init/],
  ['initramfs-shell', 'emergency-shell', /Dropping to a shell/, /does not exist/],
]

for (const [name, sign, reason, line] of FAILURES) {
  t.test(`what ${name}.txt shows is a failure with its lines`, async t => {
    const watch = jumped()
    play(watch, name)
    // The console goes on for a while; what is decided stays.
    watch.decide(LATE)
    const verdict = await watch.verdict
    t.match(verdict, { outcome: 'failed', sign, reason })
    t.ok(
      verdict.lines.some(text => line.test(text)),
      verdict.lines.join('\n'),
    )
  })
}

t.test('a prompt ends the watch, also as a line without an end', async t => {
  const watch = jumped()
  play(watch, 'booted')
  watch.begun('board logi')
  watch.begun('board login: ')
  const { milestones, ...verdict } = await watch.verdict
  t.match(verdict, { outcome: 'booted', sign: 'login-prompt', reason: 'booted: board login:', warnings: [] })
  t.same(Object.keys(milestones), ['bootloader', 'starting-kernel', 'linux-version', 'userspace', 'prompt'])
  t.equal(verdict.lines.at(-1), 'board login: ')
})

t.test('a stall is the reason for the silence that follows', async t => {
  const watch = jumped({ silenceMs: 10 })
  play(watch, 'stall-silence')
  t.match(await watch.verdict, {
    ...{ outcome: 'failed', sign: 'rcu-stall' },
    reason: /^RCU stall: .*detected stalls on CPUs.*; then nothing for 0.01 s in the kernel/,
  })
})

t.test('a lockup that passes is a warning', async t => {
  const watch = jumped()
  play(watch, 'lockup-booted')
  watch.begun('board login: ')
  const { outcome, warnings } = await watch.verdict
  t.equal(outcome, 'booted')
  t.same(
    warnings.map(({ sign }) => sign),
    ['soft-lockup', 'hung-task'],
  )
})

t.test('what is tolerated is a warning', async t => {
  const watch = jumped({ tolerate: ['oops'] })
  play(watch, 'oops')
  watch.begun('board login: ')
  t.match(await watch.verdict, { outcome: 'booted', warnings: [{ sign: 'oops' }] })
})

t.test('a silent kernel is reported', async t => {
  t.match(await jumped({ silenceMs: 1 }).verdict, { sign: 'silence', reason: /the kernel printed nothing/ })
})

t.test('words of a boot loader count while the boot is typed, and only then', async t => {
  const before = new BootWatch(OPTIONS)
  before.line('Retry count exceeded; starting again')
  before.begun('board login: ')
  before.timeUp(7)
  t.match(await before.verdict, {
    outcome: 'infrastructure',
    sign: 'timeout',
    reason: /7 s: stopped before the target/,
  })
  const typed = new BootWatch(OPTIONS)
  typed.bootLoaderReached()
  typed.line('TFTP error: trying to overwrite reserved memory...')
  typed.decide(LATE)
  t.match(await typed.verdict, { outcome: 'failed', sign: 'boot-loader-error', reason: /in the boot loader: TFTP/ })
})

t.test('a first stage that crashes is not the fault of the target', async t => {
  const watch = new BootWatch(OPTIONS)
  watch.line('[    9.1] Kernel panic - not syncing: Attempted to kill init! exitcode=0x00000b00')
  watch.decide(LATE)
  t.match(await watch.verdict, { outcome: 'infrastructure', sign: 'first-stage-panic' })
})

t.test('a sign across two pieces of an endless line is seen, and none is seen twice', async t => {
  const watch = jumped()
  watch.line('Linux version 6', false)
  watch.line('.12', true)
  watch.line(`${'x'.repeat(300)}Kernel pan`, true)
  watch.line('ic - not syncing: here', true)
  watch.decide(LATE)
  t.match(await watch.verdict, { sign: 'kernel-panic' })
})

t.test('a verdict quotes no more than forty lines', async t => {
  const watch = jumped()
  watch.line('Linux version 6.12')
  for (let count = 0; count < 100; count += 1) watch.line(`before ${count}`)
  watch.line('Kernel panic - not syncing: here')
  for (let count = 0; count < 100; count += 1) watch.line(`after ${count}`)
  const { lines } = await watch.verdict
  t.equal(lines.length, 40)
  t.ok(lines.includes('Kernel panic - not syncing: here') && lines.includes('before 99') && lines.includes('after 0'))
})

t.test('no sign takes long to be looked for in a line that is made to take long', async t => {
  const lines = ['INFO: task '.repeat(400), 'rcu_'.repeat(1000), 'watchdog: '.repeat(400), 'a'.repeat(4096)]
  for (const { id, pattern } of BOOT_SIGNS) for (const line of lines) t.notOk(pattern.test(line), id)
})
