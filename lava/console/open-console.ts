/** Consoles by URL. */

import { fault } from '../../agent/errors.js'
import type { ConsoleLine } from './console-line.js'

/**
 * Open the console of a board.
 *
 * @param url `telnet://HOST:PORT`, `tcp://HOST:PORT`, `rfc2217://HOST:PORT?baud=115200`, `serial:///dev/ttyUSB0?baud=115200`
 * or the path of a device
 * @throws CLI_USAGE for something else, CONSOLE_GONE when it cannot be opened, the signal's reason
 */
export async function openConsole(url: string, _signal: AbortSignal): Promise<ConsoleLine> {
  throw fault('CONSOLE_LINE', { path: url, reason: 'not yet' })
}
