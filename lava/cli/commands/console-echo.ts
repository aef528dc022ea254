/** The board's console among the progress of a command. */

import type { Progress } from '../../terminal/progress.js'
import type { Terminal } from '../../terminal/terminal.js'

/** @returns shows a line of the console; empty ones are left out */
export function consoleEcho(terminal: Terminal, progress: Progress): (line: string) => void {
  const { stderr } = terminal.io
  const prefix = terminal.styled('dim', 'console |', stderr)
  return line => {
    if (line.trim() !== '') progress.note(`${prefix} ${terminal.styled('dim', line.trimEnd(), stderr)}`)
  }
}
