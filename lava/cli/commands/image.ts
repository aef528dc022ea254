/** `fauxboot image`: what a board boots from, in files or on a card. */

import { stat } from 'node:fs/promises'
import { createInterface } from 'node:readline'
import type { Command } from 'commander'
import { fault } from '../../../agent/errors.js'
import { boardNames, loadBoard } from '../../../systemd/boards/board.js'
import { type Card, checkCard, readCard, writeCard } from '../../../systemd/image/card.js'
import { type MadeImage, makeImage } from '../../../systemd/image/image.js'
import { examine, installLine } from '../../doctor/checks.js'
import { thisMachine } from '../../doctor/machine-probe.js'
import { createProgress } from '../../terminal/progress.js'
import { formatBytes } from '../../terminal/quantities.js'
import type { Terminal } from '../../terminal/terminal.js'

interface ImageOptions {
  readonly board?: string
  readonly out?: string
  readonly tokenFile?: string
  readonly settings?: string
  readonly list?: boolean
  readonly write?: string
  readonly yes?: boolean
}

export function define(command: Command, terminal: Terminal): void {
  command
    .option('--board <name>', 'one of the boards of --list')
    .option('--out <dir>', 'folder for the files; fauxboot-NAME without it')
    .option(
      '--token-file <file>',
      'the token that clients must send to change anything; without one, only the board itself may',
    )
    .option('--settings <file>', 'more settings of the agent, as JSON: { "fetchRetries": 2 }')
    .option('--list', 'print the boards')
    .option('--write <device>', 'write the SD card, too: show what is on it, ask, write, and compare')
    .option('--yes', 'with --write: do not ask')
    .addHelpText(
      'after',
      `
Builds a board's first stage without root: Debian's kernel, its device tree, an initramfs with the agent and, for
boards that boot from one, the image of an SD card. What was built before comes from a cache. \`fauxboot doctor --for
image\` says what this machine lacks for it.

Examples:
  fauxboot image --list
  head -c 24 /dev/urandom | base64 > token
  fauxboot image --board cubieboard4 --token-file token
  sudo fauxboot image --board cubieboard4 --token-file token --write /dev/sdX`,
    )
    .action((options: ImageOptions) => image(options, terminal))
}

const usage = (reason: string) => fault('CLI_USAGE', { reason, command: 'fauxboot image' })

async function image(options: ImageOptions, terminal: Terminal): Promise<void> {
  if (options.list) return list(terminal)
  const { board: name, write, tokenFile, settings, yes = false } = options
  if (name === undefined) throw usage('no board given: use --board NAME; --list prints the names')
  const board = await loadBoard(name)
  if (write !== undefined && board.sd === undefined) throw usage(`${name} boots from no SD card: leave out --write`)
  // A wrong device is better refused before minutes of work.
  const card = write === undefined ? null : await readCard(write)
  if (card !== null) checkCard(card, 0)
  if (board.sd !== undefined) await checkPrograms()
  const out = options.out ?? `fauxboot-${name}`
  const request = { board: name, out, tokenFile, settings }
  const made = await makeImage(request, what => terminal.note(what), terminal.io.signal)
  for (const { path, size } of made.files) terminal.print(`${formatBytes(size).padStart(10)}  ${path}`)
  terminal.print(`command line: ${made.cmdline}`)
  if (card !== null && made.card !== null && !(await overwrite(card, made.card, yes, terminal))) return
  terminal.print(nextSteps(name, made, { tokenFile, written: card !== null, console: board.console }))
}

/** @throws BUILD_INPUT with the line that installs what this machine lacks */
async function checkPrograms(): Promise<void> {
  const lacking = (await examine(thisMachine, 'image')).filter(({ package: debian }) => debian !== undefined)
  const names = lacking.map(({ what }) => what).join(', ')
  if (names === '') return
  throw fault('BUILD_INPUT', { doing: 'building an image', reason: `${names} missing: ${installLine(lacking)}` })
}

async function list(terminal: Terminal): Promise<void> {
  for (const name of await boardNames()) {
    const { title, sd } = await loadBoard(name)
    terminal.print(`${name.padEnd(14)}${title}${sd === undefined ? '' : ', from an SD card'}`)
  }
}

/** Show a card, ask, and write it. @returns false when the answer was no */
async function overwrite(card: Card, path: string, yes: boolean, terminal: Terminal): Promise<boolean> {
  const { size } = await stat(path)
  checkCard(card, size)
  const { device, model, contents } = card
  terminal.note(`${device}: ${[model, formatBytes(card.size)].filter(Boolean).join(', ')}`)
  for (const line of contents.length === 0 ? ['empty'] : contents) terminal.note(`  ${line}`)
  if (!yes && !(await isConfirmed(device, terminal))) {
    terminal.note(`${device} is unchanged`)
    terminal.exitCode = 1
    return false
  }
  const progress = createProgress(terminal.io.stderr)
  try {
    await writeCard(device, path, (phase, done, total) => progress.update(phase, done, total), terminal.io.signal)
  } finally {
    progress.stop()
  }
  terminal.print(`${device}: written and compared`)
  return true
}

/** Only the device's own name is a yes. */
async function isConfirmed(device: string, terminal: Terminal): Promise<boolean> {
  const { stdin, stderr, signal } = terminal.io
  stderr.write(`All of it will be lost. Type ${device} to go on: `)
  const lines = createInterface({ input: stdin, signal })
  for await (const line of lines) {
    lines.close()
    return line.trim() === device
  }
  stderr.write('\n')
  return false
}

interface Situation {
  readonly tokenFile: string | undefined
  readonly written: boolean
  readonly console: { readonly tty: string; readonly baud: number }
}

/** What to do with the result. */
function nextSteps(name: string, { card }: MadeImage, { tokenFile, written, console }: Situation): string {
  const token = tokenFile === undefined ? '' : ` --token-file ${tokenFile}`
  const write = `sudo dd if=${card} of=/dev/sdX bs=1M conv=fsync    # or this command with --write /dev/sdX`
  const steps =
    card === null
      ? [
          `Let the board's boot loader load these files; a clone of fauxboot shows them in QEMU: npm run demo -- --board ${name}`,
        ]
      : [
          ...(written ? [] : [`Write the card; all of it is overwritten:\n       ${write}`]),
          `Put it into the board, connect the serial console (${console.tty}, ${console.baud} baud), and switch on.`,
          `Ask the board what it is:\n       fauxboot board --board http://ADDRESS:8080${token}`,
        ]
  const warning =
    tokenFile === undefined ? ['Without --token-file, only the board itself may start jobs over the network.'] : []
  const numbered = steps.map((step, index) => `  ${index + 1}. ${step}`)
  return ['', 'What to do now:', ...numbered, ...warning.map(line => `\n${line}`)].join('\n')
}
