/**
 * A board without QEMU: `fauxboot console`'s simulated board up to the jump, and then a target that says only what LAVA waits
 * for. A job takes seconds, so that many settings of a device type can be tried.
 */

import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { PassThrough } from 'node:stream'
import { StreamLine } from '../../agent/uboot/console/stream-line.js'
import { SimulatedBoard } from '../../lava/simulator/simulated-board.js'
import { SerialConsole } from '../../systemd/qemu/serial-console.js'
import { TARGET_LOGIN } from '../../systemd/target/target-ramdisk.js'
import type { WiredMachine } from './wired-board.js'

/** What the simulated board prints instead of its jump. */
const JUMPED = 'a board would now be in the new kernel'

/** DRAM of `virt`. */
const RAM = { start: 0x4000_0000, end: 0x8000_0000 } as const

/** @param bootDelay seconds of the countdown; -1: the prompt comes at once */
export async function simulatedMachine(bootDelay: number): Promise<WiredMachine> {
  const directory = await mkdtemp(join(tmpdir(), 'fauxboot-simulated-'))
  const board = await SimulatedBoard.open({ ram: [RAM], directory, bootDelay, environment: null, disks: [] })
  const [typed, said, keys, screen] = [new PassThrough(), new PassThrough(), new PassThrough(), new PassThrough()]
  let jumped = false
  let words = ''
  said.on('data', (piece: Buffer) => {
    if (jumped) return
    screen.write(piece)
    words = (words + piece.toString('latin1')).slice(-2000)
    jumped = words.includes(JUMPED)
    if (jumped) screen.write(`\r\n[    0.000000] Linux version 6.12.0\r\n\r\n${TARGET_LOGIN} `)
  })
  keys.on('data', (piece: Buffer) => {
    if (!jumped) typed.write(piece)
    // A shell that runs nothing.
    else screen.write(`${piece.toString('latin1').replaceAll('\n', '\r\n')}~ # `)
  })
  const attached = board.attach(new StreamLine('simulated', typed, said))
  board.powerOn()
  return {
    console: new SerialConsole('simulated', screen, keys),
    async stop() {
      board.close()
      typed.end()
      await attached
      await rm(directory, { recursive: true, force: true })
    },
  }
}
