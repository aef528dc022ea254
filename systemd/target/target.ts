/** `node dist/systemd/target/target.js --board NAME --out DIR`: make what `fauxboot acceptance` or LAVA boots on a board. */

import { cp, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { asFault, fault } from '../../agent/errors.js'
import { makeFolder } from '../../agent/make-folder.js'
import { type Board, loadBoard } from '../boards/board.js'
import { debianKernel } from './debian-kernel.js'
import { makeLavaFiles, writeLavaJobs } from './lava-files.js'
import { targetRamdisk } from './target-ramdisk.js'

const USAGE = `Usage: node dist/systemd/target/target.js --board NAME --out DIR [--lava URL]

Makes files to boot on a board: Debian's kernel (zImage), a ramdisk with a shell and the board's modules (ramdisk), and
the device tree (dtb) of boards that need one. Prints the options that give them to \`fauxboot acceptance\`.

  --board NAME   one of the files in systemd/boards
  --out DIR      folder for the files
  --lava URL     makes what the example jobs in lava/definitions/jobs name instead, and writes the jobs to DIR/jobs, with
                 the board's device type and with files at URL, where a server offers DIR to LAVA's dispatcher

Examples:
  node dist/systemd/target/target.js --board cubieboard4 --out target
  node dist/systemd/target/target.js --board cubieboard4 --out lab --lava http://192.168.1.2:8000
`

/** @throws BUILD_INPUT */
function httpUrl(text: string): string {
  if (/^https?:\/\/[^\s/]/.test(text) && URL.canParse(text)) return text
  throw fault('BUILD_INPUT', { doing: 'reading the command line', reason: `--lava ${text} is no http:// URL` })
}

async function main(argv: string[]): Promise<void> {
  const { values } = parseArgs({
    args: argv,
    options: {
      board: { type: 'string' },
      out: { type: 'string' },
      lava: { type: 'string' },
      help: { type: 'boolean', short: 'h' },
    },
  })
  if (values.help) return void process.stdout.write(USAGE)
  const { board: name, out, lava } = values
  if (name === undefined || out === undefined) {
    throw fault('BUILD_INPUT', { doing: 'reading the command line', reason: '--board and --out are needed' })
  }
  const url = lava === undefined ? null : httpUrl(lava)
  const board = await loadBoard(name)
  await makeFolder(out)
  await (url === null ? forAcceptance(board, out) : forLava(board, out, url))
}

async function tell(path: string): Promise<void> {
  process.stdout.write(`${((await stat(path)).size / 2 ** 20).toFixed(1).padStart(7)} MiB  ${path}\n`)
}

async function forAcceptance(board: Board, out: string): Promise<void> {
  const { kernel, dtbs } = await debianKernel('trixie')
  const files = [
    ['kernel', kernel, 'zImage'],
    ['ramdisk', await targetRamdisk({ loads: board.modules, withModules: true }), 'ramdisk'],
    ...(board.dtb === undefined ? [] : [['dtb', join(dtbs, board.dtb), 'dtb'] as const]),
  ] as const
  const options: string[] = []
  for (const [role, from, to] of files) {
    const path = join(out, to)
    await cp(from, path)
    await tell(path)
    options.push(`--${role} ${path}`)
  }
  const { tty, baud } = board.console
  process.stdout.write(`options: ${options.join(' ')} --append "console=${tty},${baud}"\n`)
}

async function forLava(board: Board, out: string, url: string): Promise<void> {
  const jobs = await writeLavaJobs(board, url, out)
  for (const file of await makeLavaFiles(board, out)) await tell(join(out, file))
  process.stdout.write(`jobs: ${jobs.map(job => join(out, 'jobs', job)).join(' ')}\n`)
  const port = new URL(url).port || '80'
  process.stdout.write(`serve: python3 -m http.server --directory ${out} ${port}\n`)
}

main(process.argv.slice(2)).catch((error: unknown) => {
  const { message, exitCode } = asFault(error, 'making a target')
  process.stderr.write(`${message}\n`)
  process.exitCode = exitCode
})
