/** The TFTP server of `fauxboot boot --typed`: the files of one boot, from memory. */

import { TFTP_ERROR } from '../../agent/transfer/tftp/packets.js'
import { TftpServer } from '../../agent/transfer/tftp/server/server.js'

interface FileServer {
  /** UDP port */
  readonly port: number
  close(): void
}

/**
 * Serve files over TFTP.
 *
 * @param listen address and UDP port to listen on; 0: any free port
 * @param files by name
 * @param complain called when a request is refused; the board prints its own view of that
 * @throws TFTP_PROTOCOL if no port can be bound
 */
export type ServeFiles = (
  listen: { readonly address: string; readonly port: number },
  files: ReadonlyMap<string, Uint8Array>,
  complain: (problem: string) => void,
) => Promise<FileServer>

export const serveFiles: ServeFiles = (listen, files, complain) =>
  TftpServer.listen({
    ...listen,
    read(name) {
      const bytes = files.get(name)
      if (bytes === undefined) return { refused: TFTP_ERROR.fileNotFound, text: 'File not found' }
      return { size: bytes.length, read: (offset, length) => bytes.subarray(offset, offset + length) }
    },
    onRefused: ({ text }, name) => complain(`sending ${name}: ${text}`),
  })
