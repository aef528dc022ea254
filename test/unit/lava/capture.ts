/** Streams that keep what is written to them, and the command line run on them. */

import { PassThrough, Readable } from 'node:stream'
import { run } from '../../../lava/cli/command-line.js'
import { type Io, type Output, Terminal } from '../../../lava/terminal/terminal.js'

export class Captured extends PassThrough {
  constructor(
    readonly isTTY = false,
    readonly columns = 100,
  ) {
    super()
    this.setEncoding('utf8')
  }

  /** All that was written. */
  get text(): string {
    this.#text += this.read() ?? ''
    return this.#text
  }
  #text = ''
}

export interface Surroundings {
  readonly env?: Readonly<Record<string, string>>
  readonly stdin?: string
  /** standard output and standard error are a terminal */
  readonly isTTY?: boolean
  readonly signal?: AbortSignal
  readonly stdout?: Output
}

export interface Result {
  readonly code: number
  readonly stdout: string
  readonly stderr: string
}

/** What a command sees, and what it has written. */
export function capture({ env = {}, stdin = '', isTTY = false, signal, ...given }: Surroundings = {}) {
  const stdout = new Captured(isTTY)
  const stderr = new Captured(isTTY)
  const input = Readable.from(stdin === '' ? [] : [Buffer.from(stdin)])
  const io: Io = { stdin: input, stdout, stderr, env, signal: signal ?? new AbortController().signal, ...given }
  return { io, stdout, stderr, terminal: new Terminal(io) }
}

/** Run `fauxboot` in this process. */
export async function fauxboot(argv: readonly string[], surroundings: Surroundings = {}): Promise<Result> {
  const { io, stdout, stderr } = capture(surroundings)
  const code = await run(argv, io)
  return { code, stdout: stdout.text, stderr: stderr.text }
}
