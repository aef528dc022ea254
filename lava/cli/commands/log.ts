/** `fauxboot log`: what happened to a job. */

import type { Command } from 'commander'
import { renderEvent } from '../../client/job-display.js'
import { printable, type Terminal } from '../../terminal/terminal.js'
import { addBoardOptions, type BoardOptions, boardClient } from './board-options.js'

interface LogOptions extends BoardOptions {
  readonly follow?: boolean
}

export function define(command: Command, terminal: Terminal): void {
  addBoardOptions(command, terminal)
    .argument('<id>', 'the job')
    .option('-f, --follow', 'keep printing until the job has ended')
    .addHelpText(
      'after',
      `
With --json each event is one line of JSON, until the job has ended; progress is among them.

Examples:
  fauxboot log --board http://board:8080 JOB
  fauxboot log --board http://board:8080 --follow JOB
  fauxboot log --board http://board:8080 --json JOB | jq .`,
    )
    .action(async (id: string, options: LogOptions) => {
      const client = await boardClient(options, 'log')
      const signal = AbortSignal.any([terminal.io.signal, terminal.outputClosed])
      try {
        if (options.follow || options.json) await printEvents()
        else terminal.print(printable(await client.log(id, signal)))
      } catch (thrown) {
        // A closed output ends the log and is not an error.
        if (!terminal.outputClosed.aborted) throw thrown
      }

      async function printEvents(): Promise<void> {
        for await (const event of client.events(id, signal)) {
          if (options.json) {
            terminal.print(JSON.stringify(event))
            continue
          }
          const text = renderEvent(terminal, event)
          if (text !== null) terminal.print(`${terminal.styled('dim', event.time)} ${text}`)
        }
      }
    })
}
