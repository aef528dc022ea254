/** From power-on to the jump: the files go to the board's agent, and it boots them. */

import type { JobEvent } from '../../agent/boot/job.js'
import { faultOf } from '../../agent/errors.js'
import type { BoardClient } from '../board-client.js'
import { type BootWatcher, runJob, type Target, uploadTarget } from '../boot-job.js'
import type { Drive } from '../monitor/drives.js'

/**
 * A drive that boots a target through the agent's API.
 *
 * @param seconds how long the agent gets to answer after power-on
 */
export function driveBoard(client: BoardClient, target: Target, seconds: number): Drive {
  return async ({ note, signal, bootLoaderReached, handedOver }) => {
    await client.waitUntilReady(seconds, signal)
    bootLoaderReached()
    note(`the agent at ${client.url.href} answers`)
    const watcher = watch(note, handedOver)
    const { body } = await uploadTarget(client, target, watcher, signal)
    const { outcome } = await runJob(client, body, watcher, signal)
    if (outcome.error !== null) throw faultOf(outcome.error)
  }
}

function watch(note: (line: string) => void, handedOver: () => void): BootWatcher {
  return {
    uploads: () => undefined,
    uploaded: () => undefined,
    uploadEnded: (role, sent) => note(`${role}: ${sent === 0 ? 'the board has it already' : 'is on the board'}`),
    submitted: job => note(`job ${job.id} of the board`),
    event: event => {
      if (event.type === 'state' && event.state === 'loaded') handedOver()
      const line = lineOf(event)
      if (line !== null) note(line)
    },
    cancelled: (id, problem) =>
      note(problem === null ? `job ${id} is cancelled` : `job ${id} could not be cancelled: ${problem.message}`),
  }
}

function lineOf(event: JobEvent): string | null {
  switch (event.type) {
    case 'progress':
      return null
    case 'state':
      return event.error ? `${event.state}: ${event.error.message}` : event.state
    case 'finding':
      return `${event.severity}: ${event.message}`
    case 'log':
      return event.message
  }
}
