/** A target that a test types at: a real shell behind a terminal that echoes, with a kernel that talks in between. */

import { spawnSync } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fault } from '../../../../agent/errors.js'
import type { Expect, WaitOptions } from '../../../../lava/console/expect.js'

/** Stands for the target's `/tmp`: targets of other processes have their own. */
const TMP = mkdtempSync(join(tmpdir(), 'fake-target-'))
process.on('exit', () => rmSync(TMP, { recursive: true, force: true }))

export interface FakeTargetOptions {
  /** changes what the shell says, as a serial line and a kernel do */
  readonly noise?: (output: string) => string
  /** asks for a login first */
  readonly login?: { readonly user: string; readonly password?: string }
  /** lines that are lost before the shell listens */
  readonly deafFor?: number
  /** folder with the target's `proc` and `sys`; this machine's without it */
  readonly root?: string
  /** what the console prints after a reboot; nothing is rebooted */
  readonly rebooted?: string
}

/** Time does not pass here: what has not been said when it is waited for will never be. */
export class FakeTarget implements Expect {
  /** everything that was typed */
  typed = ''
  readonly #options: FakeTargetOptions
  #text = ''
  #position = 0
  #line = ''
  #lines = 0
  #state: 'login' | 'password' | 'shell'

  constructor(options: FakeTargetOptions = {}) {
    this.#options = options
    this.#state = options.login === undefined ? 'shell' : 'login'
  }

  async type(text: string): Promise<void> {
    this.typed += text
    for (const character of text) {
      if (character === '\u0003') this.#line = ''
      else if (character === '\n') this.#enter()
      else this.#line += character
    }
  }

  async waitFor(pattern: RegExp, { timeoutMs, expected = String(pattern) }: WaitOptions): Promise<RegExpExecArray> {
    const match = pattern.exec(this.#text.slice(this.#position))
    if (match === null) {
      const found = JSON.stringify(this.#text.slice(-100))
      throw fault('CONSOLE_SILENT', { console: 'target', seconds: timeoutMs / 1000, expected, found })
    }
    this.#position += match.index + match[0].length
    return match
  }

  #enter(): void {
    const line = this.#line
    this.#line = ''
    this.#lines += 1
    if (this.#lines <= (this.#options.deafFor ?? 0)) return
    if (this.#state !== 'shell') {
      this.#logIn(line)
      return
    }
    // The terminal wraps what is typed at its width, as busybox's line editor does.
    const echo = line.replace(/.{72}/g, '$&\n')
    this.#say(`${echo}\n${this.#run(line)}/ # `)
  }

  #logIn(line: string): void {
    const { login } = this.#options
    if (this.#state === 'login') {
      if (line !== login?.user) this.#say(`${line}\ntarget login: `)
      else if (login.password === undefined) this.#greet(line)
      else {
        this.#state = 'password'
        this.#say(`${line}\nPassword: `)
      }
      return
    }
    if (line === login?.password) this.#greet('')
    else {
      this.#state = 'login'
      this.#say('\nLogin incorrect\ntarget login: ')
    }
  }

  #greet(line: string): void {
    this.#state = 'shell'
    this.#say(`${line}\nWelcome\n/ # `)
  }

  #run(line: string): string {
    const { noise = text => text, root = '', rebooted = '' } = this.#options
    if (/\breboot\b/.test(line)) return rebooted
    // It begins, and that is all that is heard of it.
    const heard = line
      .replace(/(; )sh -c 'sleep forever.*/, '')
      .replace(/(?<=[\s<])\/(?:proc|sys)\//g, `${root}$&`)
      .replaceAll('/tmp/fauxboot', `${TMP}/fauxboot`)
    const { stdout, stderr } = spawnSync('sh', ['-c', heard], { encoding: 'utf8' })
    return noise(stdout + stderr)
  }

  #say(text: string): void {
    this.#text += text.replaceAll('\n', '\r\n')
  }
}
