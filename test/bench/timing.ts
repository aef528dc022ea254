/** Taking times. */

import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import { monitorEventLoopDelay } from 'node:perf_hooks'

/** How long an emulated board may take to anything on a busy machine. */
export const PATIENCE = { timeoutMs: 600_000 } as const

/** `sysconf(_SC_CLK_TCK)`, which is 100 on every Linux with Node */
const TICK_MS = 10

/** What something took: milliseconds on the clock, and of the CPU where that is known. */
export interface Took {
  readonly ms: number
  readonly cpuMs: number
  /** the longest time that our event loop was blocked, where that is measured */
  readonly blockedMs?: number
}

/** `utime`, `stime`, `cutime` and `cstime` of proc_pid_stat(5), milliseconds; the name before them may hold blanks. */
function cpuFields(stat: string): number[] {
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ')
  return fields.slice(11, 15).map(ticks => Number(ticks) * TICK_MS)
}

/** CPU time of a process without its children, milliseconds. @param stat text of its `/proc/PID/stat` */
export function cpuMsIn(stat: string): number {
  const [user = Number.NaN, system = Number.NaN] = cpuFields(stat)
  return user + system
}

/** @param pid of a process on this machine */
export const cpuMsOf = (pid: number): number => cpuMsIn(readFileSync(`/proc/${pid}/stat`, 'latin1'))

/** CPU time of the children of this process that have ended, milliseconds. */
function childrenCpuMs(): number {
  const [, , user = 0, system = 0] = cpuFields(readFileSync('/proc/self/stat', 'latin1'))
  return user + system
}

/** @returns milliseconds */
export async function timed(work: () => Promise<unknown>): Promise<number> {
  return (await timedHere(work)).ms
}

/** Something that this process does, with children that end meanwhile. */
export async function timedHere(work: () => Promise<unknown>): Promise<Took> {
  const delay = monitorEventLoopDelay({ resolution: 1 })
  delay.enable()
  const children = childrenCpuMs()
  const before = process.cpuUsage()
  const started = performance.now()
  await work()
  const ms = performance.now() - started
  const { user, system } = process.cpuUsage(before)
  delay.disable()
  return { ms, cpuMs: (user + system) / 1000 + childrenCpuMs() - children, blockedMs: delay.max / 1e6 }
}

/** Something that another process on this machine does. @param pid of it */
export async function timedProcess(pid: number, work: () => Promise<unknown>): Promise<Took> {
  const [before, started] = [cpuMsOf(pid), performance.now()]
  await work()
  return { ms: performance.now() - started, cpuMs: cpuMsOf(pid) - before }
}

/** Ended by `timedCommand`, or with another exit code than 0. */
export class CommandFailed extends Error {}

/**
 * A command in a process of its own.
 *
 * @param longestMs it is ended then
 * @returns what it took, and what it said
 * @throws CommandFailed
 */
export async function timedCommand(command: readonly string[], longestMs = 600_000): Promise<Took & { said: string }> {
  // Node does not tell the CPU time of a child, and bash does.
  const script = 'TIMEFORMAT="bench %R %U %S"; time "$@"'
  const child = spawn('bash', ['-c', script, 'bash', ...command], { stdio: ['ignore', 'pipe', 'pipe'], detached: true })
  let said = ''
  for (const stream of [child.stdout, child.stderr]) stream.setEncoding('latin1').on('data', text => (said += text))
  // The whole group: bash waits for its child.
  const timer = setTimeout(() => child.pid && process.kill(-child.pid, 'SIGKILL'), longestMs)
  const [code] = await once(child, 'close')
  clearTimeout(timer)
  const [line = '', real, user, system] = /bench ([\d.]+) ([\d.]+) ([\d.]+)\n$/.exec(said) ?? []
  said = said.slice(0, said.length - line.length)
  if (code !== 0) throw new CommandFailed(`${command.join(' ')} ended with ${code}: ${said.slice(-500)}`)
  return { ms: Number(real) * 1000, cpuMs: (Number(user) + Number(system)) * 1000, said }
}

/** Samples of ours and of its peer, one after the other in turn, so that both see the same machine. */
export async function alternate(
  runs: number,
  ours: () => Promise<Took>,
  theirs: () => Promise<Took>,
): Promise<{ readonly ours: Took[]; readonly theirs: Took[] }> {
  const samples = { ours: [] as Took[], theirs: [] as Took[] }
  for (let run = 0; run < runs; run++) {
    samples.ours.push(await ours())
    samples.theirs.push(await theirs())
  }
  return samples
}

/** What some samples took, as a figure has it. @param mebibytes that were transferred; 0: CPU time in all */
export function asFigure(
  { ours, theirs }: { readonly ours: readonly Took[]; readonly theirs: readonly Took[] },
  mebibytes = 0,
) {
  const blocked = ours.flatMap(({ blockedMs }) => blockedMs ?? [])
  const ms = (samples: readonly Took[]): number[] => samples.map(({ ms }) => ms)
  const cpu = (samples: readonly Took[]): number[] => samples.map(({ cpuMs }) => cpuMs / (mebibytes || 1))
  return {
    unit: 'ms',
    ours: ms(ours),
    theirs: ms(theirs),
    cpu: { ours: cpu(ours), theirs: cpu(theirs), unit: mebibytes > 0 ? 'ms/MiB' : 'ms' },
    ...(blocked.length === 0 ? {} : { blocked }),
  } as const
}

/** The same, in seconds on the clock. */
export function asSeconds(samples: Parameters<typeof asFigure>[0]) {
  const { ours, theirs, ...rest } = asFigure(samples)
  const seconds = (milliseconds: readonly number[]): number[] => milliseconds.map(ms => ms / 1000)
  return { ...rest, unit: 's', ours: seconds(ours), theirs: seconds(theirs) } as const
}

/** What busybox `time` says: `real	0m 0.31s`, and the same of user and sys. */
export function tookOnBoard(output: string): Took {
  const milliseconds = (word: string): number => {
    const [, minutes, seconds] = new RegExp(`${word}\\s+(\\d+)m\\s*([\\d.]+)s`).exec(output) ?? []
    return Number(minutes) * 60_000 + Number(seconds) * 1000
  }
  return { ms: milliseconds('real'), cpuMs: milliseconds('user') + milliseconds('sys') }
}
