/**
 * Telnet (RFC 854) around a console: removes commands from the input, answers them, and escapes the output. The
 * console echoes (RFC 857) and sends without being asked (RFC 858); every other option is refused. Bytes as latin1.
 */

const IAC = '\xff'
const DONT = '\xfe'
const DO = '\xfd'
const WONT = '\xfc'
const WILL = '\xfb'
/** subnegotiation: skipped up to its end, SE */
const SB = '\xfa'
const SE = '\xf0'
const INTERRUPT_PROCESS = '\xf4'
const BREAK = '\xf3'

const ECHO = '\x01'
const SUPPRESS_GO_AHEAD = '\x03'

/** data without a meaning of its own */
const PLAIN = /[^\xff\r]+/y

type State = 'data' | 'command' | 'option' | 'subnegotiation' | 'subnegotiation-command'

export class TelnetFilter {
  /** to be sent first: what this side does */
  static readonly greeting = IAC + WILL + ECHO + IAC + WILL + SUPPRESS_GO_AHEAD

  /** options of this side, announced by the greeting */
  readonly #ours = new Set([ECHO, SUPPRESS_GO_AHEAD])
  /** options that the other side does */
  readonly #theirs = new Set<string>()
  readonly #reply: (bytes: string) => void
  #state: State = 'data'
  #verb = ''
  /** to be sent when all of the input has been read */
  #answers = ''
  #afterReturn = false

  /** @param reply sends bytes as they are: the answers to one input together */
  constructor(reply: (bytes: string) => void) {
    this.#reply = reply
  }

  /** Quote data that goes out. */
  static quote(data: string): string {
    return data.replaceAll(IAC, IAC + IAC)
  }

  /** @returns the data in the input; telnet's interrupt and break become ^C */
  receive(bytes: string): string {
    let data = ''
    let at = 0
    while (at < bytes.length) {
      const end = this.#plainEnd(bytes, at)
      data += end > at ? bytes.slice(at, end) : this.#byte(bytes.charAt(at))
      at = Math.max(end, at + 1)
    }
    const answers = this.#answers
    this.#answers = ''
    if (answers !== '') this.#reply(answers)
    return data
  }

  /** @returns the end of the data without a meaning of its own that begins here; `at` if there is none */
  #plainEnd(bytes: string, at: number): number {
    if (this.#state !== 'data' || this.#afterReturn) return at
    PLAIN.lastIndex = at
    return PLAIN.test(bytes) ? PLAIN.lastIndex : at
  }

  #byte(byte: string): string {
    switch (this.#state) {
      case 'data':
        return this.#data(byte)
      case 'command':
        return this.#command(byte)
      case 'option':
        this.#option(byte)
        this.#state = 'data'
        return ''
      case 'subnegotiation':
        if (byte === IAC) this.#state = 'subnegotiation-command'
        return ''
      case 'subnegotiation-command':
        this.#state = byte === SE ? 'data' : 'subnegotiation'
        return ''
    }
  }

  #data(byte: string): string {
    // A return that is no line end comes as CR NUL.
    const padding = byte === '\0' && this.#afterReturn
    this.#afterReturn = byte === '\r'
    if (padding) return ''
    if (byte !== IAC) return byte
    this.#state = 'command'
    return ''
  }

  #command(byte: string): string {
    this.#state = 'data'
    if (byte === IAC) return IAC
    if (byte === SB) this.#state = 'subnegotiation'
    if (byte >= WILL) {
      this.#state = 'option'
      this.#verb = byte
    }
    return byte === INTERRUPT_PROCESS || byte === BREAK ? '\x03' : ''
  }

  /** Only changes are answered, so that two sides cannot negotiate an option forever. */
  #option(option: string): void {
    switch (this.#verb) {
      case DO:
        if (!this.#ours.has(option)) this.#answers += IAC + WONT + option
        break
      case DONT:
        if (this.#ours.delete(option)) this.#answers += IAC + WONT + option
        break
      case WILL:
        if (this.#theirs.has(option)) break
        if (option === SUPPRESS_GO_AHEAD) this.#theirs.add(option)
        this.#answers += IAC + (option === SUPPRESS_GO_AHEAD ? DO : DONT) + option
        break
      default:
        if (this.#theirs.delete(option)) this.#answers += IAC + DONT + option
    }
  }
}
