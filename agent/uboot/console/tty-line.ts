/** The serial line of a board, and any other terminal by its path. */

import { closeSync, constants, openSync } from 'node:fs'
import { ReadStream, WriteStream } from 'node:tty'
import { fault } from '../../errors.js'
import type { ConsoleLine } from './console-line.js'
import { StreamLine } from './stream-line.js'

/** The calls of the addon that a serial line needs. */
export interface TtyCalls {
  rawTty(fd: number): void
  drainTty(fd: number): Promise<void>
}

/**
 * Open a terminal as a line, at the speed that it has.
 *
 * @param path `/dev/ttyS0`
 * @throws CONSOLE_LINE when it cannot be opened, or is no terminal
 */
export function openTty(path: string, calls: TtyCalls): ConsoleLine {
  let fd = -1
  try {
    // Without O_NONBLOCK, opening waits for a carrier; with O_NOCTTY, its signals do not reach us.
    fd = openSync(path, constants.O_RDWR | constants.O_NOCTTY | constants.O_NONBLOCK)
    calls.rawTty(fd)
    return new StreamLine(path, new ReadStream(fd), new WriteStream(fd), { drain: () => calls.drainTty(fd) })
  } catch (thrown) {
    if (fd >= 0) closeSync(fd)
    throw fault('CONSOLE_LINE', { path, reason: thrown instanceof Error ? thrown.message : String(thrown) }, thrown)
  }
}
