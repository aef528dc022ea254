/** TFTP clients who ask and never acknowledge, begin and never go on, or send no TFTP at all. */

import { randomBytes } from 'node:crypto'
import { createSocket } from 'node:dgram'
import { once } from 'node:events'
import { setTimeout as pause } from 'node:timers/promises'
import { dataPacket, requestPacket } from '../../../agent/transfer/tftp/packets.js'
import { addressOf, HOST, PORTS } from '../addresses.js'
import type { Client } from '../client.js'

const OPTIONS = new Map([
  ['blksize', '1428'],
  ['windowsize', '16'],
])

/** The first datagrams of an exchange that goes no further. */
function datagrams(index: number): Uint8Array[] {
  const push = [requestPacket('write', `soak-${index}/kernel`, OPTIONS), dataPacket(1, randomBytes(512))]
  const read = [requestPacket('read', 'board.json', OPTIONS)]
  const noise = Array.from({ length: 200 }, () => randomBytes(1 + Math.floor(Math.random() * 600)))
  return [push, read, noise][index % 3] ?? []
}

export const tftpClients: readonly Client[] = [
  {
    name: 'TFTP, broken off',
    count: 15,
    rest: 5,
    async act(index) {
      const socket = createSocket('udp4')
      // The agent may have closed the port that a datagram goes to.
      socket.on('error', () => undefined)
      socket.bind(0, addressOf(index))
      await once(socket, 'listening')
      for (const datagram of datagrams(index)) socket.send(datagram, PORTS.tftp, HOST)
      await pause(3000)
      socket.close()
      return null
    },
  },
]
