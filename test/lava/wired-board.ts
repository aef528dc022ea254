/** A board in a lab: its serial line on a TCP port, as ser2net provides it, and a power switch. */

import { once } from 'node:events'
import { createServer as createHttpServer } from 'node:http'
import { type AddressInfo, createServer, type Server, type Socket } from 'node:net'
import type { Test } from 'tap'
import type { SerialConsole } from '../../systemd/qemu/serial-console.js'

const TICK_MS = 20

/**
 * The speed of a board's 115200 baud; QEMU's serial ports send without delay. LAVA reads up to 4092 characters at once but
 * searches only the last 4000: if a kernel's first messages arrived at once, LAVA would miss the first of them.
 */
const CHARACTERS_A_TICK = (11_520 * TICK_MS) / 1000

/** The power switch for a lab's boards, controlled over HTTP. */
export class PowerSwitch {
  readonly #boards = new Map<string, WiredBoard>()
  readonly #server = createHttpServer((request, response) => {
    const [, name = '', action = ''] = (request.url ?? '').split('/')
    const board = this.#boards.get(name)
    if (board === undefined) return void response.writeHead(404).end(`no board ${name}\n`)
    board.power(action).then(
      () => response.end(),
      (error: unknown) => response.writeHead(500).end(`${error}\n`),
    )
  })

  static async start(t: Test): Promise<PowerSwitch> {
    const power = new PowerSwitch()
    await once(power.#server.listen(0, '127.0.0.1'), 'listening')
    t.teardown(() => power.#server.close())
    return power
  }

  connect(name: string, board: WiredBoard): void {
    this.#boards.set(name, board)
  }

  /** A shell script with two arguments: a board's name, and `on`, `off` or `reset`. */
  get command(): string {
    const { port } = this.#server.address() as AddressInfo
    return `#!/bin/sh\nexec curl --silent --show-error --fail-with-body "http://127.0.0.1:${port}/$1/$2"\n`
  }
}

/** A machine that is on: a `QemuBoard`, or one that pretends. */
export interface WiredMachine {
  readonly console: SerialConsole
  sendBreak?(): Promise<void>
  stop(): Promise<void>
}

/** One board. Its serial line accepts connections even while the board is off. */
export class WiredBoard {
  readonly #switchOn: () => Promise<WiredMachine>
  readonly #line: Server
  #machine: WiredMachine | null = null
  #changing: Promise<void> = Promise.resolve()
  readonly #listeners = new Set<Socket>()
  /** the first letters of typed text that the line will damage */
  #victim: string | null = null
  /** printed by the board, not yet sent */
  #pending = ''
  readonly #clock = setInterval(() => this.#carry(), TICK_MS)

  private constructor(switchOn: () => Promise<WiredMachine>) {
    this.#switchOn = switchOn
    this.#line = createServer(socket => {
      this.#listeners.add(socket)
      socket.on('data', piece => void this.#type(piece.toString()))
      // A client that disconnects badly only loses its connection.
      socket.on('error', () => socket.destroy())
      socket.on('close', () => this.#listeners.delete(socket))
    })
  }

  /**
   * @param port TCP port of the serial line
   * @param switchOn starts the board
   */
  static async start(t: Test, port: number, switchOn: () => Promise<WiredMachine>): Promise<WiredBoard> {
    const board = new WiredBoard(switchOn)
    await once(board.#line.listen(port, '127.0.0.1'), 'listening')
    t.teardown(async () => {
      board.#line.close()
      clearInterval(board.#clock)
      await board.power('off')
    })
    return board
  }

  /** @param action `on`, `off` or `reset`; actions are performed in the order of the calls */
  power(action: string): Promise<void> {
    const change = this.#changing.then(() => this.#change(action))
    this.#changing = change.catch(() => undefined)
    return change
  }

  /** The next text that begins so loses its first letter, and the UART sees a break in its place. */
  damage(text: string): void {
    this.#victim = text
  }

  async #type(text: string): Promise<void> {
    const machine = this.#machine
    const damaged = this.#victim !== null && text.startsWith(this.#victim)
    if (damaged) {
      this.#victim = null
      await machine?.sendBreak?.()
    }
    machine?.console.send(damaged ? text.slice(1) : text)
  }

  async #change(action: string): Promise<void> {
    if (action !== 'on' && action !== 'off' && action !== 'reset') throw new Error(`cannot ${action}`)
    if (action !== 'on') {
      await this.#machine?.stop()
      this.#machine = null
      this.#pending = ''
    }
    if (action === 'off' || this.#machine !== null) return
    this.#machine = await this.#switchOn()
    // A board that continues from a saved state has printed something already.
    this.#pending = this.#machine.console.transcript
    this.#machine.console.on('data', text => {
      this.#pending += text
    })
  }

  #carry(): void {
    const text = this.#pending.slice(0, CHARACTERS_A_TICK)
    if (text === '') return
    this.#pending = this.#pending.slice(text.length)
    for (const socket of this.#listeners) socket.write(text)
  }
}
