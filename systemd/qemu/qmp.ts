/** A client of QEMU's machine protocol (docs/interop/qmp-spec). */

import { createInterface } from 'node:readline'
import type { Duplex } from 'node:stream'
import { fault } from '../../agent/errors.js'

interface Answer {
  readonly QMP?: unknown
  readonly return?: unknown
  readonly error?: { readonly class: string; readonly desc: string }
}

interface Pending {
  readonly resolve: (value: unknown) => void
  readonly reject: (error: Error) => void
}

/** QEMU answers commands in order. */
export class Qmp {
  readonly #stream: Duplex
  readonly #pending: Pending[] = []

  /** @param stream connected to QEMU's monitor in `control` mode */
  constructor(stream: Duplex) {
    this.#stream = stream
    const lines = createInterface({ input: stream })
    lines.on('line', line => this.#receive(line))
    // readline emits the stream's errors, too; without a listener they would end the process.
    lines.on('error', error => this.#fail(error.message))
    stream.on('error', error => this.#fail(error.message))
    stream.on('close', () => this.#fail('QEMU ended'))
  }

  /**
   * Run a command.
   *
   * @returns its `return` value
   * @throws BUILD_TOOL with QEMU's error
   */
  execute(command: string, args: Readonly<Record<string, unknown>> = {}): Promise<unknown> {
    return new Promise((resolve, reject) => {
      this.#pending.push({ resolve, reject })
      this.#stream.write(`${JSON.stringify({ execute: command, arguments: args })}\n`)
    })
  }

  #receive(line: string): void {
    const answer: Answer = JSON.parse(line)
    if (answer.error !== undefined) this.#pending.shift()?.reject(qmpFault(answer.error.desc))
    else if (answer.return !== undefined) this.#pending.shift()?.resolve(answer.return)
  }

  #fail(reason: string): void {
    for (const { reject } of this.#pending.splice(0)) reject(qmpFault(reason))
  }
}

function qmpFault(reason: string) {
  return fault('BUILD_TOOL', { doing: 'talking to QEMU', tool: 'qemu-system-arm', status: 'QMP', reason })
}
