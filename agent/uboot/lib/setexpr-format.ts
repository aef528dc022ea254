/** `setexpr NAME fmt FORMAT [VALUE...]`: printf as bash has it, over 64-bit numbers that are read as hexadecimal. */

/** characters of the result */
const LONGEST = 127

const ESCAPES: Readonly<Record<string, string>> = {
  a: '\x07',
  b: '\b',
  e: '\x1b',
  f: '\f',
  n: '\n',
  r: '\r',
  t: '\t',
  v: '\v',
  '\\': '\\',
}

/** A text with its escapes replaced. `\c` ends it and the whole result. */
function escapesIn(text: string): { readonly text: string; readonly ended: boolean } {
  const end = /^(?:[^\\]|\\[^c])*?\\c/s.exec(text)?.[0].length
  const kept = end === undefined ? text : text.slice(0, end - 2)
  const plain = kept.replace(/\\(?:([0-7]{1,3})|([abefnrtv\\]))/g, (_, octal?: string, letter?: string) =>
    octal === undefined ? (ESCAPES[letter ?? ''] ?? '') : String.fromCharCode(Number.parseInt(octal, 8) & 0xff),
  )
  return { text: plain, ended: end !== undefined }
}

/** Hexadecimal with a sign before it, 64 bits wide. */
function number(text: string): bigint {
  const [, sign = '', digits = ''] = /^([+-]?)(?:0[xX])?([0-9a-fA-F]*)/.exec(text) ?? []
  const value = BigInt(`0x${digits === '' ? '0' : digits}`)
  return BigInt.asUintN(64, sign === '-' ? -value : value)
}

interface Spec {
  readonly flags: string
  readonly width: number
  readonly precision: number | null
  readonly conversion: string
}

const SIGNED = (value: bigint): string => BigInt.asIntN(64, value).toString()

const NUMBERS: Readonly<Record<string, (value: bigint) => string>> = {
  d: SIGNED,
  i: SIGNED,
  u: value => value.toString(),
  o: value => value.toString(8),
  x: value => value.toString(16),
  X: value => value.toString(16).toUpperCase(),
}

const PREFIXES: Readonly<Record<string, string>> = { o: '0', x: '0x', X: '0X' }

function padded(text: string, { flags, width }: Spec): string {
  return flags.includes('-') ? text.padEnd(width) : text.padStart(width)
}

/** @returns null for an unknown conversion */
function convert(spec: Spec, argument: string): string | null {
  const { flags, width, precision, conversion } = spec
  if (conversion === 's' || conversion === 'b') return padded(argument.slice(0, precision ?? argument.length), spec)
  if (conversion === 'c') return padded(argument.slice(0, 1), spec)
  const digits = NUMBERS[conversion]?.(number(argument))
  if (digits === undefined) return null
  const negative = digits.startsWith('-')
  const sign = negative
    ? '-'
    : SIGNED !== NUMBERS[conversion]
      ? ''
      : flags.includes('+')
        ? '+'
        : flags.includes(' ')
          ? ' '
          : ''
  const start = sign + (flags.includes('#') ? (PREFIXES[conversion] ?? '') : '')
  const zeros =
    flags.includes('0') && !flags.includes('-') && precision === null ? width - start.length : (precision ?? 0)
  return padded(start + digits.slice(negative ? 1 : 0).padStart(zeros, '0'), spec)
}

/**
 * Put values into a format.
 *
 * @param format as for bash's printf: `%d %i %u %o %x %X %s %b %c %%`, flags, width, precision, escapes
 * @returns the text, or the error
 */
export function formatValues(format: string, values: readonly string[]): { text: string } | { error: string } {
  const left = [...values]
  const start = escapesIn(format)
  const spec = /%(?:(%)|([-+ #0]*)(\d{0,4})(?:\.(\d{0,4}))?(.?))|[^%]+/gsy
  let text = ''
  for (const [piece, percent, flags = '', width = '', precision, conversion = ''] of start.text.matchAll(spec)) {
    if (!piece.startsWith('%')) text += piece
    else if (percent !== undefined) text += '%'
    else {
      const argument = left.shift() ?? ''
      const put = conversion === 'b' ? escapesIn(argument) : { text: argument, ended: false }
      const done = convert(
        {
          flags,
          width: Number(width),
          precision: precision === undefined ? null : Number(precision),
          conversion,
        },
        put.text,
      )
      if (done === null) return { error: `${piece}: invalid format` }
      text += done
      if (put.ended) break
    }
    if (text.length > LONGEST) return { error: 'result too long' }
  }
  return { text }
}
