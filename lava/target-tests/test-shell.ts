/**
 * The shell of a target with what tests expect there: LAVA's `lava-test-case` and `lava-test-set`, and scripts of
 * several lines. Both get there by being typed.
 */

import type { Expect } from '../console/expect.js'
import { type CommandResult, type Login, TargetShell } from '../console/target-shell.js'

/** For the tools and the script that runs. */
const FOLDER = '/tmp/fauxboot'
const SCRIPT = `${FOLDER}/script`

/** `lava-test-case NAME --result pass|fail|skip|unknown`, `lava-test-case NAME --shell COMMAND` */
const TEST_CASE = `#!/bin/sh
name=$1 how=$2
shift 2
result=$1
if [ "$how" = --shell ]; then
  result=fail
  sh -c "$*" && result=pass
fi
echo "<LAVA_SIGNAL_TESTCASE TEST_CASE_ID=$name RESULT=$result>"
`
/** `lava-test-set start NAME`, `lava-test-set stop` */
const TEST_SET = `#!/bin/sh
echo "<LAVA_SIGNAL_TESTSET $*>"
`

/**
 * Characters of a command that is typed as it is, and of each piece of a longer one: with its frame, a line stays below
 * the 1023 characters that busybox's line editor takes.
 */
const TYPED_LIMIT = 400
/** To write a piece of a file. */
const WRITE_MS = 10_000

export class TestShell {
  readonly #shell: TargetShell

  private constructor(shell: TargetShell) {
    this.#shell = shell
  }

  /**
   * Come to a shell, and put LAVA's tools there. A target that cannot store them just lacks them.
   *
   * @throws CONSOLE_SILENT if no shell answers
   */
  static async enter(expect: Expect, login: Login): Promise<TestShell> {
    const shell = new TestShell(await TargetShell.enter(expect, login))
    await shell.#write(`${FOLDER}/lava-test-case`, TEST_CASE)
    await shell.#write(`${FOLDER}/lava-test-set`, TEST_SET)
    return shell
  }

  /**
   * Run a command of one line or a script in a shell of its own, without input.
   *
   * @param onLine gets each line of the output as it comes
   * @throws CONSOLE_SILENT if it takes longer, or the shell is gone
   */
  async run(command: string, timeoutMs: number, onLine: (line: string) => void): Promise<CommandResult> {
    const path = `PATH=$PATH:${FOLDER}`
    if (command.length <= TYPED_LIMIT && !command.includes('\n')) {
      return this.#shell.run(`${path}; ${command}`, timeoutMs, onLine)
    }
    const written = await this.#write(SCRIPT, command)
    return written.status === 0 ? this.#shell.run(`${path} sh ${SCRIPT}`, timeoutMs, onLine) : written
  }

  /** Interrupt the running command. @throws CONSOLE_SILENT if the shell does not answer again */
  interrupt(): Promise<void> {
    return this.#shell.interrupt()
  }

  /** @returns the result of the first command that failed, or of the last one */
  async #write(file: string, text: string): Promise<CommandResult> {
    let result = await this.#shell.run(`mkdir -p ${FOLDER} && : >${file} && chmod 755 ${file}`, WRITE_MS)
    for (const piece of pieces(text)) {
      if (result.status !== 0) return result
      result = await this.#shell.run(`printf %b '${piece}' >>${file}`, WRITE_MS)
    }
    return result
  }
}

/** A text as arguments of `printf %b` (POSIX.1-2017, printf): printable ASCII without quotes. */
function* pieces(text: string): Generator<string> {
  let piece = ''
  for (const byte of Buffer.from(text)) {
    const plain = byte >= 0x20 && byte < 0x7f && byte !== 0x27 && byte !== 0x5c
    piece += plain ? String.fromCharCode(byte) : `\\0${byte.toString(8).padStart(3, '0')}`
    if (piece.length < TYPED_LIMIT) continue
    yield piece
    piece = ''
  }
  if (piece !== '') yield piece
}
