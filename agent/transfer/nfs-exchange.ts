/**
 * Calls over UDP to one server, many at a time: each is known by its xid and by the port that it went to, and whatever
 * answers none of them is ignored.
 */

import { randomInt } from 'node:crypto'
import { isIPv6 } from 'node:net'
import { FauxbootError, fault } from '../errors.js'
import { callMessage, parseReply, type RpcCall, type RpcReply, replyXid } from './nfs-rpc.js'
import type { TftpNetwork, TftpPeer, TftpPort } from './tftp/peer-socket.js'
import { LazyTimer, Patience, RoundTrips } from './tftp/timers.js'

/** What becomes of a call. */
export interface CallWatch {
  answered(reply: RpcReply): void
  /** Nothing came in time. @returns whether to send it again */
  silent(): boolean
  /** the exchange is over */
  failed(error: unknown): void
}

interface Pending extends CallWatch {
  readonly call: RpcCall
  readonly port: number
  readonly datagram: Buffer
  readonly sentAt: number
  /** when it is sent again, or given up */
  deadline: number
  once: boolean
}

export interface ExchangeOptions {
  /** address of the server */
  readonly server: string
  readonly network: TftpNetwork
  /** milliseconds of silence that count as a timeout */
  readonly timeoutMs: number
  /** timeouts in a row that are borne */
  readonly retries: number
  /** a timeout */
  readonly onTimeout: () => void
  /** the server was silent for too long; what this returns ends the exchange */
  readonly onEnd: (attempts: number) => FauxbootError
}

/** Servers that want to hear root only look at the port (`secure` of exports(5)); below 665 are those of well-known services. */
const PRIVILEGED = { first: 665, last: 1023 }
const PRIVILEGED_ATTEMPTS = 3
const XIDS = 0x1_0000_0000

async function openPort(
  { network, server }: ExchangeOptions,
  onDatagram: (datagram: Uint8Array, from: TftpPeer) => void,
): Promise<TftpPort> {
  const address = isIPv6(server) ? '::' : '0.0.0.0'
  for (let attempt = 0; attempt < PRIVILEGED_ATTEMPTS; attempt++) {
    try {
      return await network.open({ address, port: randomInt(PRIVILEGED.first, PRIVILEGED.last + 1) }, onDatagram)
    } catch (thrown) {
      // In use, or not for us.
      if (!(thrown instanceof FauxbootError)) throw thrown
    }
  }
  return network.open({ address, port: 0 }, onDatagram)
}

export class RpcExchange {
  readonly #options: ExchangeOptions
  readonly #pending = new Map<number, Pending>()
  readonly #timer: LazyTimer
  readonly #patience: Patience
  readonly #roundTrips: RoundTrips
  #port: TftpPort | null = null
  #xid = randomInt(XIDS)
  #failure: { readonly error: unknown } | null = null

  private constructor(options: ExchangeOptions) {
    this.#options = options
    const { network, timeoutMs, retries, onTimeout, onEnd } = options
    this.#roundTrips = new RoundTrips(timeoutMs)
    this.#timer = new LazyTimer(network, () => this.#expire())
    this.#patience = new Patience(network, timeoutMs, retries, onTimeout, attempts => this.fail(onEnd(attempts)))
  }

  /** @throws TFTP_PROTOCOL when there is no UDP port to be had */
  static async open(options: ExchangeOptions): Promise<RpcExchange> {
    const exchange = new RpcExchange(options)
    exchange.#port = await openPort(options, (datagram, from) => exchange.#receive(datagram, from)).catch(thrown => {
      exchange.close()
      throw thrown
    })
    return exchange
  }

  /** bytes of replies that the system keeps for us while we are busy */
  get bufferBytes(): number {
    return this.#port?.bufferBytes ?? 0
  }

  /** Send a call; exactly one of `answered` and `failed` follows, or `silent` that says no. */
  send(port: number, call: RpcCall, watch: CallWatch): void {
    if (this.#failure !== null) {
      watch.failed(this.#failure.error)
      return
    }
    this.#xid = (this.#xid + 1) % XIDS
    const sentAt = this.#options.network.now()
    const deadline = sentAt + this.#roundTrips.interval
    const pending = { ...watch, call, port, datagram: callMessage(this.#xid, call), sentAt, deadline, once: true }
    // Nothing was asked of the server until now: its silence begins here.
    if (this.#pending.size === 0) this.#patience.heard()
    this.#pending.set(this.#xid, pending)
    this.#transmit(pending)
    this.#rearm()
  }

  /**
   * Call, as often as it takes.
   *
   * @throws what the exchange failed with
   */
  call(port: number, call: RpcCall): Promise<RpcReply> {
    return new Promise((resolve, reject) => {
      this.send(port, call, { answered: resolve, silent: () => true, failed: reject })
    })
  }

  /** Send a call whose reply nobody waits for. */
  notify(port: number, call: RpcCall): void {
    this.#xid = (this.#xid + 1) % XIDS
    this.#port?.send(callMessage(this.#xid, call), { address: this.#options.server, port })
  }

  /** End it: all that is called and will be called fails with this. */
  fail(error: unknown): void {
    if (this.#failure !== null) return
    this.#failure = { error }
    this.#timer.stop()
    this.#patience.pause()
    const pending = [...this.#pending.values()]
    this.#pending.clear()
    for (const { failed } of pending) failed(error)
  }

  /** Give the port back. */
  close(): void {
    this.fail(fault('NFS_PROTOCOL', { what: this.#options.server, reason: 'the exchange is closed' }))
    this.#port?.close()
  }

  #transmit({ datagram, port }: Pending): void {
    this.#port?.send(datagram, { address: this.#options.server, port })
  }

  #receive(datagram: Uint8Array, { address, port }: TftpPeer): void {
    const xid = replyXid(datagram)
    const pending = xid === null ? undefined : this.#pending.get(xid)
    if (xid === null || pending === undefined) return
    if (address !== this.#options.server || port !== pending.port) return
    this.#pending.delete(xid)
    if (pending.once) this.#roundTrips.measured(this.#options.network.now() - pending.sentAt)
    this.#heard()
    try {
      pending.answered(parseReply(datagram, `${pending.call.name} of ${this.#options.server}`))
    } catch (thrown) {
      pending.failed(thrown)
      this.fail(thrown)
    }
  }

  /** The server has all its time again, and needs none while nothing is asked of it. */
  #heard(): void {
    if (this.#pending.size > 0) this.#patience.heard()
    else this.#patience.pause()
  }

  /** Some calls have waited long enough. */
  #expire(): void {
    const { network } = this.#options
    const late = [...this.#pending].filter(([, { deadline }]) => deadline <= network.now())
    if (late.length > 0) this.#roundTrips.expired()
    for (const [xid, pending] of late) {
      // One that was sent once more may be answered at either time: it is no measure (Karn).
      pending.once = false
      pending.deadline = network.now() + this.#roundTrips.interval
      if (pending.silent()) this.#transmit(pending)
      else this.#pending.delete(xid)
    }
    if (this.#pending.size === 0) this.#patience.pause()
    this.#rearm()
  }

  /** Wake up for the call that has waited longest. */
  #rearm(): void {
    const next = Math.min(...Array.from(this.#pending.values(), ({ deadline }) => deadline))
    if (Number.isFinite(next)) this.#timer.set(Math.max(0, next - this.#options.network.now()))
  }
}
