/**
 * Runs the agent's parts while its snapshot is made: the snapshot then holds the compiled code of what has run, and the
 * board does not compile it. Nothing here may load Node's `http`, or the addon: a snapshot cannot hold them. Nor may it call
 * `randomUUID` or `randomInt`: Node stocks random bytes for them, and every start would use the same.
 */

import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import type { Server as HttpServer } from 'node:http'
import { Server } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Readable } from 'node:stream'
import { pino } from 'pino'
import { BOARD_POWER } from './board-power.js'
import type { BoardHost } from './boot/board/board.js'
import { createBoardHost } from './boot/board/linux-host.js'
import { Boot } from './boot/boot.js'
import { loadConfig } from './config.js'
import { createServer } from './http/server.js'
import { writeFdt } from './image/fdt/fdt.js'
import { parseIomem } from './kexec/layout/memory-map.js'
import { planBoot } from './kexec/planner.js'
import { planToJson } from './kexec/render/plan-json.js'
import { createNativeKexec } from './kexec/syscall/native-kexec.js'
import type { TtyCalls } from './uboot/console/tty-line.js'

/** A gibibyte, for a machine that hides its memory map. */
const IOMEM = '40000000-7fffffff : System RAM\n'

const NO_TTY: TtyCalls = { rawTty: () => undefined, drainTty: async () => undefined }

/** Called once, by `agent/bundle/snapshot.ts`. */
export async function warmUp(): Promise<void> {
  const directory = await mkdtemp(join(tmpdir(), 'fauxboot-snapshot-'))
  try {
    await runIn(directory)
  } finally {
    await rm(directory, { recursive: true, force: true })
  }
}

async function runIn(directory: string): Promise<void> {
  const path = (name: string): string => join(directory, name)
  const settings = { 'artifact-dir': path('artifacts'), 'state-dir': path('state'), 'uboot-dir': path('uboot') }
  const flags = Object.entries(settings).flatMap(([name, value]) => [`--${name}`, value])
  await writeFile(path('config'), '{}')
  const config = loadConfig({ FAUXBOOT_CONFIG: path('config') }, [...flags, '--boot-delay', '0'])
  // By default, pino would open the standard output, which a snapshot cannot hold either.
  const log = pino({ base: null }, pino.destination({ dest: path('log'), sync: true }))
  const host: BoardHost = Object.assign(createBoardHost(), { iomem: async () => IOMEM })
  const kexec = Object.assign(createNativeKexec(), { loaded: async () => false })
  const boot = await Boot.open({ kexec, config: config.boot, host, mapFile: async () => new Uint8Array(), log })
  const app = createServer(boot, config.http, { log, version: '', makeServer: () => new Server() as HttpServer })
  await app.ready()
  await boot.board()
  await boot.artifacts.receive('kernel', Readable.from([Buffer.alloc(1)]))
  await boot.artifacts.delete('kernel')
  const { openBoardUBoot } = await import('./uboot/open-board.js')
  const console = {
    config: config.uboot,
    boot,
    host,
    power: BOARD_POWER,
    tty: NO_TTY,
    room: () => 0,
    cameUp: () => undefined,
  }
  const uboot = await openBoardUBoot({ ...console, log })
  await uboot.close()
  await boot.close()
  await import('./tftp/tftp-jobs.js')
  planNothing()
}

/** A zImage of nothing but its header (`arch/arm/boot/compressed/head.S`), with the smallest device tree there is. */
function planNothing(): void {
  const kernel = new Uint8Array(4096)
  const words = [0x016f_2818, 0, kernel.length, 0x0403_0201]
  for (const [index, word] of words.entries()) new DataView(kernel.buffer).setUint32(0x24 + 4 * index, word, true)
  const root = { name: '', properties: new Map(), children: [{ name: 'chosen', properties: new Map(), children: [] }] }
  const dtb = writeFdt({ reservations: [], root, bootCpu: 0 })
  planToJson(planBoot({ ram: parseIomem(IOMEM), kernel, ramdisk: [new Uint8Array(4096)], dtb, cmdline: '' }))
}
