/** `npm run demo`: see fauxboot boot a kernel on an emulated board. */

import { InvalidArgumentError, Option } from 'commander'
import { createProgram, runProgram } from '../cli/program.js'
import { runProcess } from '../cli/run-process.js'
import type { Terminal } from '../terminal/terminal.js'
import { type DemoOptions, demonstrate } from './demonstration.js'

const COMMAND = 'npm run demo --'

async function demo(argv: readonly string[], terminal: Terminal): Promise<void> {
  await createProgram(COMMAND, terminal)
    .description("Boot Debian's kernel on an emulated board, over the network, and show it.")
    .option('--board <name>', 'a board of systemd/boards that QEMU emulates', 'virt')
    .option('--console', 'type the boot at the serial console, as LAVA does, with the files on a TFTP server')
    .option('--ramdisk-size <MiB>', 'fill the ramdisk up to this size', parseSize)
    .option('--keep', 'leave the board on afterwards, until Ctrl-C')
    .addOption(
      new Option('--stay', 'boot nothing: leave the board to you and its page, until Ctrl-C').conflicts('console'),
    )
    .option(
      '--port <number>',
      'the port of its page and its HTTP API on this machine; a free one without it',
      parsePort,
    )
    .option('--no-color', 'print without colours; so does NO_COLOR in the environment')
    .addHelpText(
      'after',
      `
Examples:
  npm run demo
  npm run demo -- --board orangepi-pc
  npm run demo -- --console
  npm run demo -- --ramdisk-size 200 --keep
  npm run demo -- --stay --port 8080`,
    )
    .action((options: DemoOptions) => demonstrate(options, terminal))
    .parseAsync(argv, { from: 'user' })
}

function parseSize(text: string): number {
  const size = Number(text)
  if (Number.isInteger(size) && size >= 1 && size <= 2048) return size
  throw new InvalidArgumentError('It must be a whole number of MiB between 1 and 2048.')
}

function parsePort(text: string): number {
  const port = Number(text)
  if (Number.isInteger(port) && port >= 1 && port <= 65535) return port
  throw new InvalidArgumentError('It must be a whole number between 1 and 65535.')
}

await runProcess((argv, io) =>
  runProgram(
    argv,
    io,
    terminal => demo(argv, terminal),
    () => COMMAND,
  ),
)
