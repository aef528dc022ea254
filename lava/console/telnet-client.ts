/**
 * The client's side of telnet (RFC 854): removes commands from the input, answers them, and escapes the output.
 * A server that echoes (RFC 857), sends without being asked (RFC 858) or sends all eight bits (RFC 856) may; of this side
 * only the last two are agreed to, and what was offered.
 */

import type { ConsoleCodec } from './stream-console.js'

const IAC = 255
const DONT = 254
const DO = 253
const WONT = 252
const WILL = 251
const SB = 250
const SE = 240
const CR = 13
const LF = 10

export const BINARY = 0
const ECHO = 1
const SUPPRESS_GO_AHEAD = 3

/** Bytes of a subnegotiation to keep; those that are answered here are shorter. */
const SUBNEGOTIATION_LIMIT = 256

export interface TelnetClientOptions {
  /** sends bytes as they are */
  readonly reply: (bytes: Uint8Array) => void
  /** options that this side offers at once */
  readonly offered?: readonly number[]
  /** called when the server has accepted or refused the offer */
  readonly answered?: (option: number, taken: boolean) => void
  /** called with the body of a subnegotiation */
  readonly subnegotiated?: (option: number, body: Uint8Array) => void
}

type State = 'data' | 'command' | 'option' | 'subnegotiation' | 'subnegotiation-command'

export class TelnetClient implements ConsoleCodec {
  readonly #options: TelnetClientOptions
  /** that this side would do */
  readonly #able: ReadonlySet<number>
  /** options that this side has enabled or offered */
  readonly #ours: Set<number>
  /** that the server does */
  readonly #theirs = new Set<number>()
  #state: State = 'data'
  #verb = 0
  #afterReturn = false
  #body: number[] = []

  constructor(options: TelnetClientOptions) {
    const { offered = [], reply } = options
    this.#options = options
    this.#able = new Set([BINARY, SUPPRESS_GO_AHEAD, ...offered])
    this.#ours = new Set(offered)
    if (offered.length > 0) reply(Uint8Array.from(offered.flatMap(option => [IAC, WILL, option])))
  }

  /** A subnegotiation, ready to be sent. */
  static subnegotiation(option: number, body: readonly number[]): Uint8Array {
    const quoted = body.flatMap(byte => (byte === IAC ? [IAC, IAC] : [byte]))
    return Uint8Array.from([IAC, SB, option, ...quoted, IAC, SE])
  }

  /** Bytes for the board: IAC doubled, and a bare return followed by NUL unless all eight bits are agreed on. */
  quote(bytes: Uint8Array): Uint8Array {
    const binary = this.#ours.has(BINARY)
    const quoted: number[] = []
    for (const [at, byte] of bytes.entries()) {
      quoted.push(byte)
      if (byte === IAC) quoted.push(IAC)
      if (byte === CR && !binary && bytes[at + 1] !== LF) quoted.push(0)
    }
    return Uint8Array.from(quoted)
  }

  receive(bytes: Uint8Array): Uint8Array {
    const data = new Uint8Array(bytes.length)
    let length = 0
    for (const byte of bytes) {
      if (!this.#isData(byte)) continue
      data[length] = byte
      length += 1
    }
    return data.subarray(0, length)
  }

  #isData(byte: number): boolean {
    switch (this.#state) {
      case 'data':
        return this.#data(byte)
      case 'command':
        return this.#command(byte)
      case 'option':
        this.#state = 'data'
        this.#option(byte)
        return false
      case 'subnegotiation':
        if (byte === IAC) this.#state = 'subnegotiation-command'
        else this.#collect(byte)
        return false
      case 'subnegotiation-command':
        this.#subnegotiationCommand(byte)
        return false
    }
  }

  #data(byte: number): boolean {
    // A return that is no line end comes as CR NUL.
    const padding = byte === 0 && this.#afterReturn && !this.#theirs.has(BINARY)
    this.#afterReturn = byte === CR
    if (byte === IAC) this.#state = 'command'
    return byte !== IAC && !padding
  }

  #command(byte: number): boolean {
    this.#state = 'data'
    if (byte === IAC) return true
    if (byte === SB) {
      this.#state = 'subnegotiation'
      this.#body = []
    } else if (byte >= WILL) {
      this.#state = 'option'
      this.#verb = byte
    }
    return false
  }

  #collect(byte: number): void {
    if (this.#body.length < SUBNEGOTIATION_LIMIT) this.#body.push(byte)
  }

  #subnegotiationCommand(byte: number): void {
    this.#state = byte === SE ? 'data' : 'subnegotiation'
    if (byte === IAC) this.#collect(byte)
    if (byte !== SE) return
    const [option, ...body] = this.#body
    if (option !== undefined) this.#options.subnegotiated?.(option, Uint8Array.from(body))
  }

  /** Only changes are answered, so that two sides cannot negotiate an option forever. */
  #option(option: number): void {
    const { offered = [], answered } = this.#options
    const reply = (verb: number): void => this.#options.reply(Uint8Array.of(IAC, verb, option))
    switch (this.#verb) {
      case DO:
        if (!this.#able.has(option)) reply(WONT)
        else if (!this.#ours.has(option)) {
          this.#ours.add(option)
          reply(WILL)
        }
        if (offered.includes(option)) answered?.(option, true)
        break
      case DONT:
        // A refused offer needs no answer, but one does no harm.
        if (this.#ours.delete(option)) reply(WONT)
        if (offered.includes(option)) answered?.(option, false)
        break
      case WILL:
        if (this.#theirs.has(option)) break
        if (option === ECHO || this.#able.has(option)) {
          this.#theirs.add(option)
          reply(DO)
        } else reply(DONT)
        break
      default:
        if (this.#theirs.delete(option)) reply(DONT)
    }
  }
}
