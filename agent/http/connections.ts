/** Who keeps a place when more clients connect than there are places. */

import type { Socket } from 'node:net'
import type { RequestTurns } from './request-turns.js'

/**
 * Milliseconds that a new connection keeps its place: a client that means well sends its request in them, and so may show
 * the token. Hundreds may be accepted before a byte of any of them is read.
 */
const NEW_MS = 1000
/**
 * Rounds of the event loop that it keeps its place, too. The first may accept it, and the next may find hundreds of requests
 * to answer before this one: on a busy board that takes more than a second.
 */
const NEW_ROUNDS = 2
/** Connections that may be new at a time, in multiples of the places. Old and new ones fit into LimitNOFILE of the unit. */
const MOST_NEW = 4

interface Connection {
  readonly socket: Socket
  /** of the other end */
  readonly network: string
  /** when it was opened, milliseconds */
  readonly since: number
  /** and in which round of the event loop */
  readonly round: number
  /** its client may change things, so it keeps its place */
  kept: boolean
  /** requests for which it is being found out whether their client may change things */
  undecided: number
}

export class Connections {
  readonly #max: number
  readonly #turns: RequestTurns
  readonly #now: () => number
  readonly #round: () => number
  /** the oldest first */
  readonly #open = new Map<Socket, Connection>()

  /**
   * @param max connections at a time
   * @param turns know which connections are busy
   * @param now milliseconds of a clock that only goes forward
   * @param round number of the event loop's round
   */
  constructor(
    max: number,
    turns: RequestTurns,
    now: () => number = () => performance.now(),
    round: () => number = () => performance.nodeTiming.uvMetricsInfo.loopCount,
  ) {
    this.#max = max
    this.#turns = turns
    this.#now = now
    this.#round = round
  }

  /** Give a new connection a place. If none is free, others end, or this one if all others are kept. */
  add(socket: Socket): void {
    while (this.#open.size >= this.#max && this.#makeRoom());
    if (this.#open.size >= this.#max && this.#keptCount() >= this.#max) {
      socket.destroy()
      return
    }
    const network = networkOf(socket.remoteAddress ?? '')
    this.#open.set(socket, {
      ...{ socket, network, since: this.#now(), round: this.#round() },
      ...{ kept: false, undecided: 0 },
    })
    socket.once('close', () => this.#open.delete(socket))
  }

  /**
   * The connection keeps its place if its client may change things. Until that is known it counts as new: a file with the
   * token is not read at once while the threads of libuv are busy.
   *
   * @param allowed whether the client may; what it rejects with goes to its other listeners
   */
  async keepIf(socket: Socket, allowed: Promise<boolean>): Promise<void> {
    const connection = this.#open.get(socket)
    if (connection === undefined) return
    connection.undecided++
    const mayChange = await allowed.catch(() => false)
    connection.undecided--
    connection.kept ||= mayChange
  }

  /** End all of them. */
  end(): void {
    for (const socket of this.#open.keys()) socket.destroy()
  }

  #keptCount(): number {
    return [...this.#open.values()].filter(({ kept }) => kept).length
  }

  /**
   * End a connection of the network that has the most: one that waits for a request if there is one, else one that reads
   * an answer; the oldest of these. So a client cannot take the places of others, but only those of its own network. A new
   * connection ends only when there are too many of them.
   *
   * @returns false: none can end
   */
  #makeRoom(): boolean {
    const newest = { since: this.#now() - NEW_MS, round: this.#round() - NEW_ROUNDS }
    const isOld = ({ since, round, undecided }: Connection): boolean =>
      since <= newest.since && round <= newest.round && undecided === 0
    const candidates = [...this.#open.values()].filter(({ kept }) => !kept)
    const old = candidates.filter(isOld)
    const ending = old.length === 0 && candidates.length >= this.#max * MOST_NEW ? candidates : old
    const counts = new Map<string, number>()
    for (const { network } of candidates) counts.set(network, (counts.get(network) ?? 0) + 1)
    let [ended, most]: [Socket | undefined, number] = [undefined, 0]
    for (const { socket, network } of ending) {
      const rank = 2 * (counts.get(network) ?? 0) + (this.#turns.isBusy(socket) ? 0 : 1)
      if (rank > most) [ended, most] = [socket, rank]
    }
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
