/** UDP and time inside the process: the same seed gives the same losses, and a second takes no time. */

import { setImmediate } from 'node:timers/promises'
import type {
  TftpNetwork,
  TftpPeer,
  TftpPort,
  TftpPortOptions,
} from '../../../../../agent/transfer/tftp/peer-socket.js'
import { seededRandom } from '../../../../interop/lossy-proxy.js'

export interface Weather {
  /** shares of datagrams, 0 to 1 */
  readonly loss?: number
  readonly duplication?: number
  readonly reordering?: number
  /** datagrams longer than this are lost: a path that drops IP fragments */
  readonly longest?: number
  readonly seed?: number
}

/** A datagram that was sent, as tests look at it. */
export interface Sent {
  readonly from: TftpPeer
  readonly to: TftpPeer
  readonly datagram: Buffer
}

/** Milliseconds from one end to the other, and what reordering adds. */
const DELAY_MS = 1
const DETOUR_MS = 3
/** A simulation that goes on for longer hangs. */
const LONGEST_MS = 3_600_000
/** Turns of the event loop without anything to do after which a simulation is stuck. */
const IDLE_TURNS = 1_000_000

type Receiver = (datagram: Uint8Array, from: TftpPeer) => void

export class SimulatedNetwork implements TftpNetwork {
  readonly #weather: Required<Weather>
  readonly #random: () => number
  readonly #receivers = new Map<string, Receiver>()
  #events: { readonly at: number; readonly order: number; readonly run: () => void }[] = []
  #now = 0
  #order = 0
  #nextPort = 40_000
  readonly sent: Sent[] = []
  /** bytes that ports say they can hold */
  bufferBytes = 8 << 20

  constructor(weather: Weather = {}) {
    this.#weather = { loss: 0, duplication: 0, reordering: 0, longest: 65_507, seed: 1, ...weather }
    this.#random = seededRandom(this.#weather.seed * 2_654_435_761)
  }

  now(): number {
    return this.#now
  }

  after(milliseconds: number, run: () => void): () => void {
    const event = { at: this.#now + milliseconds, order: this.#order++, run }
    this.#events.push(event)
    return () => {
      this.#events = this.#events.filter(other => other !== event)
    }
  }

  async open({ address, port }: TftpPortOptions, onDatagram: Receiver): Promise<TftpPort> {
    const host = address === '0.0.0.0' ? '10.0.0.2' : address === '::' ? 'fd00::2' : address
    const from = { address: host, port: port === 0 ? this.#nextPort++ : port }
    const key = `${from.address} ${from.port}`
    this.#receivers.set(key, onDatagram)
    return {
      port: from.port,
      bufferBytes: this.bufferBytes,
      send: (datagram, to) => this.#send({ from, to, datagram: Buffer.from(datagram) }),
      dally: () => undefined,
      close: () => {
        this.#receivers.delete(key)
      },
    }
  }

  /** Ports that are open. */
  get ports(): number {
    return this.#receivers.size
  }

  #send(sent: Sent): void {
    const { loss, duplication, reordering, longest } = this.#weather
    this.sent.push(sent)
    if (sent.datagram.length > longest || this.#random() < loss) return
    this.#arrive(sent, this.#random() < reordering ? DETOUR_MS : DELAY_MS)
    if (this.#random() < duplication) this.#arrive(sent, DELAY_MS)
  }

  #arrive({ from, to, datagram }: Sent, delay: number): void {
    this.after(delay, () => this.#receivers.get(`${to.address} ${to.port}`)?.(datagram, from))
  }

  /** Let time pass until the promise settles. */
  async run<T>(promise: Promise<T>): Promise<T> {
    let settled = false
    const settle = (): void => {
      settled = true
    }
    promise.then(settle, settle)
    await setImmediate()
    // Names are looked up in real time, while nothing happens here.
    for (let idle = 0; !settled; idle++) {
      if (this.#step()) idle = 0
      else if (idle > IDLE_TURNS) throw new Error('nothing happens any more, and nobody is done')
      await setImmediate()
    }
    return promise
  }

  /** Let time pass until nothing is to come. */
  async drain(): Promise<void> {
    do await setImmediate()
    while (this.#step())
  }

  #step(): boolean {
    const [next] = this.#events.sort((a, b) => a.at - b.at || a.order - b.order)
    if (next === undefined) return false
    if (next.at > LONGEST_MS) throw new Error('an hour has passed')
    this.#events = this.#events.filter(event => event !== next)
    this.#now = next.at
    next.run()
    return true
  }
}
