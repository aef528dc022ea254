/** Wires the parts of the agent. `agent/bundle/loader.ts` calls `main`. */

import { readFile } from 'node:fs/promises'
import type { FastifyInstance } from 'fastify'
import { type Logger, pino } from 'pino'
import { drainTty, rawTty } from '../native/index.js'
import { collectGarbage, mapOrRead, releaseFreed } from './artifact-memory.js'
import { createBoardClock } from './board-clock.js'
import { BOARD_POWER } from './board-power.js'
import { availableMemory, createBoardHost } from './boot/board/linux-host.js'
import { Boot } from './boot/boot.js'
import { FirstStage } from './boot/card/first-stage.js'
import { createLinuxCard } from './boot/card/linux-card.js'
import type { CompiledCode } from './bundle/code-cache.js'
import { type Config, defaultConfig, describeSettings, loadConfig } from './config.js'
import { asFault, fault } from './errors.js'
import { yieldToEventLoop } from './event-loop.js'
import { askLater } from './first-request.js'
import { readTokenFile } from './http/access.js'
import { createServer } from './http/server.js'
import { createNativeKexec } from './kexec/syscall/native-kexec.js'
import { createPhysicalMemory } from './kexec/syscall/physical-memory.js'
import { StartClock } from './start-times.js'
import { createSystemdNotifier } from './systemd-notify.js'
import type { TftpJobs, TftpJobsDeps } from './tftp/tftp-jobs.js'
import type { TtyCalls } from './uboot/console/tty-line.js'
import type { BoardUBoot, BoardUBootDeps } from './uboot/open-board.js'

export { warmUp } from './warm-up.js'

/** Filled in by `agent/bundle/bundle.ts`. */
declare const FAUXBOOT_VERSION: string
const version = typeof FAUXBOOT_VERSION === 'string' ? FAUXBOOT_VERSION : 'unbundled'

const HELP = `fauxboot-agent ${version}: takes jobs over HTTP and TFTP and boots them with kexec

  fauxboot-agent.cjs [SETTING...]                  run
  fauxboot-agent.cjs --check-config [SETTING...]   read the settings, print them, and end
  fauxboot-agent.cjs --build-cache                 write compiled code beside the bundle, for the Node that runs it
  fauxboot-agent.cjs --version | --help
`

/** For `fauxboot-trial.service`. */
const CONFIRMED = '/run/fauxboot/confirmed'

/** A stop that takes longer than this has failed; systemd's own limit is 10 s. */
const STOP_MS = 8000

/**
 * Run the agent, or the command line's other mode. Any failure ends the process with 1: systemd starts it
 * again, and jobs that were under way are then known as failed.
 *
 * @param argv without node and the script
 */
export async function main(argv: readonly string[], env: NodeJS.ProcessEnv, code: CompiledCode): Promise<void> {
  const [mode, ...rest] = argv
  try {
    if (mode === '--help') process.stdout.write(`${HELP}\n${describeSettings()}\n`)
    else if (mode === '--version') process.stdout.write(`${version}\n`)
    else if (mode === '--check-config') await checkConfig(loadConfig(env, rest))
    else if (mode === '--build-cache') await buildCache(code)
    else await run(loadConfig(env, argv), env, code)
  } catch (thrown) {
    process.stderr.write(`fauxboot-agent: ${asFault(thrown, 'starting').message}\n`)
    process.exit(1)
  }
}

/** The board's own settings would open its serial line, and another agent may be running there. */
async function buildCache({ cache }: CompiledCode): Promise<void> {
  if (cache === null)
    throw fault('CONFIG_INVALID', { name: '--build-cache', reason: 'a snapshot has none', found: '--snapshot-blob' })
  const { writeCodeCache } = await import('./bundle/code-cache.js')
  await writeCodeCache(cache, defaultConfig({ logLevel: 'warn' }), config =>
    start(config, createLog(config), new StartClock()),
  )
}

async function checkConfig(config: Config): Promise<void> {
  if (config.http.tokenFile !== null) await readTokenFile(config.http.tokenFile)
  process.stdout.write(`${JSON.stringify(config, null, 2)}\n`)
}

async function run(config: Config, env: NodeJS.ProcessEnv, code: CompiledCode): Promise<void> {
  const clock = new StartClock()
  const log = createLog(config)
  // After a bug, the state of the process is unknown. Unhandled rejections arrive here too.
  process.on('uncaughtException', err => {
    log.fatal({ err }, 'a bug: the agent ends, and systemd starts it again')
    process.exit(1)
  })
  const notifier = createSystemdNotifier(env, log)
  const { boot, server, url, tftp, uboot } = await start(config, log, clock)
  clock.ready()
  log.info({ version, startedFrom: code.from, start: clock.times() }, 'ready')
  notifier.ready()
  askLater(url, log, releaseFreed)
  stopOnSignal(log, async () => {
    notifier.stopping()
    // Jobs first: their followers must learn of the end before their connections close.
    await boot.close()
    tftp?.close()
    await uboot?.close()
    await server.close()
  })
}

/** pino, to stdout: its transports need files of their own, which a bundle has not. */
function createLog({ logLevel }: Config): Logger {
  return pino({ level: logLevel, base: null, formatters: { level: level => ({ level }) } })
}

interface Agent {
  readonly boot: Boot
  readonly server: FastifyInstance
  readonly url: string
  /** null where no port is set for it */
  readonly tftp: TftpJobs | null
  /** null where no line is set for it */
  readonly uboot: BoardUBoot | null
}

/**
 * Everything up to the first answer. The console comes first: HTTP and TFTP come up during its countdown, and commands that
 * need the network wait for it anyway, as they wait for the link.
 */
async function start(
  { listen, http, tftp: push, boot: config, uboot: console }: Config,
  log: Logger,
  times: StartClock,
): Promise<Agent> {
  if (http.tokenFile !== null) await readTokenFile(http.tokenFile)
  const host = createBoardHost()
  let tftp: TftpJobs | null = null
  let uboot: BoardUBoot | null = null
  let server: FastifyInstance | null = null
  const boot = await Boot.open({
    kexec: createNativeKexec(),
    config,
    host,
    clock: createBoardClock(),
    memory: createPhysicalMemory(),
    mapFile: mapOrRead,
    lent: () => uboot?.memoryUsed ?? 0,
    startTimes: () => times.times(),
    log,
    collectGarbage,
    hangUp: async () => {
      server?.server.closeAllConnections()
      tftp?.close()
      await uboot?.drained()
    },
  })
  uboot = await openConsole({
    config: console,
    boot,
    host,
    power: BOARD_POWER,
    tty: TTY,
    // What is promised to uploads is free for nothing else, nor is the memory for its copy.
    room: used => memoryRoom(config, boot.artifacts.stored + 2 * boot.artifacts.promised + used),
    cameUp: () => times.countdown(),
    log,
  })
  // The countdown's first line leaves before the server is made, which keeps the event loop busy.
  await yieldToEventLoop()
  const firstStage = new FirstStage({
    card: createLinuxCard(),
    cmdline: () => readFile('/proc/cmdline', 'utf8'),
    confirmedFile: CONFIRMED,
    withoutJobs: work => boot.withoutJobs(work),
    restart: () => BOARD_POWER.reset(),
  })
  server = createServer(boot, http, { log, version, firstStage, console: () => uboot?.line ?? null })
  const url = await server.listen(listen)
  tftp = await openTftp({ config: push, boot, log })
  return { boot, server, url, tftp, uboot }
}

/** A board that cannot listen for TFTP still takes jobs over HTTP, so the error is only logged. */
async function openTftp(parts: TftpJobsDeps): Promise<TftpJobs | null> {
  const { listen } = parts.config
  if (listen === null) return null
  try {
    const { TftpJobs } = await import('./tftp/tftp-jobs.js')
    return await TftpJobs.open(parts, listen)
  } catch (thrown) {
    parts.log.error({ reason: asFault(thrown, 'listening for TFTP').message }, 'there are no jobs over TFTP')
    return null
  }
}

const TTY: TtyCalls = { rawTty, drainTty }

/** A board without its console still takes jobs over HTTP, so the error is only logged. */
async function openConsole(parts: BoardUBootDeps): Promise<BoardUBoot | null> {
  if (parts.config.serial === null && parts.config.tcp === null) return null
  try {
    const { openBoardUBoot } = await import('./uboot/open-board.js')
    const { createUdpNetwork } = await import('./native-udp.js')
    return await openBoardUBoot({ ...parts, udp: createUdpNetwork() })
  } catch (thrown) {
    parts.log.error({ reason: asFault(thrown, 'opening the console').message }, 'there is no U-Boot console')
    return null
  }
}

/** Bytes that may still be stored. Whatever is held in memory is copied once more when it is loaded. */
function memoryRoom({ memoryReserve }: Config['boot'], held: number): number {
  return Math.max(0, Math.floor((availableMemory() - memoryReserve - held) / 2))
}

function stopOnSignal(log: Logger, stop: () => Promise<void>): void {
  const end = async (signal: NodeJS.Signals): Promise<never> => {
    log.info({ signal }, 'stopping')
    setTimeout(() => {
      log.fatal(`not stopped within ${STOP_MS} ms`)
      process.exit(1)
    }, STOP_MS)
    await stop()
    process.exit(0)
  }
  // A second signal finds no handler any more, and ends the process at once.
  for (const signal of ['SIGTERM', 'SIGINT'] as const) process.once(signal, end)
}
