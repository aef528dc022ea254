/** A console of a whole faked U-Boot, over the real pipeline with a fake kernel. Its DRAM is that of QEMU's `virt`. */

import { join } from 'node:path'
import type { Test } from 'tap'
import { PipelineBootTarget, type Power } from '../../../../agent/uboot/boot/pipeline-target.js'
import type { ConsoleLine } from '../../../../agent/uboot/console/console-line.js'
import { EMPTY_STORAGE } from '../../../../agent/uboot/hardware/empty-storage.js'
import { NO_GPIO } from '../../../../agent/uboot/hardware/gpio.js'
import { Memory } from '../../../../agent/uboot/hardware/memory.js'
import { UBoot, type UBootParts } from '../../../../agent/uboot/uboot.js'
import { type BoardChanges, openBoard, type TestBoard } from '../boot/board-fixture.js'
import { temporaryDirectory } from '../boot/fixture.js'
import { FakeNetwork } from './fake-network.js'
import { DRAM, plainEnvironment } from './machine.js'

/** A line that a test types at. */
export class TypedLine implements ConsoleLine {
  readonly name = 'a test'
  readonly ended: Promise<void>
  /** the other end goes */
  hangUp: () => void = () => {}
  closed = false
  #shown = ''
  #wake: () => void = () => {}
  #listener: (bytes: string) => boolean = () => true

  constructor() {
    this.ended = new Promise(resolve => {
      this.hangUp = resolve
    })
  }

  receive(listener: (bytes: string) => boolean): void {
    this.#listener = listener
  }

  resume(): void {}

  send(bytes: string): void {
    this.#shown = (this.#shown + bytes).replaceAll('\r\n', '\n')
    this.#wake()
  }

  room(): null {
    return null
  }

  async drained(): Promise<void> {}

  close(): void {
    this.closed = true
  }

  type(bytes: string): void {
    this.#listener(bytes)
  }

  /** Everything shown since the last call, as soon as it ends so, with \n as line end. */
  async shows(end = '=> '): Promise<string> {
    while (!this.#shown.endsWith(end)) await new Promise<void>(resolve => (this.#wake = resolve))
    const shown = this.#shown
    this.#shown = ''
    return shown
  }

  /** Type a line, and wait for the prompt. @returns what was printed between echo and prompt */
  async run(line: string): Promise<string> {
    this.type(`${line}\r`)
    return (await this.shows()).slice(line.length + 1, -'=> '.length)
  }
}

export interface BoardConsole extends TestBoard {
  readonly uboot: UBoot
  readonly memory: Memory
  readonly line: TypedLine
  /** Switch off before the test ends. */
  close(): Promise<void>
  /** Bytes into memory, as a load command leaves them there. */
  loaded(address: number, bytes: Uint8Array, name?: string): void
}

/** A test may close what its end would close. */
export function onlyOnce(close: () => void | Promise<void>): () => Promise<void> {
  let closed: Promise<void> | null = null
  return () => {
    closed ??= (async () => close())()
    return closed
  }
}

const noPower: Power = {
  reset: () => new Promise(() => {}),
  powerOff: () => new Promise(() => {}),
}

/**
 * A console at its prompt.
 *
 * @param board what is to be different about the board
 * @param parts what is to be different about the U-Boot; without another `env` it has no `bootcmd`
 */
export async function boardConsole(
  t: Test,
  board: BoardChanges = {},
  parts: Partial<UBootParts> & { readonly power?: Power } = {},
): Promise<BoardConsole> {
  let uboot: UBoot | null = null
  const deps = { hangUp: () => uboot?.drained(), ...board.deps }
  const opened = await openBoard(t, { ...board, deps })
  const memory = parts.memory ?? Memory.open(join(await temporaryDirectory(t), 'memory'), DRAM)
  const { power = noPower, ...different } = parts
  uboot = new UBoot({
    board: {
      version: 'U-Boot 2026.10-fauxboot (Nov 23 2026 - 08:44:21 +0000)',
      identity: '',
      cpu: null,
      model: 'linux,dummy-virt',
      dram: DRAM,
      baudrate: 115_200,
      environment: {},
      controlFdt: null,
    },
    env: plainEnvironment({ loadaddr: '0x42000000', bootargs: 'console=ttyAMA0 quiet' }),
    memory,
    network: new FakeNetwork({}),
    storage: EMPTY_STORAGE,
    gpio: NO_GPIO,
    boot: new PipelineBootTarget(opened.boot, memory, power),
    autobootText: 'Hit any key to stop autoboot',
    bootDelay: 2,
    ...different,
  })
  const line = new TypedLine()
  const close = onlyOnce(() => uboot.close())
  t.teardown(close)
  void uboot.attach(line)
  await uboot.powerOn()
  await line.shows()
  return {
    ...opened,
    uboot,
    memory,
    line,
    close,
    loaded(address, bytes, name = 'file') {
      memory.write(address, bytes)
      memory.claim(address, bytes.length, name)
    },
  }
}
