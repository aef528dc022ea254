/** Why QEMU did not start. */

import { type FauxbootError, fault } from '../../agent/errors.js'

/** What QEMU says of a port that it cannot have; it does not say why. */
const NO_PORT = /Could not set up host forwarding rule 'tcp:127\.0\.0\.1:(\d+)-/

/**
 * @param name of the board
 * @param words how QEMU ended, with what it said
 */
export function startFailure(name: string, words: string): FauxbootError {
  const doing = `starting ${name}`
  const port = NO_PORT.exec(words)?.[1]
  if (port === undefined) return fault('BUILD_TOOL', { doing, tool: 'qemu-system-arm', status: 'ended', reason: words })
  const reason = `QEMU cannot have port ${port} of 127.0.0.1: another program has it, or it is below 1024 and needs root`
  return fault('BUILD_INPUT', { doing, reason })
}
