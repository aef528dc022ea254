/** Runs the host's tools as child processes. When one fails, the error quotes what it printed. */

import { spawn } from 'node:child_process'
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

/**
 * Run a tool to its end.
 *
 * @param doing the purpose, as the error states it: `making an SD card`
 * @param argv the tool and its arguments; no shell is involved
 * @returns its standard output
 * @throws BUILD_TOOL when it cannot be started or does not end with 0
 */
export function run(doing: string, argv: readonly [string, ...string[]], options: RunOptions = {}): Promise<Buffer> {
  const [tool, ...args] = argv
  return new Promise((resolve, reject) => {
    const child = spawn(tool, args, {
      cwd: options.cwd,
      env: { ...process.env, PATH, LC_ALL: 'C.UTF-8', ...options.env },
      stdio: ['pipe', 'pipe', 'pipe'],
    })
    const out: Buffer[] = []
    const err: Buffer[] = []
    child.stdout.on('data', (chunk: Buffer) => out.push(chunk))
    child.stderr.on('data', (chunk: Buffer) => err.push(chunk))
    child.on('error', cause => {
      reject(fault('BUILD_TOOL', { doing, tool, status: 'not started', reason: cause.message }, cause))
    })
    child.on('close', (code, signal) => {
      if (code === 0) return resolve(Buffer.concat(out))
      const lines = Buffer.concat(err).toString().trim().split('\n')
      const reason = lines.slice(-QUOTED_LINES).join('\n')
      reject(
        fault('BUILD_TOOL', {
          doing,
          tool,
          status: signal ?? `exit ${code}`,
          reason,
        }),
      )
    })
    // A tool that stops reading early reports its failure through its exit status.
    child.stdin.on('error', () => child.stdin.destroy())
    child.stdin.end(options.input ?? '')
  })
}
