/** Serial ports of this machine. */

import { fault } from '../../agent/errors.js'
import { unlessAborted } from '../../agent/transfer/abort.js'
import type { ConsoleLine } from './console-line.js'
import type { LineSettings } from './line-settings.js'
import { StreamConsole, streamReason } from './stream-console.js'

/**
 * Open a serial port; nobody else can then.
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
  // The package has a native part: whoever opens no port does not load it.
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
  return new StreamConsole(name, port, undefined, shut)
}
