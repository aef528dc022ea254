/** Facts about the board, for clients and for the preflight. */

import { basename } from 'node:path'
import { FauxbootError } from '../../errors.js'
import type { BoardFacts } from '../../kexec/checks/check.js'
import type { ConsoleLine } from '../../kexec/checks/console-line.js'
import { parseIomem } from '../../kexec/layout/memory-map.js'
import type { Finding } from '../../kexec/layout/plan.js'
import { hex, type Range } from '../../kexec/layout/ranges.js'
import { examineBoard } from '../../kexec/preflight.js'
import type { Kexec } from '../../kexec/syscall/kexec.js'
import type { ArtifactStore } from '../artifacts/artifact-store.js'
import type { BoardHost, BoardView, LinkView, StartTimes, WatchdogView } from './board.js'

/** `CAP_SYS_BOOT` of `capabilities(7)` */
const CAP_SYS_BOOT = 22n

/** @param keepLinksUp names, or `*` for all */
export async function readLinks(host: BoardHost, keepLinksUp: readonly string[]): Promise<LinkView[]> {
  const isKept = (name: string): boolean => keepLinksUp.includes('*') || keepLinksUp.includes(name)
  return (await host.links()).map(link => ({ ...link, kept: isKept(link.name) }))
}

const mayBoot = (capabilities: bigint | null): boolean | null =>
  capabilities === null ? null : (capabilities & (1n << CAP_SYS_BOOT)) !== 0n

/** The watchdog that matters: one that runs, else the first. */
const mainWatchdog = (watchdogs: readonly WatchdogView[]): WatchdogView | null =>
  watchdogs.find(({ state }) => state === 'active') ?? watchdogs[0] ?? null

/** The watchdog that a job arms: one that no process has opened (systemd may own another one), else the first. */
export const watchdogToArm = (watchdogs: readonly WatchdogView[]): WatchdogView | null =>
  watchdogs.find(({ state }) => state !== 'active') ?? watchdogs[0] ?? null

/** What the settings and the job say of a board. */
export interface BoardSettings {
  readonly keepLinksUp: readonly string[]
  /** timeout of the watchdog to arm before the jump; 0 for none */
  readonly watchdogSeconds: number
  /** path of the serial line with the console; null: the agent has none, and the kernel's own counts */
  readonly serial: string | null
}

/** The board's part of the preflight. */
export async function readBoardFacts(
  host: BoardHost,
  { keepLinksUp, watchdogSeconds, serial }: BoardSettings,
): Promise<BoardFacts> {
  const [cpus, memory, kexecDisabled, capabilities, watchdogs, links, consoleLine] = await Promise.all([
    host.cpus(),
    host.memory(),
    host.kexecLoadDisabled(),
    host.capabilities(),
    host.watchdogs(),
    readLinks(host, keepLinksUp),
    host.consoleLine(serial === null ? null : basename(serial)),
  ])
  const watchdog = watchdogSeconds > 0 ? watchdogToArm(watchdogs) : mainWatchdog(watchdogs)
  const up = links.filter(link => link.up)
  return {
    possibleCpus: cpus.possible,
    onlineCpus: cpus.online,
    cpuStop: cpus.hotplug,
    memoryTotal: memory.total,
    kexecDisabled,
    mayBoot: mayBoot(capabilities),
    watchdog: watchdog && {
      name: watchdog.name,
      active: watchdog.state === null ? null : watchdog.state === 'active',
      timeout: watchdog.timeout,
      maxTimeout: watchdog.maxTimeout,
      stopsOnReboot: watchdog.stopsOnReboot,
    },
    watchdogSeconds,
    linksToStop: up.filter(({ kept }) => !kept).map(({ name }) => name),
    linksKept: up.filter(({ kept }) => kept).map(({ name }) => name),
    consoleLine,
  }
}

/** The memory map, or why it cannot be used. */
async function readMap(host: BoardHost): Promise<{ readonly ram: readonly Range[]; readonly findings: Finding[] }> {
  try {
    return { ram: parseIomem(await host.iomem()), findings: [] }
  } catch (thrown) {
    const message = thrown instanceof Error ? thrown.message : String(thrown)
    const remedy =
      thrown instanceof FauxbootError && thrown.code === 'MAP_ZEROS' ? '' : 'run the agent as root on Linux'
    return { ram: [], findings: [{ check: 'memory-map', severity: 'fatal', message, remedy }] }
  }
}

function watchdogFindings(watchdogs: readonly WatchdogView[]): Finding[] {
  const stuck = watchdogs.filter(({ nowayout, state }) => nowayout === true && state === 'active')
  return stuck.map(({ name, timeout }) => ({
    check: 'watchdog-nowayout',
    severity: 'warning',
    message: `${name} cannot be stopped (nowayout): a target that does not feed it is reset after ${timeout ?? 'unknown'} s`,
    remedy: 'give the target a driver for it, or start the first stage with watchdog.nowayout=0',
  }))
}

function loadedFindings(loaded: boolean | null): Finding[] {
  if (loaded !== true) return []
  const message = 'an image is loaded already; the next job drops it'
  return [{ check: 'image-loaded', severity: 'info', message, remedy: '' }]
}

/** Whether an image is loaded; null if the kernel does not say. */
async function readLoaded(kexec: Kexec): Promise<boolean | null> {
  return kexec.loaded().catch(() => null)
}

async function serialLineOf(host: BoardHost, { tty, baud }: ConsoleLine): Promise<BoardView['serialLine']> {
  return { tty, baud, damage: await host.serialDamage(tty) }
}

export interface BoardSources extends BoardSettings {
  readonly host: BoardHost
  readonly kexec: Kexec
  readonly artifacts: ArtifactStore
  /** none unless given */
  readonly startTimes?: () => StartTimes | null
  readonly owner: string | null
  readonly queued: readonly string[]
}

/** Everything there is to say of the board now. */
export async function readBoard(sources: BoardSources): Promise<BoardView> {
  const { host, kexec, artifacts, keepLinksUp, owner, queued } = sources
  const [facts, map, links, watchdogs, loaded, memory, cpus, model, compatible, limit] = await Promise.all([
    readBoardFacts(host, sources),
    readMap(host),
    readLinks(host, keepLinksUp),
    host.watchdogs(),
    readLoaded(kexec),
    host.memory(),
    host.cpus(),
    host.model(),
    host.compatible(),
    artifacts.limit(),
  ])
  return {
    model,
    compatible,
    machine: host.machine(),
    kernel: host.kernelRelease(),
    memory: { ...memory, ram: map.ram.map(({ start, end }) => ({ first: hex(start), last: hex(end - 1) })) },
    cpus: { possible: cpus.possible },
    artifacts: { count: artifacts.count, stored: artifacts.stored, limit },
    links,
    watchdogs,
    serialLine: facts.consoleLine ? await serialLineOf(host, facts.consoleLine) : null,
    start: sources.startTimes?.() ?? null,
    kexec: { loaded },
    owner,
    queued,
    findings: [...map.findings, ...examineBoard(facts), ...watchdogFindings(watchdogs), ...loadedFindings(loaded)],
  }
}
