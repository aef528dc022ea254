/**
 * The shell of a target that has booted, over its serial console. What comes back is a mix: the echo of what was typed,
 * CR and LF in any number, and messages of the kernel, which may stand in the middle of a word.
 *
 * So each command is framed by two markers. They are typed with a pair of quotes inside, which the shell removes: the
 * echo of the command never looks like its output. They are found again with kernel messages in between.
 */

import { randomBytes } from 'node:crypto'
import { FauxbootError, fault } from '../../agent/errors.js'
import type { Typist } from '../monitor/typist.js'

export interface Login {
  readonly user: string
  readonly password?: string
}

export interface CommandResult {
  /** exit status */
  readonly status: number
  /** what it printed, with LF at the ends of lines */
  readonly output: string
}

/** A message of the kernel and the end of its line: `[   12.345678] random: crng init done` (printk, with or without caller). */
const KERNEL_MESSAGE = String.raw`(?:\[ *\d+\.\d+\][^\n]*\n)?`

/** How long a shell may take to answer with nothing to do, milliseconds. */
const ANSWER_MS = 10_000
/** Attempts at a first answer: the target may still be starting, and then input is lost. */
const ATTEMPTS = 6
/** How long a prompt for a password may take, milliseconds. */
const LOGIN_MS = 5_000

/** Control-C, the `intr` character of a terminal (termios(3)). */
const INTERRUPT = '\u0003'

export class TargetShell {
  readonly #board: string
  readonly #typist: Typist
  readonly #prefix = `fb${randomBytes(4).toString('hex')}`
  #count = 0

  private constructor(board: string, typist: Typist) {
    this.#board = board
    this.#typist = typist
  }

  /**
   * Come to a shell: log in where a login is asked for, and see that commands are answered.
   *
   * @param board its name, for errors
   * @throws PULL_SHELL when there is none
   */
  static async enter(board: string, typist: Typist, login: Login): Promise<TargetShell> {
    const shell = new TargetShell(board, typist)
    await shell.#logIn(login)
    await shell.#probe()
    return shell
  }

  /**
   * Run a command in a shell of its own (`sh -c`), without input, and wait for its end.
   *
   * @param command one line
   * @throws PULL_SHELL when it takes longer, or the shell is gone; the command was interrupted then
   */
  async run(command: string, timeoutMs: number): Promise<CommandResult> {
    const marker = this.#nextMarker()
    const quoted = command.replaceAll("'", `'\\''`)
    const line = `${typed(`${marker}b:`)}; sh -c '${quoted}' </dev/null; ${typed(`${marker}e:$?:`)}\n`
    await this.#typist.type(line)
    await this.#wait(framed(`${marker}b:`), ANSWER_MS, `the shell to begin ${JSON.stringify(command)}`)
    const end = new RegExp(`([^]*?)${interleaved(`${marker}e:`)}((?:\\d${KERNEL_MESSAGE}){1,3}):`)
    const match = await this.#wait(end, timeoutMs, `the end of ${JSON.stringify(command)}`)
    const [, output = '', digits = ''] = match
    return { status: Number(withoutKernelMessages(digits)), output: output.replace(/\r+\n/g, '\n').trim() }
  }

  /** End what still runs, and see that the shell is there again. @throws PULL_SHELL */
  async interrupt(): Promise<void> {
    await this.#typist.type(`${INTERRUPT}\n`)
    await this.#probe()
  }

  async #logIn({ user, password }: Login): Promise<void> {
    // The prompt that ended the boot has been read already: an empty line makes getty or the shell say it again.
    await this.#typist.type('\n')
    if ((await this.#mayCome(/login: ?$/, LOGIN_MS)) === null) return
    await this.#typist.type(`${user}\n`)
    if ((await this.#mayCome(/[Pp]assword: ?$/, LOGIN_MS)) === null) return
    await this.#typist.type(`${password ?? ''}\n`)
  }

  async #probe(): Promise<void> {
    for (let attempt = 1; ; attempt++) {
      const marker = this.#nextMarker()
      await this.#typist.type(`${typed(`${marker}p:`)}\n`)
      if (attempt === ATTEMPTS) {
        await this.#wait(framed(`${marker}p:`), ANSWER_MS, 'a shell that answers')
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
      return await this.#typist.waitFor(pattern, timeoutMs)
    } catch (thrown) {
      if (isSilence(thrown)) return null
      throw thrown
    }
  }

  async #wait(pattern: RegExp, timeoutMs: number, expected: string): Promise<RegExpExecArray> {
    try {
      return await this.#typist.waitFor(pattern, timeoutMs)
    } catch (thrown) {
      if (!isSilence(thrown)) throw thrown
      const found = String(thrown.details.found ?? '')
      throw fault('PULL_SHELL', { board: this.#board, seconds: timeoutMs / 1000, expected, found }, thrown)
    }
  }
}

/** An `echo` whose own echo does not look like what it prints. */
const typed = (marker: string): string => `echo ${marker.slice(0, 1)}""${marker.slice(1)}`

const framed = (marker: string): RegExp => new RegExp(interleaved(marker))

/** A marker that a message of the kernel may cut in two. Markers hold nothing that a regular expression knows. */
const interleaved = (marker: string): string => [...marker].join(KERNEL_MESSAGE)

const withoutKernelMessages = (text: string): string => text.replace(new RegExp(KERNEL_MESSAGE, 'g'), '')

const isSilence = (thrown: unknown): thrown is FauxbootError =>
  thrown instanceof FauxbootError && thrown.code === 'CONSOLE_SILENT'
