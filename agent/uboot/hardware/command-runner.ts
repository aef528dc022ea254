/** Programs of the system behind one small interface, which tests replace. */

import { spawn } from 'node:child_process'

export interface Finished {
  /** exit status; null when a signal ended it, or it could not be started */
  readonly status: number | null
  readonly stdout: string
  readonly stderr: string
}

export interface CommandRunner {
  /**
   * Run a program to its end; without one of that name the status is null.
   *
   * @param onLine called for each line on stderr as it comes
   * @throws the reason of `signal`, after the program was killed
   */
  run(
    program: string,
    args: readonly string[],
    options?: { readonly signal?: AbortSignal; readonly onLine?: (line: string) => void },
  ): Promise<Finished>
}

/** Characters of a program's output that are kept. */
const MOST_OUTPUT = 64 * 1024

export const systemRunner: CommandRunner = {
  run(program, args, { signal, onLine } = {}) {
    signal?.throwIfAborted()
    return new Promise((resolve, reject) => {
      const child = spawn(program, args, { stdio: ['ignore', 'pipe', 'pipe'], signal, killSignal: 'SIGKILL' })
      let stdout = ''
      let stderr = ''
      let rest = ''
      child.stdout.setEncoding('latin1').on('data', (text: string) => {
        stdout = (stdout + text).slice(0, MOST_OUTPUT)
      })
      child.stderr.setEncoding('latin1').on('data', (text: string) => {
        stderr = (stderr + text).slice(0, MOST_OUTPUT)
        const lines = (rest + text).split('\n')
        rest = (lines.pop() ?? '').slice(0, MOST_OUTPUT)
        for (const line of lines) onLine?.(line)
      })
      child.on('error', error => {
        // A program of that program may hold the pipes open.
        child.stdout.destroy()
        child.stderr.destroy()
        if (signal?.aborted === true) reject(signal.reason)
        else resolve({ status: null, stdout, stderr: error.message })
      })
      child.on('close', status => resolve({ status, stdout, stderr }))
    })
  },
}
