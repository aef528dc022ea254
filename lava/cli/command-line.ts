/** The `fauxboot` command: its table of commands. */

import { readFileSync } from 'node:fs'
import type { Command } from 'commander'
import type { Io, Terminal } from '../terminal/terminal.js'
import { createProgram, runProgram } from './program.js'

/** What a file of `commands/` exports: it declares options and examples, and acts. */
interface CommandModule {
  define(command: Command, terminal: Terminal): void
}

interface CommandRow {
  /** name and operands, for the list of commands */
  readonly usage: string
  readonly summary: string
  /** only the command that is asked for is loaded */
  load(): Promise<CommandModule>
}

const COMMANDS: Readonly<Record<string, CommandRow>> = {
  plan: {
    usage: 'plan',
    summary: 'show where a kernel would be placed and whether it would survive the jump; needs no board',
    load: () => import('./commands/plan.js'),
  },
  explain: {
    usage: 'explain <log>',
    summary: 'say what went wrong in the debug output of kexec-tools; needs no board',
    load: () => import('./commands/explain.js'),
  },
  console: {
    usage: 'console',
    summary: 'type at the faked U-Boot, with the jump left out; needs no board',
    load: () => import('./commands/console.js'),
  },
  boot: {
    usage: 'boot',
    summary: 'boot a kernel on a board and follow it to the jump',
    load: () => import('./commands/boot.js'),
  },
  acceptance: {
    usage: 'acceptance',
    summary: 'check a board: boot it several times, compare the target with the first stage, report',
    load: () => import('./commands/acceptance.js'),
  },
  pull: {
    usage: 'pull',
    summary: 'run jobs that KernelCI has for the boards of this lab',
    load: () => import('./commands/pull.js'),
  },
  bundle: {
    usage: 'bundle',
    summary: 'pack a job and its files into one ZIP',
    load: () => import('./commands/bundle.js'),
  },
  status: {
    usage: 'status [id]',
    summary: 'list the jobs of a board, or show one',
    load: () => import('./commands/status.js'),
  },
  log: { usage: 'log <id>', summary: 'print the log of a job', load: () => import('./commands/log.js') },
  cancel: { usage: 'cancel <id>', summary: 'cancel a job', load: () => import('./commands/cancel.js') },
  artifacts: {
    usage: 'artifacts',
    summary: 'list or remove the files kept on a board',
    load: () => import('./commands/artifacts.js'),
  },
  image: {
    usage: 'image',
    summary: 'build what a board boots from, and write its SD card',
    load: () => import('./commands/image.js'),
  },
  update: {
    usage: 'update',
    summary: 'give a board a new first stage, on its SD card, over the network',
    load: () => import('./commands/update.js'),
  },
  doctor: {
    usage: 'doctor',
    summary: 'say what this machine lacks, with the lines that mend it',
    load: () => import('./commands/doctor.js'),
  },
  completion: {
    usage: 'completion <shell>',
    summary: 'print what completes these commands in bash, zsh or fish',
    load: () => import('./commands/completion.js'),
  },
  board: { usage: 'board', summary: 'show what a board is and how it is', load: () => import('./commands/board.js') },
}

/** The names of all commands, in the order of `--help`. */
export const commandNames = (): string[] => Object.keys(COMMANDS)

/**
 * Run the command line.
 *
 * @param argv arguments after the command's own name
 * @returns the exit code; nothing is thrown
 */
export function run(argv: readonly string[], io: Io): Promise<number> {
  const [name = ''] = argv
  return runProgram(
    argv,
    io,
    async terminal => {
      const program = await createCommands(argv, terminal)
      await program.parseAsync(argv, { from: 'user' })
    },
    () => (name in COMMANDS ? `fauxboot ${name}` : 'fauxboot'),
  )
}

async function createCommands(argv: readonly string[], terminal: Terminal): Promise<Command> {
  const program = createProgram('fauxboot', terminal)
    .description('Plan, check and start kernels on boards whose boot loader has no network.')
    .version(packageVersion(), '-V, --version', 'print the version')
    .addHelpText('after', '\nExamples:\n  fauxboot plan --kernel zImage --ram 40000000-7fffffff\n  fauxboot help boot')
  const wanted = argv[0] === 'help' ? argv[1] : argv[0]
  for (const [name, row] of Object.entries(COMMANDS)) {
    // Completion needs the options of all commands.
    if (name !== wanted && wanted !== 'completion') {
      program.command(row.usage).description(row.summary)
      continue
    }
    const command = program.command(name).description(row.summary)
    const { define } = await row.load()
    define(command, terminal)
    command.option('--no-color', 'print without colours; so does NO_COLOR in the environment')
  }
  return program
}

/** From the package this file belongs to: two folders up in the sources, three in `dist`. */
export function packageVersion(): string {
  const up = import.meta.url.includes('/dist/lava/') ? '../../../package.json' : '../../package.json'
  const { version }: { version: string } = JSON.parse(readFileSync(new URL(up, import.meta.url), 'utf8'))
  return version
}
