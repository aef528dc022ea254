/** Who keeps a place when more clients connect than there are places. */

import type { Socket } from 'node:net'
import type { RequestTurns } from './request-turns.js'

interface Connection {
  /** of the other end */
  readonly network: string
  /** its client may change things, so it keeps its place */
  kept: boolean
}

export class Connections {
  readonly #max: number
  readonly #turns: RequestTurns
  /** the oldest first */
  readonly #open = new Map<Socket, Connection>()

  /**
   * @param max connections at a time
   * @param turns know which connections are busy
   */
  constructor(max: number, turns: RequestTurns) {
    this.#max = max
    this.#turns = turns
  }

  /** Give a new connection a place. If none is free, another connection ends, or this one if all others are kept. */
  add(socket: Socket): void {
    if (this.#open.size >= this.#max && !this.#makeRoom()) {
      socket.destroy()
      return
    }
    this.#open.set(socket, { network: networkOf(socket.remoteAddress ?? ''), kept: false })
    socket.once('close', () => this.#open.delete(socket))
  }

  /** From now on the connection keeps its place. */
  keep(socket: Socket): void {
    const connection = this.#open.get(socket)
    if (connection !== undefined) connection.kept = true
  }

  /**
   * End a connection of the network that has the most: one that waits for a request if there is one, else one that reads
   * an answer; the oldest of these. So a client cannot take the places of others, but only those of its own network.
   */
  #makeRoom(): boolean {
    const candidates = [...this.#open].filter(([, { kept }]) => !kept)
    const counts = new Map<string, number>()
    for (const [, { network }] of candidates) counts.set(network, (counts.get(network) ?? 0) + 1)
    const most = Math.max(...counts.values())
    const crowd = candidates.filter(([, { network }]) => counts.get(network) === most).map(([socket]) => socket)
    const ended = crowd.find(socket => !this.#turns.isBusy(socket)) ?? crowd[0]
    if (ended === undefined) return false
    ended.destroy()
    this.#open.delete(ended)
    return true
  }
}

/** An IPv4 address, or the first 64 bits of an IPv6 address: a single host may use every address below them. */
export function networkOf(address: string): string {
  // `::ffff:10.0.2.2` is an IPv4 client of an IPv6 socket.
  if (address.includes('.')) return address.slice(address.lastIndexOf(':') + 1)
  const [head = '', tail] = address.split('::')
  const groups = head === '' ? [] : head.split(':')
  if (tail !== undefined) {
    const last = tail === '' ? [] : tail.split(':')
    while (groups.length + last.length < 8) groups.push('0')
  }
  return groups.slice(0, 4).join(':')
}
