/** Serial ports of this machine. */

import type { SerialPort } from 'serialport'
import { fault } from '../../agent/errors.js'
import { unlessAborted } from '../../agent/transfer/abort.js'
import type { ConsoleLine } from './console-line.js'
import type { LineSettings } from './line-settings.js'
import { StreamConsole, streamReason } from './stream-console.js'

/** How often a port is asked whether it is still there, milliseconds. */
const LOOK_MS = 1000

/**
 * Close a port whose device is gone. The package mistakes the end of file that Linux reports for a terminal that was
 * hung up for "no data yet" and reads forever; the settings of such a terminal cannot be read.
 */
function closeWhenGone(port: SerialPort): void {
  const look = setInterval(async () => {
    try {
      await port.port?.getBaudRate()
    } catch (thrown) {
      if (port.isOpen) port.close(undefined, thrown instanceof Error ? thrown : new Error(String(thrown)))
    }
  }, LOOK_MS)
  port.once('close', () => clearInterval(look))
}

/**
 * Open a serial port exclusively.
 *
 * @param path of the device
 * @throws CONSOLE_GONE, the signal's reason
 */
export async function openSerialPort(
  name: string,
  path: string,
  { baud, parity, stop }: LineSettings,
  signal: AbortSignal,
): Promise<ConsoleLine> {
  // The package has a native part, so it loads only when a port is opened.
  const { SerialPort } = await import('serialport')
  // hupcl off: a reset line wired to DTR is left alone when the console is let go.
  const port = new SerialPort({
    ...{ path, baudRate: baud, parity, stopBits: stop, dataBits: 8 },
    ...{ hupcl: false, autoOpen: false, endOnClose: true },
  })
  const opened = new Promise<void>((resolve, reject) => {
    port.open(error => {
      if (error) reject(fault('CONSOLE_GONE', { console: name, reason: streamReason(error) }))
      else resolve()
    })
  })
  const shut = (): void => {
    if (port.isOpen) port.close()
  }
  try {
    await unlessAborted(opened, signal)
  } catch (thrown) {
    opened.then(shut, () => undefined)
    throw thrown
  }
  closeWhenGone(port)
  return new StreamConsole(name, port, undefined, shut)
}
