/** What Node's UDP costs by itself: a TFTP GET by a loop of one receive and one send, which checks nothing. */

import { createSocket } from 'node:dgram'
import { once } from 'node:events'
import { ackPacket, DATA_HEADER, parseTftpPacket, requestPacket } from '../../agent/transfer/tftp/packets.js'
import type { ProxiedServer } from '../interop/lossy-proxy.js'

/** A lost datagram would stop the loop for good. */
const LONGEST_MS = 60_000

/** @returns microseconds from one block to the next */
export async function bareMicroseconds(server: ProxiedServer, file: string, blockSize: number): Promise<number> {
  const lookup = (address: string, _: unknown, done: (error: null, address: string, family: number) => void): void =>
    done(null, address, 4)
  const socket = createSocket({ type: 'udp4', lookup, signal: AbortSignal.timeout(LONGEST_MS) })
  let blocks = 0
  socket.on('message', (datagram, { port, address }) => {
    const data = parseTftpPacket(datagram)?.op === 'data'
    if (data) blocks++
    socket.send(data ? ackPacket(blocks) : ackPacket(0), port, address)
    if (data && datagram.length < DATA_HEADER + blockSize) socket.close()
  })
  const started = performance.now()
  socket.send(requestPacket('read', file, new Map([['blksize', String(blockSize)]])), server.port, server.address)
  await once(socket, 'close')
  return ((performance.now() - started) * 1000) / Math.max(1, blocks)
}
