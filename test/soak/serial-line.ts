/** A serial line that takes what is typed and never sends on what the console prints: the master of a pty, never read. */

import { type ChildProcess, spawn } from 'node:child_process'
import { existsSync } from 'node:fs'
import { setTimeout as pause } from 'node:timers/promises'

/** Ctrl-C ends what ran before. */
const LINE = '\x03\rwhile true; do md 0 100; done\r'
const TYPED_EVERY_MS = 10_000

export interface SerialLine {
  /** From now on, something is typed that prints without an end. */
  load(): void
  close(): void
}

/** Make the terminal `path`. */
export async function openSerialLine(path: string): Promise<SerialLine> {
  const child: ChildProcess = spawn('socat', ['-u', 'STDIN', `PTY,link=${path},rawer`], {
    stdio: ['pipe', 'ignore', 'inherit'],
  })
  // It may be gone when a line is typed.
  child.stdin?.on('error', () => undefined)
  while (!existsSync(path)) {
    if (child.exitCode !== null) throw new Error(`socat made no terminal: it ended with ${child.exitCode}`)
    await pause(10)
  }
  let timer: NodeJS.Timeout | undefined
  const type = (): void => void child.stdin?.write(LINE)
  return {
    load() {
      type()
      timer = setInterval(type, TYPED_EVERY_MS)
    },
    close() {
      clearInterval(timer)
      child.kill()
    },
  }
}
