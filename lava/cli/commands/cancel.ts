/** `fauxboot cancel`: end a job. */

import type { Command } from 'commander'
import type { Terminal } from '../../terminal/terminal.js'
import { addBoardOptions, type BoardOptions, boardClient } from './board-options.js'

export function define(command: Command, terminal: Terminal): void {
  addBoardOptions(command, terminal)
    .argument('<id>', 'the job')
    .addHelpText(
      'after',
      `
Examples:
  fauxboot cancel --board http://board:8080 JOB`,
    )
    .action(async (id: string, options: BoardOptions) => {
      const client = await boardClient(options, 'cancel')
      const job = await client.cancel(id, terminal.io.signal)
      if (options.json) terminal.printJson(job)
      else terminal.print(`job ${job.id} is ${job.state}`)
    })
}
