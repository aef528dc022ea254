/** `node dist/systemd/target/target.js --board NAME --out DIR`: make what `fauxboot acceptance` boots on a board. */

import { cp, mkdir, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { asFault, fault } from '../../agent/errors.js'
import { loadBoard } from '../boards/board.js'
import { debianKernel } from './debian-kernel.js'
import { targetRamdisk } from './target-ramdisk.js'

const USAGE = `Usage: node dist/systemd/target/target.js --board NAME --out DIR

Makes files to boot on a board: Debian's kernel (zImage), a ramdisk with a shell and the board's modules (ramdisk), and
the device tree (dtb) of boards that need one. Prints the options that give them to \`fauxboot acceptance\`.

  --board NAME   one of the files in systemd/boards
  --out DIR      folder for the files

Example: node dist/systemd/target/target.js --board cubieboard4 --out target
`

async function main(argv: string[]): Promise<void> {
  const { values } = parseArgs({
    args: argv,
    options: { board: { type: 'string' }, out: { type: 'string' }, help: { type: 'boolean', short: 'h' } },
  })
  if (values.help) return void process.stdout.write(USAGE)
  const { board: name, out } = values
  if (name === undefined || out === undefined) {
    throw fault('BUILD_INPUT', { doing: 'reading the command line', reason: '--board and --out are needed' })
  }
  const board = await loadBoard(name)
  const { kernel, dtbs } = await debianKernel('trixie')
  const files = [
    ['kernel', kernel, 'zImage'],
    ['ramdisk', await targetRamdisk({ loads: board.modules, withModules: true }), 'ramdisk'],
    ...(board.dtb === undefined ? [] : [['dtb', join(dtbs, board.dtb), 'dtb'] as const]),
  ] as const
  await mkdir(out, { recursive: true })
  const options: string[] = []
  for (const [role, from, to] of files) {
    const path = join(out, to)
    await cp(from, path)
    process.stdout.write(`${((await stat(path)).size / 2 ** 20).toFixed(1).padStart(7)} MiB  ${path}\n`)
    options.push(`--${role} ${path}`)
  }
  const { tty, baud } = board.console
  process.stdout.write(`options: ${options.join(' ')} --append "console=${tty},${baud}"\n`)
}

main(process.argv.slice(2)).catch((error: unknown) => {
  const { message, exitCode } = asFault(error, 'making a target')
  process.stderr.write(`${message}\n`)
  process.exitCode = exitCode
})
