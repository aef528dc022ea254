/** The serial line of a board, and any other terminal by its path. */

import { close, closeSync, constants, openSync, writeSync } from 'node:fs'
import { ReadStream } from 'node:tty'
import { fault } from '../../errors.js'
import { StreamLine, type StreamLineOptions } from './stream-line.js'

/** The calls of the addon that a serial line needs. */
export interface TtyCalls {
  rawTty(fd: number): void
  drainTty(fd: number): Promise<void>
}

const NOTHING = new Uint8Array()

/**
 * Open a terminal as a line, at the speed that it has. The line ends when the terminal hangs up, or refuses to read or write.
 *
 * @param path `/dev/ttyS0`
 * @param damage see {@link StreamLineOptions.damage}
 * @throws CONSOLE_LINE when it cannot be opened, is no terminal, or has no hardware yet
 */
export function openTty(path: string, calls: TtyCalls, damage?: StreamLineOptions['damage']): StreamLine {
  let fd = -1
  try {
    // Without O_NONBLOCK, opening waits for a carrier; with O_NOCTTY, its signals do not reach us.
    fd = openSync(path, constants.O_RDWR | constants.O_NOCTTY | constants.O_NONBLOCK)
    calls.rawTty(fd)
    // The 8250 driver lets ports be opened that have no UART yet; only reading and writing give EIO.
    writeSync(fd, NOTHING)
    return openLine(path, fd, calls, damage)
  } catch (thrown) {
    if (fd >= 0) closeSync(fd)
    throw fault('CONSOLE_LINE', { path, reason: thrown instanceof Error ? thrown.message : String(thrown) }, thrown)
  }
}

/**
 * One stream for both directions: a WriteStream would block the process while the line is slow, a ReadStream writes without.
 * It reopens the terminal for itself; `fd` serves {@link TtyCalls.drainTty} and {@link writeNow}, and is closed after it.
 */
function openLine(path: string, fd: number, calls: TtyCalls, damage: StreamLineOptions['damage']): StreamLine {
  const stream = new ReadStream(fd)
  let isOpen = true
  const line = new StreamLine(path, stream, stream, {
    damage,
    writeNow: bytes => (isOpen ? writeNow(fd, bytes) : 0),
    drain: () => calls.drainTty(fd),
  })
  // A port is free for the next one who opens it only when every descriptor is closed. Not closeSync: closing may wait until
  // the hardware has sent what it holds.
  void line.ended.then(() => {
    isOpen = false
    close(fd)
  })
  return line
}

/** The call itself, without the cost of a stream. @returns bytes that the terminal took */
function writeNow(fd: number, bytes: string): number {
  try {
    return writeSync(fd, bytes, null, 'latin1')
  } catch {
    // The line is slow, or gone; the stream waits for it, or meets the same error and ends.
    return 0
  }
}

/** Codes of errors that may be over later: the driver is not loaded yet, the hardware is not there yet, or just goes. */
const ABSENT: readonly unknown[] = ['ENOENT', 'ENXIO', 'ENODEV', 'EIO', 'EAGAIN', 'EBUSY', 'ERR_TTY_INIT_FAILED']

/** Whether a terminal that could not be opened may be there later. */
export function mayComeLater(thrown: unknown): boolean {
  for (let cause = thrown; cause instanceof Error; cause = cause.cause) {
    if ('code' in cause && ABSENT.includes(cause.code)) return true
  }
  return false
}
