/** A lab: LAVA's dispatcher, its TFTP server, a file server, and a board with its serial line and power switch. */

import { mkdir, mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Test } from 'tap'
import { Lab } from '../board/lab.js'
import { Dispatcher } from './dispatcher.js'
import type { DispatcherRelease } from './dispatcher-packages.js'
import { PowerSwitch, WiredBoard, type WiredMachine } from './wired-board.js'

export interface LavaLabOptions {
  /** of Debian, the one that the dispatcher comes from; by default the newest */
  readonly release?: DispatcherRelease
  /** switches a machine on instead of the board in QEMU */
  readonly machine?: () => Promise<WiredMachine>
}

export interface LavaLab {
  readonly lab: Lab
  readonly dispatcher: Dispatcher
  readonly board: WiredBoard
  /** a folder for the test's files */
  readonly work: string
}

/**
 * Open a lab with one board, which is off. The lab closes when the test ends. With `FAUXBOOT_LAVA_KEEP` set, the folder
 * with the jobs' logs remains, and the test prints its name.
 *
 * @param name of the board, and of its device dictionary
 */
export async function openLavaLab(
  t: Test,
  name: string,
  { release = 'forky', machine: pretended }: LavaLabOptions = {},
): Promise<LavaLab> {
  const directory = await mkdtemp(join(tmpdir(), 'fauxboot-lava-'))
  if (process.env.FAUXBOOT_LAVA_KEEP === undefined) t.teardown(() => rm(directory, { recursive: true, force: true }))
  else t.comment(`kept: ${directory}`)
  const work = join(directory, 'work')
  const machine = join(directory, 'machine')
  for (const folder of [work, machine]) await mkdir(folder)
  const lab = await Lab.open(t, name)
  const dispatcher = await Dispatcher.start(machine, release)
  const port = portOf(await dispatcher.renderDevice(name))
  const power = await PowerSwitch.start(t)
  // The first job boots the first stage, too. The others get boards at their countdown. An emulated SD card is too slow for
  // the dispatcher's time limits on a busy machine.
  let jobs = lab.board.qemu?.sdOnly ? 1 : 0
  const switchOn = pretended ?? (() => lab.switchOn(jobs++ === 0 ? 'power-on' : 'countdown'))
  const board = await WiredBoard.start(t, port, switchOn)
  power.connect(name, board)
  await dispatcher.setPowerCommand(power.command)
  dispatcher.serveTftp()
  t.teardown(() => dispatcher.endTftp())
  return { lab, dispatcher, board, work }
}

/** The TCP port of the serial line in the device dictionary. */
function portOf(device: string): number {
  const port = /connect: telnet localhost (\d+)/.exec(device)?.[1]
  if (port === undefined) throw new Error(`no telnet to a port of this machine in the device:\n${device}`)
  return Number(port)
}
