/** `node dist/systemd/image/image.js --board NAME --out DIR`: build everything that a board boots from. */

import { cp, readFile, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { asFault, fault } from '../../agent/errors.js'
import { boardNames, loadBoard } from '../boards/board.js'
import type { LabSettings } from './agent-settings.js'
import { buildBoardImage, copyBoardImage } from './board-image.js'
import { buildSdImage } from './sd-image.js'

const USAGE = `Usage: node dist/systemd/image/image.js --board NAME --out DIR

Builds the first stage for a board: Debian's kernel, its device tree, an initramfs with the agent and, for boards that
boot from one, the image of an SD card. Parts that were built before come from .cache.

  --board NAME   one of the files in systemd/boards
  --out DIR      folder for the files
  --token-file F the token that clients must send to change anything; without one, only the board itself may
  --settings F   more settings of the agent, as JSON: { "fetchRetries": 2 }
  --list         print the names of the boards

Example: node dist/systemd/image/image.js --board cubieboard4 --token-file token --out out
`

async function main(argv: string[]): Promise<void> {
  const { values } = parseArgs({
    args: argv,
    options: {
      board: { type: 'string' },
      out: { type: 'string' },
      'token-file': { type: 'string' },
      settings: { type: 'string' },
      list: { type: 'boolean' },
      help: { type: 'boolean', short: 'h' },
    },
  })
  if (values.help) return void process.stdout.write(USAGE)
  if (values.list) return void process.stdout.write(`${(await boardNames()).join('\n')}\n`)
  if (values.board === undefined || values.out === undefined) {
    throw fault('BUILD_INPUT', { doing: 'reading the command line', reason: '--board and --out are needed' })
  }
  const board = await loadBoard(values.board)
  const built = await buildBoardImage(board, await labSettings(values))
  const { kernel, dtb, initramfs, cmdline } = await copyBoardImage(built, values.out)
  const paths = [kernel, ...(dtb === null ? [] : [dtb]), initramfs]
  if (board.sd !== undefined) {
    const card = join(values.out, 'sd.img')
    await cp(await buildSdImage(built), card)
    paths.push(card)
  }
  for (const path of paths) {
    const { size } = await stat(path)
    process.stdout.write(`${(size / 2 ** 20).toFixed(1).padStart(7)} MiB  ${path}\n`)
  }
  process.stdout.write(`command line: ${cmdline}\n`)
}

async function labSettings(paths: { 'token-file'?: string; settings?: string }): Promise<LabSettings> {
  const { 'token-file': tokenFile, settings } = paths
  const token = tokenFile === undefined ? undefined : (await readFile(tokenFile, 'utf8')).trim()
  if (token === '') throw fault('BUILD_INPUT', { doing: 'reading the token', reason: `${tokenFile} is empty` })
  return { token, settings: settings === undefined ? undefined : JSON.parse(await readFile(settings, 'utf8')) }
}

main(process.argv.slice(2)).catch((error: unknown) => {
  const { message, exitCode } = asFault(error, 'building a board image')
  process.stderr.write(`${message}\n`)
  process.exitCode = exitCode
})
