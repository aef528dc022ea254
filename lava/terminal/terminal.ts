/** What a command knows about the outside: its streams, the environment, and requests to stop. */

import type { Readable, Writable } from 'node:stream'
import type { ErrorJson } from '../../agent/errors.js'

/** An output stream: `process.stdout`, `process.stderr`, or a `PassThrough` in tests. */
export type Output = Writable & { readonly isTTY?: boolean; readonly columns?: number }

export interface Io {
  readonly stdin: Readable
  readonly stdout: Output
  readonly stderr: Output
  readonly env: Readonly<Record<string, string | undefined>>
  /** aborted with an `Interruption` by Ctrl-C and SIGTERM */
  readonly signal: AbortSignal
}

/** A request to stop, with the exit code for the shell: 128 + the signal's number. */
export class Interruption extends Error {
  override readonly name = 'Interruption'
  readonly exitCode: number

  constructor(signal: 'SIGINT' | 'SIGTERM') {
    super(`interrupted by ${signal}`)
    this.exitCode = signal === 'SIGINT' ? 130 : 143
  }
}

/** SGR parameters of ECMA-48 section 8.3.117, set and reset. */
const STYLES = {
  bold: [1, 22],
  dim: [2, 22],
  red: [31, 39],
  green: [32, 39],
  yellow: [33, 39],
  cyan: [36, 39],
} as const
export type Style = keyof typeof STYLES

/** Results go to standard output, everything about the way there to standard error. */
export class Terminal {
  /** exit code of the process, unless an error sets another */
  exitCode = 0
  /** `--no-color` was given */
  plain = false
  /** results are printed as JSON; null while the command line is not parsed */
  json: boolean | null = null
  readonly #closed = new AbortController()

  constructor(readonly io: Io) {
    // `fauxboot log j1 | head -1`: the reader is gone. That is not an error, but printing can stop.
    for (const stream of [io.stdout, io.stderr]) {
      stream.on('error', (error: NodeJS.ErrnoException) => {
        if (error.code !== 'EPIPE') throw error
        if (stream === io.stdout) this.#closed.abort()
      })
    }
  }

  /** Aborted when standard output is closed. */
  get outputClosed(): AbortSignal {
    return this.#closed.signal
  }

  /** Whether a stream takes colours: it is a terminal, and neither NO_COLOR (no-color.org) nor `--no-color` is given. */
  hasColor(stream: Output): boolean {
    const { NO_COLOR, TERM } = this.io.env
    return stream.isTTY === true && !this.plain && !NO_COLOR && TERM !== 'dumb'
  }

  /** Text in a style, if the stream shows styles. */
  styled(style: Style, text: string, stream: Output = this.io.stdout): string {
    if (!this.hasColor(stream)) return text
    const [set, reset] = STYLES[style]
    return `\u001b[${set}m${text}\u001b[${reset}m`
  }

  /** Write a result; a missing last newline is added. */
  print(text: string): void {
    if (this.#closed.signal.aborted) return
    this.io.stdout.write(text.endsWith('\n') ? text : `${text}\n`)
  }

  printJson(value: unknown): void {
    this.print(JSON.stringify(value, null, 2))
  }

  /** Write an error as one line: JSON where the results are JSON. */
  fail(error: ErrorJson, json: boolean): void {
    this.note(json ? JSON.stringify(error) : `fauxboot: ${printable(error.message).replace(/\s*\n\s*/g, ' ')}`)
  }

  /** Write a line about the progress. */
  note(line: string): void {
    this.io.stderr.write(`${line}\n`)
  }
}

/**
 * Make text of others fit for a terminal: control characters, escape sequences among them, are replaced.
 *
 * @param text from a board, a job or a file
 */
export function printable(text: string): string {
  // biome-ignore lint/suspicious/noControlCharactersInRegex: searches for control characters
  return text.replace(/[\u0000-\u0008\u000b-\u001f\u007f-\u009f]/g, '\ufffd')
}
