/** Runs the host's tools as child processes. When one fails, the error quotes what it printed. */

import { AsyncLocalStorage } from 'node:async_hooks'
import { type ChildProcess, spawn } from 'node:child_process'
import { fault } from '../agent/errors.js'

export interface RunOptions {
  /** working directory */
  readonly cwd?: string
  /** for the tool's standard input */
  readonly input?: Uint8Array | string
  /** added to the environment */
  readonly env?: Readonly<Record<string, string>>
}

/** An error quotes at most this many lines of stderr. */
const QUOTED_LINES = 12

/** Debian keeps mkfs.vfat and depmod in /usr/sbin, which is often missing from a user's PATH. */
const PATH = `${process.env.PATH ?? '/usr/bin:/bin'}:/usr/sbin:/sbin`

/** Reaches every {@link run} below {@link runUntil}, through functions that have no use for it. */
const stopSignals = new AsyncLocalStorage<AbortSignal>()

/** The signal of {@link runUntil}, for work that waits or tries again. */
export const stopSignal = (): AbortSignal | undefined => stopSignals.getStore()

/**
 * Do work that runs tools, and end them when a signal fires. A tool that is ended tidies up after itself.
 *
 * @throws what the work throws; the signal's reason if it has fired, once every started tool is gone
 */
export async function runUntil<T>(signal: AbortSignal, work: () => Promise<T>): Promise<T> {
  signal.throwIfAborted()
  try {
    return await stopSignals.run(signal, work)
  } finally {
    signal.throwIfAborted()
  }
}

/** It began a process group, which has the processes that it started. */
function endGroup({ pid }: ChildProcess): void {
  if (pid === undefined) return
  try {
    process.kill(-pid, 'SIGTERM')
  } catch (thrown) {
    // ESRCH: it has just ended.
    if ((thrown as NodeJS.ErrnoException).code !== 'ESRCH') throw thrown
  }
}

/**
 * Run a tool to its end.
 *
 * @param doing the purpose, as the error states it: `making an SD card`
 * @param argv the tool and its arguments; no shell is involved
 * @returns its standard output
 * @throws BUILD_TOOL when it cannot be started or does not end with 0; the reason of the signal of {@link runUntil}
 */
export function run(doing: string, argv: readonly [string, ...string[]], options: RunOptions = {}): Promise<Buffer> {
  const [tool, ...args] = argv
  const signal = stopSignal()
  return new Promise((resolve, reject) => {
    signal?.throwIfAborted()
    const child = spawn(tool, args, {
      // Ctrl-C at a terminal does not reach a group of its own, so that it is ended in one way only.
      detached: signal !== undefined,
      cwd: options.cwd,
      env: { ...process.env, PATH, LC_ALL: 'C.UTF-8', ...options.env },
      stdio: ['pipe', 'pipe', 'pipe'],
    })
    const stop = (): void => endGroup(child)
    signal?.addEventListener('abort', stop)
    const out: Buffer[] = []
    const err: Buffer[] = []
    child.stdout.on('data', (chunk: Buffer) => out.push(chunk))
    child.stderr.on('data', (chunk: Buffer) => err.push(chunk))
    child.on('error', cause => {
      reject(fault('BUILD_TOOL', { doing, tool, status: 'not started', reason: cause.message }, cause))
    })
    child.on('close', (code, killedBy) => {
      signal?.removeEventListener('abort', stop)
      if (signal?.aborted) return reject(signal.reason)
      if (code === 0) return resolve(Buffer.concat(out))
      const lines = Buffer.concat(err).toString().trim().split('\n')
      const reason = lines.slice(-QUOTED_LINES).join('\n')
      reject(
        fault('BUILD_TOOL', {
          doing,
          tool,
          status: killedBy ?? `exit ${code}`,
          reason,
        }),
      )
    })
    // A tool that stops reading early reports its failure through its exit status.
    child.stdin.on('error', () => child.stdin.destroy())
    child.stdin.end(options.input ?? '')
  })
}
