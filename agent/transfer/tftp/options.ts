/** What client and server agree on: RFC 2347, with blksize (RFC 2348), timeout and tsize (RFC 2349), windowsize (RFC 7440). */

import type { TftpOptionList, TftpRequest } from './packets.js'

/** RFC 1350: what holds where nothing was agreed on. */
const PLAIN_BLOCK_SIZE = 512

/** RFC 2348, RFC 2349 and RFC 7440 section 3. */
const RANGES: Readonly<Record<string, readonly [number, number]>> = {
  blksize: [8, 65464],
  timeout: [1, 255],
  tsize: [0, Number.MAX_SAFE_INTEGER],
  windowsize: [1, 65535],
}

export interface TftpAgreement {
  /** bytes of every block but the last, which is shorter */
  readonly blockSize: number
  /** blocks from one ACK to the next */
  readonly windowSize: number
  /** bytes of the file; null if the peer does not say */
  readonly size: number | null
  /** seconds after which the sides send again, null when it is left to them */
  readonly timeoutSeconds: number | null
}

/** What holds without options. */
export const PLAIN_AGREEMENT: TftpAgreement = {
  blockSize: PLAIN_BLOCK_SIZE,
  windowSize: 1,
  size: null,
  timeoutSeconds: null,
}

/** The value of an option, or null if its RFC does not allow it. */
function optionValue(name: string, text: string): number | null {
  const range = RANGES[name]
  if (range === undefined || !/^\d{1,16}$/.test(text)) return null
  const value = Number(text)
  return value >= range[0] && value <= range[1] ? value : null
}

/** An agreement as the options that request it; in a read request, `size` 0 asks for the size (RFC 2349). */
export function proposeOptions(proposal: TftpAgreement): TftpOptionList {
  const { blockSize, windowSize, size, timeoutSeconds } = proposal
  const options = new Map([['blksize', String(blockSize)]])
  if (size !== null) options.set('tsize', String(size))
  if (timeoutSeconds !== null) options.set('timeout', String(timeoutSeconds))
  // Defaults need not be requested.
  if (windowSize > 1) options.set('windowsize', String(windowSize))
  return options
}

/** Whether an accepted value may answer a proposed one: smaller where that is a concession, else the same. */
function answers(name: string, value: number, proposed: number): boolean {
  if (name === 'tsize') return true
  return name === 'timeout' ? value === proposed : value <= proposed
}

/**
 * Read the OACK to a proposal.
 *
 * @returns what holds from here on; a sentence when the server may not answer so, which is ERROR 8 (RFC 2347)
 */
export function readAcceptedOptions(accepted: TftpOptionList, proposal: TftpAgreement): TftpAgreement | string {
  const proposed = proposeOptions(proposal)
  const values: Record<string, number> = {}
  for (const [name, text] of accepted) {
    const asked = proposed.get(name)
    if (asked === undefined) return `the server accepts option ${name}, which was not asked for`
    const value = optionValue(name, text)
    if (value === null || !answers(name, value, Number(asked))) {
      return `the server accepts option ${name} with ${text}, asked for was ${asked}`
    }
    values[name] = value
  }
  return {
    blockSize: values.blksize ?? PLAIN_AGREEMENT.blockSize,
    windowSize: values.windowsize ?? PLAIN_AGREEMENT.windowSize,
    size: values.tsize ?? null,
    timeoutSeconds: values.timeout ?? null,
  }
}

export interface OptionLimits {
  /** the most that is granted, bytes */
  readonly blockSize: number
  /** the most that is granted, blocks */
  readonly windowSize: number
}

/**
 * Answer the options of a request. Options that are unknown or out of range are left out, as RFC 2347 wants it.
 *
 * @param size of the file that is read, null when it is not known; of no account for a write
 * @returns the agreement and the options of the OACK; without options there is no OACK
 */
export function answerOptions(
  { op, options: asked }: TftpRequest,
  size: number | null,
  limits: OptionLimits,
): { readonly agreement: TftpAgreement; readonly accepted: TftpOptionList } {
  const accepted = new Map<string, string>()
  const value = (name: string): number | null => optionValue(name, asked.get(name) ?? '')
  const grant = (name: string, granted: number | null): number | null => {
    if (granted !== null) accepted.set(name, String(granted))
    return granted
  }
  const atMost = (name: string, limit: number): number | null => {
    const wanted = value(name)
    return grant(name, wanted === null ? null : Math.min(wanted, limit))
  }
  const told = value('tsize')
  // RFC 2349: a reader asks for the size. curl takes the size of an empty file for an error, and can do without it.
  if (op === 'read' && told !== null && size !== null && size > 0) grant('tsize', size)
  const agreement = {
    blockSize: atMost('blksize', limits.blockSize) ?? PLAIN_AGREEMENT.blockSize,
    windowSize: atMost('windowsize', limits.windowSize) ?? PLAIN_AGREEMENT.windowSize,
    timeoutSeconds: grant('timeout', value('timeout')),
    size: op === 'write' ? grant('tsize', told) : size,
  }
  return { agreement, accepted }
}
