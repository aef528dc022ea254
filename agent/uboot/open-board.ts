/** The U-Boot of a real board: over the first stage's memory map, network and storage, on its serial line. */

import { basename, join } from 'node:path'
import type { BoardHost } from '../boot/board/board.js'
import type { Boot } from '../boot/boot.js'
import { makeFolder } from '../make-folder.js'
import type { TftpNetwork } from '../transfer/tftp/peer-socket.js'
import { boardFacts } from './board/host-facts.js'
import type { UBootConfig } from './board/uboot-config.js'
import { PipelineBootTarget, type Power } from './boot/pipeline-target.js'
import type { ConsoleLine } from './console/console-line.js'
import { SerialPort } from './console/serial-port.js'
import { SharedLine } from './console/shared-line.js'
import type { StreamLine } from './console/stream-line.js'
import { listenTelnet } from './console/telnet-server.js'
import { openTty, type TtyCalls } from './console/tty-line.js'
import { environmentStore } from './env/environment-location.js'
import { UBootEnvironment } from './env/uboot-environment.js'
import { LinuxGpio } from './hardware/gpio.js'
import { Memory } from './hardware/memory.js'
import { LinuxNetwork } from './hardware/network-linux.js'
import { LinuxStorage } from './hardware/storage-linux.js'
import { UBoot } from './uboot.js'

export interface BoardUBootDeps {
  readonly config: UBootConfig
  readonly boot: Boot
  readonly host: BoardHost
  readonly power: Power
  readonly tty: TtyCalls
  /** what TFTP gets its files over; default Node's */
  readonly udp?: TftpNetwork
  /** bytes that its memory may still take, if it takes up `used` */
  readonly room: (used: number) => number
  /** called when a countdown begins */
  readonly cameUp: () => void
  readonly log: { info(fields: object, message: string): void; error(fields: object, message: string): void }
}

export interface BoardUBoot {
  /** the port of the telnet consoles; null if there are none */
  readonly port: number | null
  /** the serial line, for others to watch; null if there is none */
  readonly line: SharedLine | null
  /** bytes that its memory takes up */
  readonly memoryUsed: number
  /** Resolves when everything that was printed has left the machine. */
  drained(): Promise<void>
  close(): Promise<void>
}

/**
 * Bring the U-Boot up; it runs on its own.
 *
 * @returns when the countdown begins
 * @throws CONSOLE_LINE, CONFIG_INVALID, MAP_*
 */
export async function openBoardUBoot(deps: BoardUBootDeps): Promise<BoardUBoot> {
  const { config, boot, host, power, udp, log, room } = deps
  await makeFolder(config.directory, 0o700)
  const network = new LinuxNetwork({ directory: config.directory, linkSeconds: config.linkSeconds, udp })
  const [device] = await network.devices()
  const board = await boardFacts(host, config, device?.mac ?? null)
  const memory = Memory.open(join(config.directory, 'memory'), board.dram, room)
  const env = new UBootEnvironment({ defaults: board.environment, store: await environmentStore(config) })
  let begin = (): void => undefined
  const counting = new Promise<void>(resolve => {
    begin = resolve
  })
  const uboot = new UBoot({
    board,
    env,
    memory,
    network,
    storage: new LinuxStorage({ directory: config.directory }),
    gpio: new LinuxGpio(),
    boot: new PipelineBootTarget(boot, memory, power),
    autobootText: config.autobootText,
    autobootPlain: config.autobootPlain,
    bootDelay: config.bootDelay,
    notices: noticesOf(boot),
    cameUp: () => {
      deps.cameUp()
      begin()
    },
  })
  const powerOn = (line?: ConsoleLine): Promise<void> =>
    uboot.powerOn(line).catch((err: unknown) => log.error({ err }, 'the U-Boot console did not come up'))
  const shared = new SharedLine()
  let isOn = false
  let wasSeen = false
  const serve = (line: StreamLine): void => {
    // Nobody can have seen the countdown, so it runs once more for those at this line.
    if (isOn && !wasSeen) void powerOn(shared.share(line))
    else void uboot.attach(shared.share(line))
    void line.ended.then(() => {
      wasSeen ||= line.hasSent
    })
  }
  const serial = config.serial === null ? null : openSerial(config.serial, deps, serve)
  const telnet = (line: ConsoleLine): void => {
    wasSeen = true
    void uboot.attach(line)
  }
  const listening = config.tcp === null ? null : listenTelnet(config.tcp, telnet)
  const server = await listening?.catch((thrown: unknown) => {
    serial?.close()
    throw thrown
  })
  const on = powerOn()
  isOn = true
  log.info({ serial: config.serial, tcp: config.tcp }, 'U-Boot console')
  await Promise.race([counting, on])
  const address = server?.address() ?? null
  return {
    port: address === null || typeof address === 'string' ? null : address.port,
    line: serial === null ? null : shared,
    get memoryUsed() {
      return memory.used
    },
    drained: () => uboot.drained(),
    async close() {
      serial?.close()
      server?.close()
      uboot.close()
    },
  }
}

/** What the banner adds: the board is back because its target died. */
function noticesOf(boot: Boot): string[] {
  const [job] = boot.list()
  // Tools that watch the console for panics must not take this for one.
  return job?.lastWords?.panic
    ? [`the kernel of job ${job.id} died; \`fauxboot log ${job.id}\` shows its last words`]
    : []
}

/** @throws CONSOLE_LINE when the path will never be a terminal */
function openSerial(
  path: string,
  { tty, host, log }: BoardUBootDeps,
  connected: (line: StreamLine) => void,
): SerialPort {
  const damage = () => host.serialDamage(basename(path))
  return new SerialPort({ path, open: () => openTty(path, tty, damage), connected, log })
}
