/** Starting `prepare.ts`, and ending it. */

import { type ChildProcess, fork } from 'node:child_process'
import { once } from 'node:events'
import { extname, join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { type ErrorJson, fault } from '../../agent/errors.js'
import type { BoardImage } from '../../systemd/image/board-image.js'
import type { Target } from '../client/boot-job.js'
import { remoteFault } from '../client/remote-error.js'

/** Beside this file, in the sources and in the compiled tree. */
const PROGRAM = join(import.meta.dirname, `prepare${extname(import.meta.filename)}`)

/** For tools to tidy up after themselves, milliseconds. */
const TIDY_MS = 20_000

/** What to build. */
export interface Wanted {
  /** name of a board in systemd/boards */
  readonly board: string
  /** MiB up to which the target's ramdisk is filled */
  readonly ramdiskMiB?: number
  /** the token of the board's agent */
  readonly token: string
}

export interface Prepared {
  readonly image: BoardImage
  /** the SD card, for a board that starts from nothing else */
  readonly card?: string
  readonly target: Target
}

export type Answer = Prepared | { readonly error: ErrorJson }

/**
 * Build a board's image and the target for it, or find them in the cache.
 *
 * @throws BUILD_TOOL, BUILD_INPUT, BOARD_DATA; the signal's reason, once every started tool is gone
 */
export async function prepare(wanted: Wanted, signal: AbortSignal): Promise<Prepared> {
  signal.throwIfAborted()
  // A group of its own: Ctrl-C does not reach it, so that it is ended in one way only.
  const child = fork(PROGRAM, { detached: true, stdio: ['ignore', 2, 2, 'ipc'] })
  const exited = once(child, 'exit')
  let ending = Promise.resolve()
  const stop = () => {
    ending = endGroup(child)
  }
  signal.addEventListener('abort', stop)
  try {
    child.send(wanted)
    const answered = once(child, 'message').then(([answer]) => answer as Answer)
    const answer = await Promise.race([answered, exited])
    if (Array.isArray(answer)) throw ended(answer)
    if ('image' in answer) return answer
    throw remoteFault(answer.error) ?? fault('INTERNAL', { doing: 'preparing the board', reason: answer.error.message })
  } finally {
    await exited
    signal.removeEventListener('abort', stop)
    await ending
    signal.throwIfAborted()
  }
}

function ended([code, signal]: readonly unknown[]) {
  return fault('INTERNAL', {
    doing: 'preparing the board',
    reason: `prepare.js ended with ${signal ?? `exit ${code}`}`,
  })
}

/** Its tools are in its process group. When they end, they remove their partial output, which is hundreds of megabytes. */
async function endGroup({ pid }: ChildProcess): Promise<void> {
  if (pid === undefined) return
  const deadline = performance.now() + TIDY_MS
  let alive = sendToGroup(pid, 'SIGTERM')
  while (alive) {
    await delay(100)
    alive = sendToGroup(pid, performance.now() > deadline ? 'SIGKILL' : 0)
  }
}

/** @returns whether anybody is left in the group: signal 0 only asks (kill(2)) */
function sendToGroup(pid: number, signal: 'SIGTERM' | 'SIGKILL' | 0): boolean {
  try {
    return process.kill(-pid, signal)
  } catch (thrown) {
    if ((thrown as NodeJS.ErrnoException).code === 'ESRCH') return false
    throw thrown
  }
}
