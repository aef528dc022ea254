/** From power-on to the jump: the files go to the board's agent, and it boots them. */

import type { BoardClient } from '../client/board-client.js'
import { type BootWatcher, type Target, uploadTarget } from '../client/boot-job.js'
import { eventLine } from '../client/event-line.js'
import { type BootMethod, bootOverHttp } from '../monitor/boot-methods.js'

/**
 * Boot a target through the agent's API.
 *
 * @param target is made when the board answers
 * @param waitSeconds how long the agent gets to answer after power-on
 */
export function bootPulledTarget(
  client: BoardClient,
  target: (signal: AbortSignal) => Promise<Target>,
  waitSeconds: number,
): BootMethod {
  return context => {
    const watcher = notes(context.note)
    const job = async (signal: AbortSignal) => (await uploadTarget(client, await target(signal), watcher, signal)).body
    return bootOverHttp({ client, job, watcher, waitSeconds })(context)
  }
}

/** Have the agent read a LAVA definition and boot what it says. @param waitSeconds as above */
export function bootLavaJob(client: BoardClient, definition: string, waitSeconds: number): BootMethod {
  return context => {
    const job = async () => ({ type: 'application/yaml', content: definition })
    return bootOverHttp({ client, job, watcher: notes(context.note), waitSeconds })(context)
  }
}

/** The events of the board's job, as lines. */
function notes(note: (line: string) => void): BootWatcher {
  return {
    uploads: () => undefined,
    uploaded: () => undefined,
    uploadEnded: (role, sent) => note(`${role}: ${sent === 0 ? 'the board has it already' : 'is on the board'}`),
    submitted: job => note(`job ${job.id} of the board`),
    event: event => {
      const line = eventLine(event)
      if (line !== null) note(line)
    },
    cancelled: (id, problem) =>
      note(problem === null ? `job ${id} is cancelled` : `job ${id} could not be cancelled: ${problem.message}`),
  }
}
