/** `echo` on a serial line of 115200 baud, paced here: the agent on this machine against what the line alone takes. */

import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync } from 'node:fs'
import { mkdtemp, rm } from 'node:fs/promises'
import { join } from 'node:path'
import type { Readable, Writable } from 'node:stream'
import { setTimeout as pause, setImmediate as turn } from 'node:timers/promises'
import type { Figure } from './figure.js'
import { startLocalAgent } from './local-agent.js'
import { asFigure, type Took } from './timing.js'

const COMMANDS = 1000
/** Milliseconds of a byte: a start bit, eight of data, a stop bit. */
const BYTE_MS = 10_000 / 115_200
const PROMPT = '\r\n=> '

/** Both directions of a serial line. A byte arrives when all before it have. */
class PacedLine {
  readonly #output: Writable
  #received = ''
  /** when the last byte that was received has arrived, of `performance.now` */
  #arrived = 0

  constructor(input: Readable, output: Writable) {
    this.#output = output
    input.setEncoding('latin1').on('data', (text: string) => {
      this.#received += text
      this.#arrived = Math.max(this.#arrived, performance.now()) + text.length * BYTE_MS
    })
  }

  async type(text: string): Promise<void> {
    let due = performance.now()
    for (const character of text) {
      due += BYTE_MS
      await until(due)
      this.#output.write(character)
    }
  }

  /** @returns all that came, once it ends with this */
  async readTo(end: string): Promise<string> {
    while (!this.#received.endsWith(end)) await turn()
    await until(this.#arrived)
    const text = this.#received
    this.#received = ''
    return text
  }
}

/** A timer is not exact enough for a byte. */
async function until(time: number): Promise<void> {
  while (performance.now() < time) await turn()
}

/** Milliseconds that the line needs for a command: what is typed, and what comes after the echo of that. */
const wireTime = (line: string, answer: string): number => (line.length + answer.length) * BYTE_MS

export async function measurePacedEcho(runs: number): Promise<Figure> {
  const directory = await mkdtemp('/dev/shm/fauxboot-line-')
  const path = join(directory, 'tty')
  const socat = spawn('socat', ['STDIO', `PTY,link=${path},rawer`], { stdio: ['pipe', 'pipe', 'inherit'] })
  try {
    while (!existsSync(path)) {
      if (socat.exitCode !== null) throw new Error(`socat made no terminal: it ended with ${socat.exitCode}`)
      await pause(10)
    }
    const line = new PacedLine(socat.stdout, socat.stdin)
    const agent = await startLocalAgent(['--uboot-serial', path, '--boot-delay', '0'])
    try {
      await line.readTo(PROMPT)
      const ours: Took[] = []
      const theirs: Took[] = []
      for (let run = 0; run < runs; run++) {
        let wire = 0
        const took = await agent.took(async () => {
          for (let number = 0; number < COMMANDS; number++) {
            const command = `echo ${number}\r`
            await line.type(command)
            await line.readTo(PROMPT)
            wire += wireTime(command, `\r\n${number}${PROMPT}`)
          }
        })
        ours.push(took)
        theirs.push({ ms: wire, cpuMs: 0 })
      }
      return {
        ...asFigure({ ours, theirs }),
        what: `${COMMANDS} echo commands on a pty paced at 115200 baud, this machine`,
        peer: 'the bytes on the line alone',
        target: 1.05,
        reason: "the console's answer to a line comes after the line, and the pace of this process adds to it",
      }
    } finally {
      await agent.stop()
    }
  } finally {
    socat.kill()
    if (socat.exitCode === null && socat.signalCode === null) await once(socat, 'exit')
    await rm(directory, { recursive: true, force: true })
  }
}
