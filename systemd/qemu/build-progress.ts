/** How far the build of QEMU is: one line that changes on a terminal, a line per quarter elsewhere. */

import type { BuildProgress } from './cubieboard4-qemu.js'

interface Output {
  readonly isTTY?: boolean
  write(text: string): unknown
}

/** @param output standard error, so that the result can be piped */
export function buildProgress(output: Output): BuildProgress {
  let quarter = -1
  return (done, total) => {
    const text = `building QEMU: ${Math.floor((done * 100) / total)}% (${done} of ${total})`
    if (output.isTTY) return void output.write(`\r${text}${done === total ? '\n' : ''}`)
    const reached = Math.floor((done * 4) / total)
    if (reached === quarter) return
    quarter = reached
    output.write(`${text}\n`)
  }
}
