/** A UDP proxy for TFTP that loses, doubles, reorders and delays datagrams, the same ones for the same seed. */

import { createSocket, type RemoteInfo, type Socket } from 'node:dgram'
import { once } from 'node:events'

export interface Impairment {
  /** share of datagrams that are lost, 0 to 1 */
  readonly loss: number
  /** share that come twice */
  readonly duplication: number
  /** share that come after the datagram that follows them */
  readonly reordering: number
  /** milliseconds that every datagram takes longer; default none */
  readonly delayMs?: number
}

/** Where a server listens for requests, on loopback. */
export interface ProxiedServer {
  readonly address: string
  readonly port: number
}

export interface LossyProxy {
  /** where clients send their requests to */
  readonly port: number
  close(): void
}

/** How long a datagram waits for one that overtakes it. */
const HELD_MS = 5
const BUFFER_BYTES = 4 << 20

/** Numbers from 0 to 1 that look random: xorshift of 32 bits. */
export function seededRandom(seed: number): () => number {
  let state = seed | 1
  return () => {
    state ^= state << 13
    state ^= state >>> 17
    state ^= state << 5
    return (state >>> 0) / 2 ** 32
  }
}

/** One direction between two ends. */
class Path {
  readonly #impairment: Impairment
  readonly #random: () => number
  readonly #deliver: (datagram: Buffer) => void
  #held: { readonly datagram: Buffer; readonly timer: NodeJS.Timeout } | null = null

  constructor(impairment: Impairment, random: () => number, deliver: (datagram: Buffer) => void) {
    this.#impairment = impairment
    this.#random = random
    const { delayMs = 0 } = impairment
    this.#deliver = delayMs === 0 ? deliver : datagram => void setTimeout(() => deliver(datagram), delayMs)
  }

  take(datagram: Buffer): void {
    const { loss, duplication, reordering } = this.#impairment
    if (this.#random() < loss) return
    if (this.#held === null && this.#random() < reordering) {
      this.#held = { datagram, timer: setTimeout(() => this.#release(), HELD_MS) }
      return
    }
    this.#deliver(datagram)
    if (this.#random() < duplication) this.#deliver(datagram)
    this.#release()
  }

  #release(): void {
    if (this.#held === null) return
    clearTimeout(this.#held.timer)
    this.#deliver(this.#held.datagram)
    this.#held = null
  }
}

/** What a client sees of the server, and what the server sees of the client: one socket each. */
class Relay {
  readonly #toClient: Socket
  readonly #toServer: Socket
  /** the server's port: that of its transfer, once that is known */
  #serverPort: number
  readonly up: Path

  #closed = false

  constructor(client: RemoteInfo, server: ProxiedServer, impairment: Impairment, random: () => number) {
    this.#serverPort = server.port
    this.#toClient = createSocket({ type: 'udp4', recvBufferSize: BUFFER_BYTES })
    this.#toServer = createSocket({ type: 'udp4', recvBufferSize: BUFFER_BYTES })
    // A relay that is closed loses what it still holds.
    const send = (socket: Socket, datagram: Buffer, port: number, address: string): void => {
      if (!this.#closed) socket.send(datagram, port, address)
    }
    this.up = new Path(impairment, random, datagram => {
      const port = isRequest(datagram) ? server.port : this.#serverPort
      send(this.#toServer, datagram, port, server.address)
    })
    const down = new Path(impairment, random, datagram => send(this.#toClient, datagram, client.port, client.address))
    this.#toServer.on('message', (datagram, from) => {
      // A request that was doubled has two transfers. The client hears one of them; the other is told to end.
      if (this.#serverPort === server.port) this.#serverPort = from.port
      if (from.port === this.#serverPort) down.take(datagram)
      else send(this.#toServer, STRANGER, from.port, server.address)
    })
    this.#toClient.on('message', datagram => this.up.take(datagram))
    this.#toClient.bind(0, '127.0.0.1')
    this.#toServer.bind(0, '127.0.0.1')
  }

  close(): void {
    this.#closed = true
    this.#toClient.close()
    this.#toServer.close()
  }
}

/** RRQ or WRQ (RFC 1350 section 5). */
const isRequest = (datagram: Buffer): boolean => datagram[1] === 1 || datagram[1] === 2

/** ERROR 5 (RFC 1350 section 4). */
const STRANGER = Buffer.from('\0\x05\0\x05proxy: unknown transfer\0', 'latin1')

/** Start a proxy on 127.0.0.1. */
export async function startLossyProxy(
  server: ProxiedServer,
  impairment: Impairment,
  seed: number,
): Promise<LossyProxy> {
  const random = seededRandom(seed)
  const relays = new Map<number, Relay>()
  const socket = createSocket('udp4')
  socket.on('message', (datagram, client) => {
    const relay = relays.get(client.port) ?? new Relay(client, server, impairment, random)
    relays.set(client.port, relay)
    relay.up.take(datagram)
  })
  socket.bind(0, '127.0.0.1')
  await once(socket, 'listening')
  return {
    port: socket.address().port,
    close() {
      socket.close()
      for (const relay of relays.values()) relay.close()
    },
  }
}
