/** `fauxboot explain`: read the output of kexec-tools and explain it. */

import type { Command } from 'commander'
import { fault } from '../../../agent/errors.js'
import { readInput, readStream } from '../../client/local-file.js'
import { explainLog } from '../../explain/explain.js'
import { renderExplainText } from '../../explain/explain-text.js'
import type { Terminal } from '../../terminal/terminal.js'

/** More than a console log of a whole day. */
const LOG_LIMIT = 64 * 1024 * 1024

export function define(command: Command, terminal: Terminal): void {
  command
    .argument('<log>', 'text with the output of `kexec --debug -l ...`; - for standard input')
    .option('--json', 'print JSON')
    .addHelpText(
      'after',
      `
The text may be a console log or a mail: quoted, cut by kernel messages, with several runs in it.

Examples:
  kexec -d -l zImage --initrd=initrd.gz --dtb=board.dtb 2>&1 | fauxboot explain -
  fauxboot explain mail.txt
  fauxboot explain mail.txt --json`,
    )
    .action(async (log: string, options: { readonly json?: boolean }) => {
      const file = log === '-' ? 'standard input' : log
      const bytes = await (log === '-' ? readStream(terminal.io.stdin, file, LOG_LIMIT) : readInput(log, LOG_LIMIT))
      const result = explainLog(Buffer.from(bytes).toString('utf8'))
      if (result.runs.length === 0) {
        const reason =
          'no run of kexec-tools found; it prints "MEMORY RANGES", "Kernel: address=" with the option --debug'
        throw fault('CLI_FILE', { file, reason })
      }
      if (options.json) terminal.printJson(result)
      else terminal.print(renderExplainText(result, { color: terminal.hasColor(terminal.io.stdout) }))
    })
}
