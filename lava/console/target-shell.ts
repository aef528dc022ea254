/**
 * The shell of a booted target, over its serial console. The output is a mix: the echo of typed text,
 * any number of CR and LF, and messages of the kernel, even in the middle of a word.
 *
 * So each command is framed by two markers. They are typed with a pair of quotes inside, which the shell removes: the
 * echo of the command never looks like its output. They are found again with kernel messages in between.
 */

import { randomBytes } from 'node:crypto'
import { FauxbootError } from '../../agent/errors.js'
import type { Expect } from './expect.js'

export interface Login {
  readonly user: string
  readonly password?: string
}

export interface CommandResult {
  /** exit status */
  readonly status: number
  /** its output, with LF at the ends of lines */
  readonly output: string
}

/** The time in front of a message of the kernel, `[   12.345678]` (printk, with or without caller): a regular expression. */
export const KERNEL_STAMP = String.raw`\[ *\d+\.\d+\]`

/** A message and the end of its line: `[   12.345678] random: crng init done`. */
const KERNEL_MESSAGE = String.raw`(?:${KERNEL_STAMP}[^\n]*\n)?`

/** How long a shell may take to answer with nothing to do, milliseconds. */
const ANSWER_MS = 10_000
/** Attempts at a first answer: the target may still be starting, and then input is lost. */
const ATTEMPTS = 6
/** Characters of a command's output that are kept, the latest. */
const OUTPUT_LIMIT = 65_536
/** How long a prompt for a password may take, milliseconds. */
const LOGIN_MS = 5_000

/** Never matches. */
const NOTHING = /(?!)/

/** Control-C, the `intr` character of a terminal (termios(3)). */
const INTERRUPT = '\u0003'

/** A text without the kernel's messages, even those in the middle of a line. */
export function withoutKernelMessages(text: string): string {
  return text.replace(new RegExp(KERNEL_MESSAGE, 'g'), '')
}

export class TargetShell {
  readonly #expect: Expect
  readonly #prefix = `fb${randomBytes(4).toString('hex')}`
  #count = 0

  private constructor(expect: Expect) {
    this.#expect = expect
  }

  /**
   * Come to a shell: log in where a login is asked for, and see that commands are answered.
   *
   * @throws CONSOLE_SILENT if no shell answers
   */
  static async enter(expect: Expect, login: Login): Promise<TargetShell> {
    const shell = new TargetShell(expect)
    await shell.#logIn(login)
    await shell.#probe()
    return shell
  }

  /**
   * Run a command in a shell of its own (`sh -c`), without input, and wait for its end.
   *
   * @param command one line
   * @param onLine gets each line of the output as it comes, however long the output is
   * @returns its status and the end of its output
   * @throws CONSOLE_SILENT if the command takes longer, or the shell is gone
   */
  async run(
    command: string,
    timeoutMs: number,
    onLine: (line: string) => void = () => undefined,
  ): Promise<CommandResult> {
    const marker = this.#nextMarker()
    const quoted = command.replaceAll("'", `'\\''`)
    const line = `${typed(`${marker}b:`)}; sh -c '${quoted}' </dev/null; ${typed(`${marker}e:$?:`)}\n`
    await this.#expect.type(line)
    await this.#expect.waitFor(framed(`${marker}b:`), {
      timeoutMs: ANSWER_MS,
      expected: `the shell to begin ${JSON.stringify(command)}`,
    })
    const piece = lineOrEnd(`${marker}e:`)
    const deadline = performance.now() + timeoutMs
    for (let output = ''; ; ) {
      const left = deadline - performance.now()
      // A command that talks without end would find its next line however late it is.
      const wanted = left > 0 ? piece : NOTHING
      const [, text = '', digits] = await this.#pieceOfOutput(wanted, command, Math.max(0, left), timeoutMs)
      const line = text.replace(/\r+$/, '')
      onLine(line)
      output = `${output}${line}\n`.slice(-OUTPUT_LIMIT)
      if (digits === undefined) continue
      return { status: Number(withoutKernelMessages(digits)), output: output.replace(/\r+\n/g, '\n').trim() }
    }
  }

  /** @throws CONSOLE_SILENT with the time that the whole command had */
  async #pieceOfOutput(piece: RegExp, command: string, left: number, whole: number): Promise<RegExpExecArray> {
    try {
      return await this.#expect.waitFor(piece, { timeoutMs: left, expected: `the end of ${JSON.stringify(command)}` })
    } catch (thrown) {
      if (!isSilence(thrown)) throw thrown
      throw new FauxbootError('CONSOLE_SILENT', { ...thrown.details, seconds: whole / 1000 }, { cause: thrown })
    }
  }

  /** Interrupt the running command and check that the shell answers again. @throws CONSOLE_SILENT */
  async interrupt(): Promise<void> {
    await this.#expect.type(`${INTERRUPT}\n`)
    await this.#probe()
  }

  async #logIn({ user, password }: Login): Promise<void> {
    // The prompt that ended the boot has been read already: an empty line makes getty or the shell say it again.
    await this.#expect.type('\n')
    if ((await this.#mayCome(/login: ?$/, LOGIN_MS)) === null) return
    await this.#expect.type(`${user}\n`)
    if ((await this.#mayCome(/[Pp]assword: ?$/, LOGIN_MS)) === null) return
    await this.#expect.type(`${password ?? ''}\n`)
  }

  async #probe(): Promise<void> {
    for (let attempt = 1; ; attempt++) {
      const marker = this.#nextMarker()
      await this.#expect.type(`${typed(`${marker}p:`)}\n`)
      if (attempt === ATTEMPTS) {
        await this.#expect.waitFor(framed(`${marker}p:`), { timeoutMs: ANSWER_MS, expected: 'a shell that answers' })
        return
      }
      if ((await this.#mayCome(framed(`${marker}p:`), ANSWER_MS)) !== null) return
    }
  }

  #nextMarker(): string {
    this.#count += 1
    return `${this.#prefix}-${this.#count}`
  }

  /** @returns null when it does not come in time */
  async #mayCome(pattern: RegExp, timeoutMs: number): Promise<RegExpExecArray | null> {
    try {
      return await this.#expect.waitFor(pattern, { timeoutMs })
    } catch (thrown) {
      if (isSilence(thrown)) return null
      throw thrown
    }
  }
}

/** An `echo` whose own echo differs from its output. */
const typed = (marker: string): string => `echo ${marker.slice(0, 1)}""${marker.slice(1)}`

const framed = (marker: string): RegExp => new RegExp(interleaved(marker))

/**
 * The next line of an output, or what stands before the marker that ends it, with the status in the second group. The
 * line end of a kernel message that has cut the marker ends no line.
 */
function lineOrEnd(marker: string): RegExp {
  const begun = [...marker].reduceRight(
    (rest, character) => `${character}(?:${KERNEL_MESSAGE}${rest})?`,
    `(?:\\d${KERNEL_MESSAGE}){0,3}`,
  )
  const status = `((?:\\d${KERNEL_MESSAGE}){1,3})`
  return new RegExp(`([^]*?)(?:${interleaved(marker)}${status}:|(?<!${begun}${KERNEL_STAMP}[^\\n]*)\\n)`)
}

/** A marker that a message of the kernel may cut in two. Markers hold nothing that a regular expression knows. */
const interleaved = (marker: string): string => [...marker].join(KERNEL_MESSAGE)

const isSilence = (thrown: unknown): thrown is FauxbootError =>
  thrown instanceof FauxbootError && thrown.code === 'CONSOLE_SILENT'
