/** The process around a command line: signals in, exit code out. */

import { Interruption, type Io } from '../terminal/terminal.js'

/** @param run takes the arguments and the process's streams, and resolves with the exit code */
export async function runProcess(run: (argv: readonly string[], io: Io) => Promise<number>): Promise<void> {
  const stop = new AbortController()
  for (const signal of ['SIGINT', 'SIGTERM'] as const) {
    process.on(signal, () => {
      // The first signal lets the command clean up, the board included; the second ends it at once.
      if (stop.signal.aborted) process.exit(new Interruption(signal).exitCode)
      stop.abort(new Interruption(signal))
    })
  }
  const { stdin, stdout, stderr, env } = process
  process.exitCode = await run(process.argv.slice(2), { stdin, stdout, stderr, env, signal: stop.signal })
}
