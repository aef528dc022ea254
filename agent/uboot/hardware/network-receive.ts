/** `tftpsrv`: a server for one file that a client puts. */

import { fault } from '../../errors.js'
import { pause, unlessAborted } from '../../transfer/abort.js'
import { TftpServer } from '../../transfer/tftp/server/server.js'
import type { TftpOptions } from './network.js'

/** RFC 1350: "not defined". */
const NOT_DEFINED = 0
/** Milliseconds that the last ACK gets to go out, and from one look to the next. */
const LAST_ACK_MS = 2000
const LOOK_MS = 10

/**
 * Wait for one file.
 *
 * @param sink receives the bytes in order; its error ends the transfer
 * @returns bytes
 * @throws TFTP_TIMEOUT if no client starts in time, TFTP_PROTOCOL; the error of the transfer; the reason of the signal
 */
export async function receiveOneFile(
  { port, timeoutMs, retries, signal, progress }: Omit<TftpOptions, 'server' | 'file'>,
  sink: (chunk: Uint8Array) => void,
): Promise<number> {
  let received = 0
  let begun = false
  let settle: { resolve(): void; reject(error: unknown): void } = { resolve() {}, reject() {} }
  const ended = new Promise<void>((resolve, reject) => {
    settle = { resolve, reject }
  })
  const server = await TftpServer.listen({
    port,
    timeoutMs,
    retries,
    write() {
      if (begun) return { refused: NOT_DEFINED, text: 'one file is enough' }
      begun = true
      return {
        progress,
        write(chunk) {
          sink(chunk)
          received += chunk.length
        },
        end: () => settle.resolve(),
        abort: error => settle.reject(error),
      }
    },
  })
  const timer = setTimeout(() => {
    if (!begun) settle.reject(fault('TFTP_TIMEOUT', { what: 'tftpsrv', attempts: retries, received }))
  }, timeoutMs * retries)
  try {
    await unlessAborted(ended, signal)
    for (let waited = 0; server.transfers > 0 && waited < LAST_ACK_MS; waited += LOOK_MS) await pause(LOOK_MS, signal)
    return received
  } finally {
    clearTimeout(timer)
    server.close()
  }
}
