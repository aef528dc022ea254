/** The card on Linux. Its driver is loaded by `fauxboot-card@.service`, for as long as a connection to that is open. */

import { execFile } from 'node:child_process'
import { once } from 'node:events'
import { type FileHandle, open, readdir, readFile } from 'node:fs/promises'
import { connect, type Socket } from 'node:net'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { promisify } from 'node:util'
import { fault } from '../../errors.js'
import { SECTOR, slotsOf } from '../../image/card/card-layout.js'
import type { Card, CardSlot } from './card.js'

export interface LinuxCardPaths {
  /** socket of the service that loads the driver */
  readonly driver: string
  /** the kernel's list of block devices */
  readonly blocks: string
  readonly devices: string
  /** a program that drops what the kernel remembers of a device, and its arguments before the device */
  readonly flush: readonly [string, ...string[]]
}

const PATHS: LinuxCardPaths = {
  driver: '/run/fauxboot-card',
  blocks: '/sys/block',
  devices: '/dev',
  flush: ['/usr/bin/busybox', 'blockdev', '--flushbufs'],
}

/** How long things may take, milliseconds. */
interface LinuxCardLimits {
  /** until the driver is loaded: a few modules in memory */
  readonly driverMs: number
  /** until the driver has found the card: a second on hardware, longer on an emulated board */
  readonly cardMs: number
}

const LIMITS: LinuxCardLimits = { driverMs: 30_000, cardMs: 20_000 }
const POLL_MS = 100

/** The card of this machine. */
export function createLinuxCard(paths: Partial<LinuxCardPaths> = {}, limits = LIMITS): CardSlot {
  const all = { ...PATHS, ...paths }
  return {
    async open() {
      const driver = await loadDriver(all.driver, limits.driverMs)
      try {
        const path = await findCard(all, limits.cardMs)
        return new LinuxCard(path, await open(path, 'r+'), driver, all.flush)
      } catch (thrown) {
        driver.destroy()
        throw thrown
      }
    },
  }
}

/** @returns the connection that keeps the driver */
async function loadDriver(path: string, waitMs: number): Promise<Socket> {
  // For the answer only: the connection stays as long as the update takes.
  const signal = AbortSignal.timeout(waitMs)
  try {
    for (;;) {
      const socket = await askForDriver(path, signal)
      if (socket !== null) return socket
      // The driver of the update before this one is still being unloaded: systemd drops a second connection.
      await delay(POLL_MS, undefined, { signal })
    }
  } catch (thrown) {
    if (signal.aborted) throw fault('CARD_ABSENT', { reason: `no driver is loaded within ${waitMs / 1000} s` }, thrown)
    const { code, message } = thrown as NodeJS.ErrnoException
    if (code !== 'ENOENT') throw thrown
    throw fault('CARD_ABSENT', { reason: `this is no first stage from an SD card (${message})` }, thrown)
  }
}

/** @returns null if the connection is dropped without an answer */
async function askForDriver(path: string, signal: AbortSignal): Promise<Socket | null> {
  const socket = connect({ path })
  try {
    await once(socket, 'connect', { signal })
    const closed = once(socket, 'close', { signal }).then(() => null)
    const answer = await Promise.race([once(socket, 'data', { signal }), closed])
    if (answer === null) return null
    const words = String(answer[0]).trim()
    if (words !== 'ready') throw fault('CARD_ABSENT', { reason: words })
    // A service that ends early takes the driver along; reads and writes then say so.
    socket.on('error', () => socket.destroy())
    return socket
  } catch (thrown) {
    socket.destroy()
    throw thrown
  }
}

async function findCard(paths: LinuxCardPaths, waitMs: number): Promise<string> {
  for (const end = performance.now() + waitMs; ; await delay(POLL_MS)) {
    const names = (await readdir(paths.blocks)).filter(name => /^mmcblk\d+$/.test(name)).sort()
    for (const name of names) {
      // Memory that is soldered to the board (MMC) may hold a copy of a card.
      if ((await readFile(join(paths.blocks, name, 'device/type'), 'utf8')).trim() !== 'SD') continue
      const path = join(paths.devices, name)
      if (await hasSlots(path)) return path
      throw fault('CARD_ABSENT', { reason: `the card in ${path} has no two slots` })
    }
    if (performance.now() >= end) throw fault('CARD_ABSENT', { reason: `no SD card appears within ${waitMs / 1000} s` })
  }
}

async function hasSlots(path: string): Promise<boolean> {
  const file = await open(path)
  try {
    const { buffer, bytesRead } = await file.read(Buffer.alloc(SECTOR), 0, SECTOR, 0)
    return slotsOf(buffer.subarray(0, bytesRead)) !== null
  } finally {
    await file.close()
  }
}

class LinuxCard implements Card {
  constructor(
    readonly path: string,
    readonly file: FileHandle,
    readonly driver: Socket,
    readonly flush: LinuxCardPaths['flush'],
  ) {}

  read(offset: number, size: number): Promise<Uint8Array> {
    return this.#try('read', async () => {
      const { buffer, bytesRead } = await this.file.read(Buffer.alloc(size), 0, size, offset)
      if (bytesRead < size) throw new Error(`${this.path} ends at byte ${offset + bytesRead}`)
      return buffer
    })
  }

  write(offset: number, bytes: Uint8Array): Promise<void> {
    return this.#try('written', async () => {
      await this.file.write(bytes, 0, bytes.length, offset)
      await this.file.sync()
    })
  }

  forget(): Promise<void> {
    return this.#try('read again', async () => {
      const [program, ...args] = this.flush
      await promisify(execFile)(program, [...args, this.path])
    })
  }

  async close(): Promise<void> {
    await this.file.close()
    this.driver.destroy()
  }

  async #try<T>(action: string, act: () => Promise<T>): Promise<T> {
    try {
      return await act()
    } catch (thrown) {
      const reason = thrown instanceof Error ? thrown.message : String(thrown)
      throw fault('CARD_FAILED', { action, reason }, thrown)
    }
  }
}
