/**
 * The packets of TFTP as bytes: RFC 1350 section 5, with the options of RFC 2347 after requests.
 *
 * Text is latin1, a byte a character. What cannot be a packet is `null`, never an error: a datagram may come from anyone.
 */

/** RFC 1350 section 5; OACK is RFC 2347. */
const OPCODE = { read: 1, write: 2, data: 3, ack: 4, error: 5, options: 6 } as const

/** Error codes: RFC 1350 appendix, and 8 from RFC 2347. */
export const TFTP_ERROR = {
  other: 0,
  fileNotFound: 1,
  accessViolation: 2,
  diskFull: 3,
  illegalOperation: 4,
  unknownTransfer: 5,
  fileExists: 6,
  noSuchUser: 7,
  options: 8,
} as const

/** Names are lower-case; RFC 2347 compares them without regard to case. */
export type TftpOptionList = ReadonlyMap<string, string>

export interface TftpRequest {
  readonly op: 'read' | 'write'
  readonly file: string
  /** lower-case */
  readonly mode: string
  readonly options: TftpOptionList
}

export type TftpPacket =
  | TftpRequest
  | { readonly op: 'data'; readonly block: number; readonly payload: Uint8Array }
  | { readonly op: 'ack'; readonly block: number }
  | { readonly op: 'error'; readonly number: number; readonly text: string }
  | { readonly op: 'options'; readonly options: TftpOptionList }

/** Longer requests and OACKs are not read; RFC 2347 allows 512, and some clients send long names beyond it. */
const LONGEST_STRINGS = 1024
/** Characters of an error's text that are kept. */
const LONGEST_ERROR = 256
/** More pairs than any client sends. */
const MOST_OPTIONS = 32

/** Opcode, and a block number or an error code. */
const DATA_HEADER = 4

/** The strings that end in a zero byte; null when the last one does not end. */
function readStrings(bytes: Buffer): string[] | null {
  if (bytes.length > LONGEST_STRINGS || bytes.at(-1) !== 0) return null
  return bytes.toString('latin1', 0, bytes.length - 1).split('\0')
}

function readOptions(strings: readonly string[]): TftpOptionList | null {
  if (strings.length % 2 !== 0 || strings.length > 2 * MOST_OPTIONS) return null
  const options = new Map<string, string>()
  for (let at = 0; at < strings.length; at += 2) {
    const name = (strings[at] ?? '').toLowerCase()
    // RFC 2347: an option may be given once only. The first one counts.
    if (!options.has(name)) options.set(name, strings[at + 1] ?? '')
  }
  return options
}

function readRequest(op: 'read' | 'write', bytes: Buffer): TftpRequest | null {
  const [file, mode, ...rest] = readStrings(bytes) ?? []
  if (file === undefined || file === '' || mode === undefined) return null
  const options = readOptions(rest)
  return options && { op, file, mode: mode.toLowerCase(), options }
}

/** Error texts go to consoles and logs: nothing in them may move a cursor. They often lack their zero byte. */
function readErrorText(bytes: Buffer): string {
  const end = bytes.indexOf(0)
  const text = bytes.toString('latin1', 0, Math.min(end < 0 ? bytes.length : end, LONGEST_ERROR))
  return text.replace(/[^\x20-\x7e\xa0-\xff]/g, '?')
}

/**
 * Read a datagram.
 *
 * @returns null when it is no TFTP packet; the payload of DATA is a view of `datagram`
 */
export function parseTftpPacket(datagram: Uint8Array): TftpPacket | null {
  if (datagram.length < 2) return null
  const bytes = Buffer.from(datagram.buffer, datagram.byteOffset, datagram.length)
  const opcode = bytes.readUInt16BE(0)
  if (opcode === OPCODE.read) return readRequest('read', bytes.subarray(2))
  if (opcode === OPCODE.write) return readRequest('write', bytes.subarray(2))
  if (opcode === OPCODE.options) {
    // An OACK that accepts nothing is two bytes.
    const strings = bytes.length === 2 ? [] : readStrings(bytes.subarray(2))
    const options = strings && readOptions(strings)
    return options && { op: 'options', options }
  }
  if (bytes.length < DATA_HEADER) return null
  const number = bytes.readUInt16BE(2)
  if (opcode === OPCODE.data) return { op: 'data', block: number, payload: bytes.subarray(DATA_HEADER) }
  // Some servers pad their ACKs; bytes after the number mean nothing.
  if (opcode === OPCODE.ack) return { op: 'ack', block: number }
  if (opcode === OPCODE.error) return { op: 'error', number, text: readErrorText(bytes.subarray(DATA_HEADER)) }
  return null
}

const strings = (opcode: number, words: Iterable<string>): Buffer =>
  Buffer.concat([Buffer.of(0, opcode), Buffer.from(Array.from(words, word => `${word}\0`).join(''), 'latin1')])

/**
 * A request in mode octet.
 *
 * @param file without zero bytes; see `isTftpName`
 */
export const requestPacket = (op: 'read' | 'write', file: string, options: TftpOptionList): Buffer =>
  strings(OPCODE[op], [file, 'octet', ...[...options].flat()])

export const optionsPacket = (options: TftpOptionList): Buffer => strings(OPCODE.options, [...options].flat())

/** @param block counted from 1 without rollover: RFC 1350 knows 16 bits only, and the number after 65535 is 0 */
export function dataPacket(block: number, payload: Uint8Array): Buffer {
  const packet = Buffer.allocUnsafe(DATA_HEADER + payload.length)
  packet.writeUInt16BE(OPCODE.data, 0)
  packet.writeUInt16BE(block & 0xffff, 2)
  packet.set(payload, DATA_HEADER)
  return packet
}

/** @param block as for `dataPacket` */
export function ackPacket(block: number): Buffer {
  return Buffer.of(0, OPCODE.ack, (block >> 8) & 0xff, block & 0xff)
}

export const errorPacket = (number: number, text: string): Buffer =>
  Buffer.concat([Buffer.of(0, OPCODE.error, 0, number), Buffer.from(`${text.replaceAll('\0', '')}\0`, 'latin1')])

/** Whether a file's name can be asked for: some bytes, no zero, and short enough for one request of 512 octets. */
export const isTftpName = (file: string): boolean => /^[^\0\u0100-\uffff]{1,400}$/s.test(file)
