/** The U-Boot of a real board: over the first stage's memory map, network and storage, on its serial line. */

import { mkdir, readFile } from 'node:fs/promises'
import { createServer, type Server } from 'node:net'
import { join } from 'node:path'
import type { BoardHost } from '../boot/board.js'
import type { Boot } from '../boot/boot.js'
import { parseIomem } from '../kexec/memory-map.js'
import { versionLine } from './banner.js'
import type { BoardFacts } from './board-facts.js'
import { PipelineDoor, type Power } from './boot-pipeline.js'
import { CPU_NAMES } from './cpu-names.js'
import { defaultEnvironment } from './default-environment.js'
import { dramBanks } from './dram.js'
import type { EnvironmentStore } from './environment.js'
import { EnvironmentFile, parseEnvironmentConfig } from './environment-file.js'
import { telnetLine } from './line-stream.js'
import { openTty, type TtyCalls } from './line-tty.js'
import { Memory } from './memory.js'
import { LinuxNetwork } from './network-linux.js'
import { LinuxStorage } from './storage-linux.js'
import { UBoot } from './uboot.js'
import type { UBootConfig } from './uboot-config.js'
import { ENVIRONMENT_BYTES, UBootEnvironment } from './uboot-environment.js'

/** The version of U-Boot that is faked. */
export const RELEASE = '2026.10-fauxboot'

const DEFAULT_BAUD = 115_200

export interface BoardUBootParts {
  readonly config: UBootConfig
  readonly boot: Boot
  readonly host: BoardHost
  readonly power: Power
  readonly tty: TtyCalls
  /** bytes of memory that may still be taken */
  readonly room: () => number
  readonly log: { info(fields: object, message: string): void; error(fields: object, message: string): void }
}

export interface BoardUBoot {
  /** Resolves when everything that was printed has left the machine. */
  drained(): Promise<void>
  close(): Promise<void>
}

/**
 * Bring the U-Boot up; it counts down and runs on its own.
 *
 * @throws CONSOLE_LINE, CONFIG_INVALID, MAP_*
 */
export async function openBoardUBoot(parts: BoardUBootParts): Promise<BoardUBoot> {
  const { config, boot, host, power, tty, log, room } = parts
  await mkdir(config.directory, { recursive: true, mode: 0o700 })
  const network = new LinuxNetwork({ directory: config.directory })
  const [device] = await network.devices()
  const board = await boardFacts(host, config, device?.mac ?? null)
  const memory = Memory.open(join(config.directory, 'memory'), board.dram, room)
  const env = new UBootEnvironment({ defaults: board.environment, store: await environmentStore(config) })
  const uboot = new UBoot({
    board,
    env,
    memory,
    network,
    storage: new LinuxStorage({ directory: config.directory }),
    boot: new PipelineDoor(boot, memory, power),
    autobootText: config.autobootText,
    bootDelay: config.bootDelay,
  })
  if (config.serial !== null) uboot.attach(openTty(config.serial, tty))
  const server = config.tcp === null ? null : await listen(uboot, config.tcp)
  uboot.powerOn().catch((err: unknown) => log.error({ err }, 'the U-Boot console did not come up'))
  log.info({ serial: config.serial, tcp: config.tcp }, 'U-Boot console')
  return {
    drained: () => uboot.drained(),
    async close() {
      server?.close()
      uboot.close()
    },
  }
}

async function boardFacts(host: BoardHost, config: UBootConfig, mac: string | null): Promise<BoardFacts> {
  const [iomem, model, compatible, controlFdt] = await Promise.all([
    host.iomem(),
    host.model(),
    host.compatible(),
    host.runningDtb(),
  ])
  const dram = dramBanks(parseIomem(iomem))
  const [, baud] = /,(\d+)/.exec(config.console) ?? []
  const baudrate = Number(baud ?? DEFAULT_BAUD)
  return {
    version: versionLine(RELEASE, new Date()),
    identity: config.identity,
    cpu: CPU_NAMES[compatible.at(-1) ?? ''] ?? null,
    model,
    dram,
    baudrate,
    controlFdt,
    environment: defaultEnvironment({
      dramStart: dram[0]?.start ?? 0,
      compatible,
      mac,
      baudrate,
      bootDelay: config.bootDelay,
      console: config.console.replace(/n8$/, ''),
    }),
  }
}

/** What `saveenv` writes is in memory, and gone with the power, unless a file says where to put it. */
async function environmentStore({ environment, directory }: UBootConfig): Promise<EnvironmentStore> {
  if (environment === null) {
    const path = join(directory, 'uboot.env')
    return new EnvironmentFile('RAM', [{ path, offset: 0, size: ENVIRONMENT_BYTES }])
  }
  const text = await readFile(environment, 'utf8')
  return new EnvironmentFile('MMC', parseEnvironmentConfig(text, environment))
}

/** TCP consoles, one for each connection. */
function listen(uboot: UBoot, { host, port }: { host: string; port: number }): Promise<Server> {
  const server = createServer(socket => uboot.attach(telnetLine(socket)))
  return new Promise((resolve, reject) => {
    server.once('error', reject)
    server.listen(port, host, () => resolve(server))
  })
}
