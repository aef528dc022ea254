/** One boot of one board, from power-on to the verdict. */

import { asFault, FauxbootError, fault } from '../../agent/errors.js'
import { pause } from '../../agent/transfer/abort.js'
import type { ConsoleLine } from '../console/console-line.js'
import { ConsoleExpect, type Expect } from '../console/expect.js'
import { consoleUrl, openConsole } from '../console/open-console.js'
import type { BootMethod } from './boot-methods.js'
import { type BootVerdict, BootWatch } from './boot-watch.js'
import { ConsoleLog } from './console-log.js'
import { ConsoleText } from './console-text.js'
import { type PowerCommands, powerCycle, switchOff } from './power.js'

export interface BoardSessionOptions {
  /** what `openConsole` takes */
  readonly console: string
  readonly power?: PowerCommands
  /** leave the board on at the end */
  readonly keepOn?: boolean
  readonly method: BootMethod
  /** what the target prints when it has booted: searched in each line, complete or not */
  readonly until: RegExp
  /** time limit for everything, milliseconds */
  readonly timeoutMs: number
  /** without a byte from the board after the jump, milliseconds */
  readonly silenceMs: number
  /** ids of signs that decide nothing */
  readonly tolerate?: readonly string[]
  /** what to do on a target that has booted, before it is switched off: what a test types */
  readonly whenBooted?: (expect: Expect, signal: AbortSignal) => Promise<void>
  /** called with text of the console as it comes, before its line is complete; ends of lines are `\n` alone */
  readonly onText?: (text: string) => void
  /** called with each line of the console, fit for a terminal */
  readonly onLine?: (line: string) => void
  readonly note?: (line: string) => void
  /** file for the log of the console, each line with its time */
  readonly logFile?: string
  readonly signal: AbortSignal
}

export interface BoardSessionResult {
  readonly verdict: BootVerdict
  readonly started: Date
  /** seconds */
  readonly duration: number
  /** the end of the console's text, at most {@link EXCERPT_LIMIT} characters */
  readonly excerpt: string
}

/** Characters; KCIDB takes as many (schema v5.3, `log_excerpt`). */
const EXCERPT_LIMIT = 16_384

/** A serial adapter powered by the board reappears within this time, milliseconds. */
const REOPEN_MS = 30_000
const REOPEN_EVERY_MS = 500

/** What a failure before the kernel is a sign of, by the beginning of its code. */
const SIGNS: readonly (readonly [code: string, sign: string])[] = [
  ['CONSOLE_SILENT', 'boot-loader'],
  ['BOOT_TYPED', 'boot-loader'],
  ['CONSOLE_', 'console'],
  ['POWER_', 'power'],
  ['BOARD_', 'agent'],
  ['AUTH_', 'agent'],
  ['', 'job'],
]

/** Codes with an HTTP status of requests that have to change, although only the lab can change them. */
const LAB_CODES = /^(?:AUTH_|JOB_BUSY|JOB_CANCELLED)/

/** What the user gave is wrong: no board is to blame, and there is no verdict. */
const USER_CODES = /^CLI_/

/**
 * Boot a board and watch it. Nothing about the board, its power or its console is thrown: it is a verdict.
 *
 * @throws CLI_USAGE for a console of no known kind, CLI_FILE for the log or the target's files, what `whenBooted` throws,
 *   the signal's reason; all once everything is put away
 */
export async function runBoardSession(options: BoardSessionOptions): Promise<BoardSessionResult> {
  consoleUrl(options.console)
  const { power = {}, keepOn = false, signal, note } = options
  const log = await ConsoleLog.open(options.logFile, EXCERPT_LIMIT)
  const started = new Date()
  const since = performance.now()
  try {
    const verdict = await new BoardSession(options, log).run()
    const duration = Math.round(performance.now() - since) / 1000
    return { verdict, started, duration, excerpt: log.excerpt }
  } finally {
    await log.close()
    if (power.off !== undefined && !keepOn) await switchOff(power.off, note)
    signal.throwIfAborted()
  }
}

class BoardSession {
  readonly #options: BoardSessionOptions
  readonly #log: ConsoleLog
  readonly #watch: BootWatch
  /** fires when there is nothing left to do */
  readonly #over = new AbortController()
  #poweredAt: number | undefined
  /** no fault of the board: thrown once all is put away */
  #problem: { readonly thrown: unknown } | null = null

  constructor(options: BoardSessionOptions, log: ConsoleLog) {
    const { until, silenceMs, tolerate } = options
    this.#options = options
    this.#log = log
    this.#watch = new BootWatch({ until, silenceMs, tolerate })
  }

  async run(): Promise<BootVerdict> {
    const { timeoutMs, signal } = this.#options
    const timer = setTimeout(() => {
      this.#watch.timeUp(timeoutMs / 1000)
      this.#over.abort(fault('CONSOLE_GONE', { console: this.#options.console, reason: 'the time is up' }))
    }, timeoutMs)
    const cancel = (): void => {
      this.#watch.decide({ outcome: 'infrastructure', sign: 'cancelled', reason: 'cancelled' })
      this.#over.abort(signal.reason)
    }
    signal.addEventListener('abort', cancel, { once: true })
    if (signal.aborted) cancel()
    try {
      await this.#work()
    } finally {
      clearTimeout(timer)
      signal.removeEventListener('abort', cancel)
    }
    if (this.#problem !== null) throw this.#problem.thrown
    return this.#watch.verdict
  }

  /** Everything there is to do, and putting it away. */
  async #work(): Promise<void> {
    let line: ConsoleLine | null = null
    let reading = Promise.resolve()
    let booting = Promise.resolve()
    try {
      line = await this.#powerAndConsole()
      const expect = this.#expectOn(line)
      reading = this.#read(line, expect).catch(thrown => this.#decideBy(thrown))
      booting = this.#boot(expect).catch(thrown => this.#decideBy(thrown))
      const { outcome, reason } = await this.#watch.verdict
      if (outcome === 'booted') {
        // Its job has ended too, but its followers may not know yet.
        await booting
        await this.#options.whenBooted?.(expect, this.#over.signal).catch((thrown: unknown) => {
          this.#problem ??= { thrown }
        })
      } else this.#over.abort(fault('CONSOLE_GONE', { console: line.name, reason }))
    } catch (thrown) {
      this.#decideBy(thrown)
    } finally {
      this.#over.abort()
      await booting
      await line?.close()
      await reading
    }
  }

  /** The console is opened first where that can be, so that no byte is missed. */
  async #powerAndConsole(): Promise<ConsoleLine> {
    const { console, power = {}, note } = this.#options
    const { signal } = this.#over
    if (power.on === undefined && power.reset === undefined) return openConsole(console, signal)
    const line = await openConsole(console, signal).catch(ignoreOutage)
    let ended = line === null
    void line?.ended.then(() => {
      ended = true
    })
    this.#poweredAt = performance.now()
    note?.(power.reset === undefined ? 'power on' : 'power reset')
    try {
      await powerCycle(power, signal)
    } catch (thrown) {
      await line?.close()
      throw thrown
    }
    return line === null || ended ? this.#reopen() : line
  }

  /** A serial adapter that has its power from the board is there some time after it. */
  async #reopen(): Promise<ConsoleLine> {
    const { signal } = this.#over
    for (const until = performance.now() + REOPEN_MS; performance.now() < until; ) {
      const line = await openConsole(this.#options.console, signal).catch(ignoreOutage)
      if (line !== null) return line
      await pause(REOPEN_EVERY_MS, signal)
    }
    return openConsole(this.#options.console, signal)
  }

  #expectOn(line: ConsoleLine): ConsoleExpect {
    const expect = new ConsoleExpect({ name: line.name, send: text => line.write(Buffer.from(text)) })
    const { signal } = this.#over
    signal.addEventListener('abort', () => expect.end(signal.reason), { once: true })
    return expect
  }

  async #read(line: ConsoleLine, expect: ConsoleExpect): Promise<void> {
    const text = new ConsoleText({
      onText: said => {
        this.#options.onText?.(said)
        expect.receive(said)
      },
      onLine: (said, continues) => {
        this.#log.add(said)
        this.#watch.line(said, continues)
        this.#options.onLine?.(said)
      },
    })
    for await (const bytes of line.input) {
      this.#watch.heard()
      text.receive(bytes)
      this.#watch.begun(text.begun)
      await this.#log.write()
    }
    text.flush()
    await this.#log.write()
    const gone = fault('CONSOLE_GONE', { console: line.name, reason: await line.ended })
    this.#decideBy(gone)
    expect.end(gone)
  }

  async #boot(expect: Expect): Promise<void> {
    const { method, note = () => undefined } = this.#options
    await method({
      expect,
      poweredAt: this.#poweredAt,
      bootLoaderReached: () => this.#watch.bootLoaderReached(),
      handedOver: () => this.#watch.handedOver(),
      note,
      signal: this.#over.signal,
    })
    this.#watch.jumped()
  }

  /** Turn an error into the verdict, unless there is one. */
  #decideBy(thrown: unknown): void {
    // Errors after the end of the session do not count.
    if (this.#over.signal.aborted) return
    const { code, statusCode, exitCode, message } = asFault(thrown, 'booting the board')
    if (USER_CODES.test(code)) this.#problem ??= { thrown }
    const [, sign = 'job'] = SIGNS.find(([start]) => code.startsWith(start)) ?? []
    // 4xx: the job itself is refused. In the error table, exit code 2 below 500 belongs to `fauxboot plan`.
    const lab = LAB_CODES.test(code) || (statusCode >= 500 && exitCode === 2)
    this.#watch.decide({ outcome: lab ? 'infrastructure' : 'failed', sign, reason: message })
  }
}

function ignoreOutage(thrown: unknown): null {
  if (thrown instanceof FauxbootError && thrown.code === 'CONSOLE_GONE') return null
  throw thrown
}
