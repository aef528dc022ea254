/** The power switch of a board: commands of the lab. */

import { spawn } from 'node:child_process'
import { setTimeout as delay } from 'node:timers/promises'
import { asFault, fault } from '../../agent/errors.js'
import { unlessAborted } from '../../agent/transfer/abort.js'

/** Commands that switch the board; each is run with `sh -c`. */
export interface PowerCommands {
  readonly on?: string
  readonly off?: string
  readonly reset?: string
}

/** A command that takes longer hangs, milliseconds. */
const COMMAND_MS = 60_000

/** For switching off at the end, milliseconds. */
const SWITCH_OFF_MS = 60_000

/** Characters of its output that an error quotes. */
const QUOTED = 500

/** Time to read the rest of an ended command's output, milliseconds. */
const LAST_WORDS_MS = 200

/**
 * Start the board, whatever it does now: by its reset, or by switching it off and on.
 *
 * @throws POWER_COMMAND, the signal's reason
 */
export async function powerCycle({ on, off, reset }: PowerCommands, signal: AbortSignal): Promise<void> {
  if (reset !== undefined) return runPowerCommand('reset', reset, signal)
  if (off !== undefined) await runPowerCommand('off', off, signal)
  if (on !== undefined) await runPowerCommand('on', on, signal)
}

/**
 * Switch the board off at the end, whatever has fired by then. A board that stays on is worth a word, and changes nothing
 * about its boot.
 */
export async function switchOff(command: string, note?: (line: string) => void): Promise<void> {
  try {
    await runPowerCommand('off', command, AbortSignal.timeout(SWITCH_OFF_MS))
  } catch (thrown) {
    note?.(asFault(thrown, 'switching the board off').message)
  }
}

/**
 * Run one command; its background processes continue.
 *
 * @param action for the error: `on`, `off`, `reset`
 * @throws POWER_COMMAND when it fails or hangs, the signal's reason; the command is ended then
 */
async function runPowerCommand(action: string, command: string, signal: AbortSignal): Promise<void> {
  signal.throwIfAborted()
  // A group of its own: a hanging command is ended with all that it has started.
  const child = spawn('sh', ['-c', command], { stdio: ['ignore', 'pipe', 'pipe'], detached: true })
  let words = ''
  for (const stream of [child.stdout, child.stderr]) {
    stream.on('data', (chunk: Buffer) => {
      words = (words + chunk.toString()).slice(-QUOTED)
    })
  }
  const failed = (reason: string) => fault('POWER_COMMAND', { action, command, reason })
  const closed = new Promise<void>(resolve => child.once('close', () => resolve()))
  const ended = new Promise<number | NodeJS.Signals | null>((resolve, reject) => {
    child.once('error', error => reject(failed(error.message)))
    child.once('exit', (code, killed) => resolve(code ?? killed))
  })
  const late = new AbortController()
  const timer = setTimeout(() => late.abort(failed(`does not end within ${COMMAND_MS / 1000} s`)), COMMAND_MS)
  try {
    const status = await unlessAborted(ended, AbortSignal.any([signal, late.signal]))
    if (status === 0) return
    await Promise.race([closed, delay(LAST_WORDS_MS)])
    throw failed(`ended with ${status}${words.trim() === '' ? '' : `: ${words.trim()}`}`)
  } catch (thrown) {
    endGroup(child.pid)
    throw thrown
  } finally {
    clearTimeout(timer)
    // Background processes of the command may keep these open forever.
    child.stdout.destroy()
    child.stderr.destroy()
  }
}

function endGroup(pid: number | undefined): void {
  if (pid === undefined) return
  try {
    process.kill(-pid, 'SIGKILL')
  } catch (thrown) {
    // ESRCH: the group is empty.
    if ((thrown as NodeJS.ErrnoException).code !== 'ESRCH') throw thrown
  }
}
