/** What every command line of fauxboot has in common: how it prints help, fails, and ends. */

import { Command, CommanderError } from 'commander'
import { asFault, type FauxbootError, fault } from '../../agent/errors.js'
import { Interruption, type Io, Terminal } from '../terminal/terminal.js'

/** A command that prints through the terminal and throws instead of ending the process. */
export function createProgram(name: string, terminal: Terminal): Command {
  const { stdout, stderr } = terminal.io
  return new Command(name)
    .configureOutput({
      writeOut: text => terminal.print(text),
      // The help of a bare `fauxboot` goes this way. Usage errors do not: `runProgram` reports them like all others.
      writeErr: text => stderr.write(text),
      outputError: () => undefined,
      getOutHelpWidth: () => stdout.columns ?? 100,
      getErrHelpWidth: () => stderr.columns ?? 100,
    })
    .exitOverride()
    .hook('preAction', (_, command) => {
      const { color, json } = command.opts()
      terminal.plain = color === false
      // `--json FILE` leaves standard output to people; `--json -` does not.
      terminal.json = json === true || json === '-'
    })
}

/**
 * Run a command line to its end.
 *
 * @param argv arguments after the command's own name
 * @param main parses them and acts
 * @param commandOf the command that a usage error is about, as a person would type it
 * @returns the exit code; nothing is thrown
 */
export async function runProgram(
  argv: readonly string[],
  io: Io,
  main: (terminal: Terminal) => Promise<void>,
  commandOf: () => string,
): Promise<number> {
  const terminal = new Terminal(io)
  try {
    await main(terminal)
    return terminal.exitCode
  } catch (thrown) {
    return report(thrown, argv, terminal, commandOf)
  }
}

/** commander's codes after it printed help or the version. */
const HELP_CODES = ['commander.help', 'commander.helpDisplayed', 'commander.version']

function report(thrown: unknown, argv: readonly string[], terminal: Terminal, commandOf: () => string): number {
  const { reason } = terminal.io.signal
  if (reason instanceof Interruption) {
    terminal.note('fauxboot: interrupted')
    return reason.exitCode
  }
  if (thrown instanceof CommanderError && HELP_CODES.includes(thrown.code)) return thrown.exitCode
  const usage = thrown instanceof CommanderError
  const error = usage ? usageFault(thrown, commandOf()) : asFault(thrown, 'running the command')
  terminal.fail(error.toJSON(), terminal.json ?? argv.includes('--json'))
  return error.exitCode
}

/** commander's sentence without its prefix and its full stop, on one line. Who comes from kexec types its `--initrd`. */
function usageFault(error: CommanderError, command: string): FauxbootError {
  const reason = error.message
    .replace(/^error: /, '')
    .replace(/\s*\n\s*/g, ' ')
    .replace(/\.$/, '')
    .replace(/^unknown option '--initrd\b.*'/, '$&: fauxboot calls it --ramdisk')
  return fault('CLI_USAGE', { reason, command }, error)
}
