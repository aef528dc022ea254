/** `fauxboot explain`: read the output of kexec-tools and explain it. */

import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { Command } from 'commander'
import { fault } from '../../../agent/errors.js'
import { renderPictureSvg } from '../../../agent/kexec/render/picture-svg.js'
import { fileError, readInput, readStream, writeWhole } from '../../client/local-file.js'
import { type Explanation, explainLog } from '../../explain/explain.js'
import { explainPicture } from '../../explain/explain-picture.js'
import { renderExplainText } from '../../explain/explain-text.js'
import type { Terminal } from '../../terminal/terminal.js'

/** More than a console log of a whole day. */
const LOG_LIMIT = 64 * 1024 * 1024

/** What `npm run build` makes of `agent/http/page`. */
const PAGE = join(import.meta.dirname, '../../../explain.html')

interface ExplainOptions {
  readonly json?: boolean
  readonly svg?: string
  readonly html?: string
}

export function define(command: Command, terminal: Terminal): void {
  command
    .argument('[log]', 'text with the output of `kexec --debug -l ...`; - for standard input')
    .option('--json', 'print JSON')
    .option('--svg <file>', 'write a picture of memory in the first run; - for standard output')
    .option(
      '--html <file>',
      'write a page that explains logs in a browser, this one first; it needs no board and no network',
    )
    .addHelpText(
      'after',
      `
The text may be a console log or a mail: quoted, cut by kernel messages, with several runs in it.

Examples:
  kexec -d -l zImage --initrd=initrd.gz --dtb=board.dtb 2>&1 | fauxboot explain -
  fauxboot explain mail.txt
  fauxboot explain mail.txt --svg memory.svg
  fauxboot explain --html explain.html`,
    )
    .action((log: string | undefined, options: ExplainOptions) => explain(log, options, terminal))
}

const NO_RUN =
  'no run of kexec-tools found; it prints "MEMORY RANGES", "Kernel: address=" when it runs as `kexec --load --debug`'

async function explain(log: string | undefined, options: ExplainOptions, terminal: Terminal): Promise<void> {
  const { json, svg, html } = options
  if (log === undefined) {
    if (html === undefined) throw fault('CLI_USAGE', { reason: 'missing the log', command: 'fauxboot explain' })
    return writeWhole(html, await pageWith(''))
  }
  const file = log === '-' ? 'standard input' : log
  const bytes = await (log === '-' ? readStream(terminal.io.stdin, file, LOG_LIMIT) : readInput(log, LOG_LIMIT))
  const text = Buffer.from(bytes).toString('utf8')
  const result = explainLog(text)
  if (result.runs.length === 0) throw fault('CLI_FILE', { file, reason: bytes.length === 0 ? 'is empty' : NO_RUN })
  if (html !== undefined) await writeWhole(html, await pageWith(text))
  if (svg === '-') return terminal.print(pictureOf(result, file))
  if (svg !== undefined) await writeWhole(svg, pictureOf(result, file))
  if (json) terminal.printJson(result)
  else terminal.print(renderExplainText(result, { color: terminal.hasColor(terminal.io.stdout) }))
}

function pictureOf({ runs: [run] }: Explanation, file: string): string {
  const picture = run === undefined ? null : explainPicture(run)
  if (picture === null)
    throw fault('CLI_FILE', { file, reason: 'its first run shows no address, so there is no picture' })
  return renderPictureSvg(picture)
}

/** The page with a log in it. As data of a script, it could end that script only by a `<`. */
async function pageWith(log: string): Promise<string> {
  const page = await readFile(PAGE, 'utf8').catch((thrown: unknown) => {
    throw fileError(PAGE, thrown)
  })
  const data = log === '' ? '' : JSON.stringify(log).replaceAll('<', '\\u003c')
  return page.replace(EMPTY, () => EMPTY.replace('></', () => `>${data}</`))
}

const EMPTY = '<script id="given" type="application/json"></script>'
