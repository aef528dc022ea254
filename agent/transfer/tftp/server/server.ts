/** A TFTP server: it knows the protocol and its limits, and asks handlers for everything else. */

import { fault } from '../../../errors.js'
import { errorPacket, parseTftpPacket, TFTP_ERROR, type TftpRequest } from '../packets.js'
import { refuseStranger, type TftpNetwork, type TftpPeer, type TftpPort } from '../peer-socket.js'
import { udpNetwork } from '../udp.js'
import { ServerSession, type TftpIncoming, type TftpOutgoing } from './session.js'

export type { TftpIncoming, TftpOutgoing } from './session.js'

/** Why a request is refused: a number of RFC 1350 (`TFTP_ERROR`), and a text for the client's user. */
export interface TftpRefusal {
  readonly refused: number
  readonly text: string
}

type Answer<File> = File | TftpRefusal | Promise<File | TftpRefusal>

export interface TftpServerOptions {
  /** our address; default all of IPv4 */
  readonly address?: string
  /** UDP port; default 69, 0 for any */
  readonly port?: number
  /**
   * A client wants to read; without this handler, reading is refused. Its error goes to the client.
   *
   * @param name latin1, a byte a character, as the client sent it: not checked for `..` or slashes
   */
  read?(name: string, peer: TftpPeer): Answer<TftpOutgoing>
  /** A client wants to write. @param size bytes; null if the client does not say */
  write?(name: string, size: number | null, peer: TftpPeer): Answer<TftpIncoming>
  /** The number of RFC 1350 for what a handler throws; null: 3 where bytes are taken, else 0. */
  errorNumber?(error: unknown): number | null
  /** A request was refused. */
  onRefused?(refusal: TftpRefusal, name: string, peer: TftpPeer): void
  /** concurrent transfers; default 16 */
  readonly maxTransfers?: number
  /** concurrent transfers with one address; default 4 */
  readonly maxTransfersPerPeer?: number
  /** characters of a name; default 255 */
  readonly maxName?: number
  /** bytes of a file that is written; default no limit */
  readonly limit?: number
  /** the largest block that is granted, bytes; default 65464 */
  readonly blockSize?: number
  /** the largest window that is granted, blocks; default 64 */
  readonly windowSize?: number
  /** milliseconds of silence that count as a timeout; default 2000 */
  readonly timeoutMs?: number
  /** timeouts in a row that are borne; default 5 */
  readonly retries?: number
  /** UDP and time; default the system's */
  readonly network?: TftpNetwork
}

const DEFAULTS = {
  address: '0.0.0.0',
  port: 69,
  maxTransfers: 16,
  maxTransfersPerPeer: 4,
  maxName: 255,
  limit: Number.POSITIVE_INFINITY,
  blockSize: 65464,
  windowSize: 64,
  timeoutMs: 2000,
  retries: 5,
}

/** A transfer and the request that began it. */
interface Running {
  readonly session: ServerSession
  readonly request: Buffer
  readonly address: string
}

const isRefusal = (answer: TftpOutgoing | TftpIncoming | TftpRefusal): answer is TftpRefusal => 'refused' in answer

const refuse = (refused: number, text: string): TftpRefusal => ({ refused, text })

/** A server that listens. */
export class TftpServer {
  readonly #options: TftpServerOptions & typeof DEFAULTS
  readonly #network: TftpNetwork
  readonly #running = new Map<string, Running>()
  #listening: TftpPort | null = null

  private constructor(options: TftpServerOptions) {
    this.#options = { ...DEFAULTS, ...options }
    this.#network = options.network ?? udpNetwork
  }

  /** @throws TFTP_PROTOCOL when the port cannot be had */
  static async listen(options: TftpServerOptions): Promise<TftpServer> {
    const server = new TftpServer(options)
    const { address, port } = server.#options
    server.#listening = await server.#network.open({ address, port }, (datagram, from) => server.#heard(datagram, from))
    return server
  }

  /** UDP port that requests come to; 0 when it is closed */
  get port(): number {
    return this.#listening?.port ?? 0
  }

  /** transfers that are running */
  get transfers(): number {
    return this.#running.size
  }

  /** Stop at once; running transfers end with an ERROR packet. */
  close(): void {
    this.#listening?.close()
    this.#listening = null
    const error = fault('TFTP_PROTOCOL', { what: 'the TFTP server', reason: 'it was stopped' })
    for (const { session } of [...this.#running.values()]) session.cancel(error)
  }

  #heard(datagram: Uint8Array, peer: TftpPeer): void {
    const port = this.#listening
    const packet = parseTftpPacket(datagram)
    if (port === null || packet === null) return
    if (packet.op !== 'read' && packet.op !== 'write') {
      refuseStranger(port, packet, peer)
      return
    }
    const key = `${peer.address} ${peer.port}`
    const request = Buffer.from(datagram)
    const running = this.#running.get(key)
    // A repeated request, because our answer is late or lost; the transfer repeats that by itself.
    if (running?.request.equals(request) === true) return
    // A client with a new request on the same port has given up the earlier one.
    running?.session.cancel(fault('TFTP_PROTOCOL', { what: packet.file, reason: 'the client made another request' }))
    const refusal = this.#limit(packet, peer)
    if (refusal === null) this.#begin(key, request, packet, peer)
    else this.#refuse(refusal, packet, peer)
  }

  #refuse(refusal: TftpRefusal, { file }: TftpRequest, peer: TftpPeer): void {
    this.#listening?.send(errorPacket(refusal.refused, refusal.text.slice(0, 200)), peer)
    this.#options.onRefused?.(refusal, file, peer)
  }

  /** Refusals that need no handler. */
  #limit({ file, mode }: TftpRequest, { address }: TftpPeer): TftpRefusal | null {
    const { maxName, maxTransfers, maxTransfersPerPeer } = this.#options
    // netascii would change every 0x0a of a kernel.
    if (mode !== 'octet')
      return refuse(TFTP_ERROR.illegalOperation, 'only mode octet is served, set your client to binary')
    if (file.length > maxName) return refuse(TFTP_ERROR.accessViolation, `names have ${maxName} characters at most`)
    const busy = [...this.#running.values()].filter(({ session }) => !session.dallying)
    const ofPeer = busy.filter(running => running.address === address)
    if (busy.length < maxTransfers && ofPeer.length < maxTransfersPerPeer) return null
    return refuse(TFTP_ERROR.other, 'too many concurrent transfers, try again later')
  }

  #begin(key: string, request: Buffer, packet: TftpRequest, peer: TftpPeer): void {
    const { blockSize, windowSize, timeoutMs, retries, address, limit } = this.#options
    const session = new ServerSession({
      network: this.#network,
      peer,
      request: packet,
      limits: { blockSize, windowSize },
      timeoutMs,
      retries,
      address,
      limit,
      errorNumber: error => this.#options.errorNumber?.(error) ?? null,
      onEnd: () => {
        if (this.#running.get(key)?.session === session) this.#running.delete(key)
      },
    })
    this.#makeRoom()
    this.#running.set(key, { session, request, address: peer.address })
    this.#serve(session, packet, peer).catch((thrown: unknown) => {
      const text = thrown instanceof Error ? thrown.message : String(thrown)
      const number = this.#options.errorNumber?.(thrown) ?? TFTP_ERROR.other
      this.#turnAway(session, refuse(number, text), packet, peer)
    })
  }

  /** A client that puts many small files does not wait: the oldest finished transfer gives up its port. */
  #makeRoom(): void {
    if (this.#running.size < this.#options.maxTransfers) return
    const done = [...this.#running.values()].find(({ session }) => session.dallying)
    done?.session.leave()
  }

  async #serve(session: ServerSession, request: TftpRequest, peer: TftpPeer): Promise<void> {
    const { read, write } = this.#options
    const { op, file, options } = request
    if (op === 'read') {
      const answer = (await read?.(file, peer)) ?? refuse(TFTP_ERROR.accessViolation, 'nothing can be read here')
      if (isRefusal(answer)) this.#turnAway(session, answer, request, peer)
      else await session.send(answer)
      return
    }
    const told = options.get('tsize') ?? ''
    const size = /^\d{1,15}$/.test(told) ? Number(told) : null
    const answer =
      (await write?.(file, size, peer)) ?? refuse(TFTP_ERROR.accessViolation, 'nothing can be written here')
    if (isRefusal(answer)) this.#turnAway(session, answer, request, peer)
    else await session.receive(answer)
  }

  #turnAway(session: ServerSession, refusal: TftpRefusal, request: TftpRequest, peer: TftpPeer): void {
    this.#refuse(refusal, request, peer)
    session.cancel(refusal.text)
  }
}
