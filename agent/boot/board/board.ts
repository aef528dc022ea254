/** The board as clients see it, and the interface to its host. */

import type { ConsoleLine } from '../../kexec/checks/console-line.js'
import type { Finding } from '../../kexec/layout/plan.js'
import type { SerialDamage } from './serial-damage.js'

/** A network interface. */
export interface LinkView {
  readonly name: string
  readonly up: boolean
  /** lower-case hex with colons; null if it has none */
  readonly mac: string | null
  /** addresses with their prefix length: `10.0.0.7/24` */
  readonly addresses: readonly string[]
  /** the link stays up over the jump */
  readonly kept: boolean
}

/** A watchdog of `/sys/class/watchdog`; values that the driver does not report are null. */
export interface WatchdogView {
  readonly name: string
  readonly identity: string | null
  readonly state: 'active' | 'inactive' | null
  /** seconds */
  readonly timeout: number | null
  /** the longest timeout that the driver allows, seconds; null also where it has no limit of its own */
  readonly maxTimeout: number | null
  /** the kernel stops it before a reboot, and so before the jump; null: its driver decides */
  readonly stopsOnReboot: boolean | null
  /** once started it can never be stopped */
  readonly nowayout: boolean | null
}

/** When the start of the board came to each point: seconds since the kernel started. The boot loader's time is not in it. */
export interface StartTimes {
  /** systemd; null before it has told */
  readonly systemd: number | null
  /** the process of the agent */
  readonly process: number
  /** the agent's own code: Node is up */
  readonly agent: number
  /** the countdown on the console; null without one */
  readonly countdown: number | null
  /** the first answer that was possible over HTTP; null before that */
  readonly ready: number | null
}

/** What `GET /v1/board` answers. */
export interface BoardView {
  readonly model: string | null
  /** `compatible` of the device tree's root, the most exact first */
  readonly compatible: readonly string[]
  /** the output of `uname -m` */
  readonly machine: string
  /** release of the running kernel */
  readonly kernel: string
  readonly memory: {
    /** bytes */
    readonly total: number
    /** bytes, `MemAvailable` */
    readonly available: number
    /** System RAM; first and last address as lower-case hex. Empty where the map cannot be read */
    readonly ram: readonly { readonly first: string; readonly last: string }[]
  }
  readonly cpus: {
    /** CPUs that may ever come online, whatever `maxcpus=` says */
    readonly possible: number
  }
  readonly artifacts: {
    readonly count: number
    /** bytes stored */
    readonly stored: number
    /** bytes that may still be stored */
    readonly limit: number
  }
  readonly links: readonly LinkView[]
  readonly watchdogs: readonly WatchdogView[]
  /** the line that the lab reads; null without one */
  readonly serialLine: {
    /** `ttyS0` */
    readonly tty: string
    /** bits per second */
    readonly baud: number | null
    readonly damage: SerialDamage | null
  } | null
  /** of this agent; null where the system does not tell */
  readonly start: StartTimes | null
  readonly kexec: {
    /** an image is loaded; null where it cannot be read */
    readonly loaded: boolean | null
  }
  /** the job that owns the board */
  readonly owner: string | null
  /** jobs that wait for it */
  readonly queued: readonly string[]
  /** findings that affect every job on this board */
  readonly findings: readonly Finding[]
}

/** A link as the host sees it; whether it is kept up is a matter of the settings. */
export type HostLink = Omit<LinkView, 'kept'>

/**
 * What the agent reads of the machine it runs on, and the one thing it does to it. The real one is `board-host.ts`. What
 * cannot be read is null, and never an error: a board without a watchdog, or a machine that is no board at all, is
 * answered for all the same.
 */
export interface BoardHost {
  /** the text of `/proc/iomem`; throws when it cannot be read */
  iomem(): Promise<string>
  /** the device tree the running kernel was started with, `/sys/firmware/fdt` */
  runningDtb(): Promise<Uint8Array | null>
  /** `MemTotal` and `MemAvailable` of `/proc/meminfo`, bytes */
  memory(): Promise<{ readonly total: number; readonly available: number }>
  model(): Promise<string | null>
  compatible(): Promise<readonly string[]>
  /** `uname -m` */
  machine(): string
  /** `uname -r` */
  kernelRelease(): string
  /** differs each time a kernel starts: `/proc/sys/kernel/random/boot_id` */
  bootId(): Promise<string | null>
  /** every interface but loopback */
  links(): Promise<readonly HostLink[]>
  /**
   * MAC addresses of the interfaces that have a node in the device tree, each under the path of its node and under its
   * aliases there: `/soc/ethernet@830000` and `ethernet0`. Before a link has its driver, the address is the one that the
   * boot loader wrote into the tree, under the alias only
   */
  macAddresses(): Promise<Readonly<Record<string, string>>>
  watchdogs(): Promise<readonly WatchdogView[]>
  /**
   * The serial line that the lab reads.
   *
   * @param tty its name; null for the console of the running kernel
   * @returns null if there is no such line
   */
  consoleLine(tty: string | null): Promise<ConsoleLine | null>
  /** @returns null for a line whose driver counts none, or hides it */
  serialDamage(tty: string): Promise<SerialDamage | null>
  /** CPUs that may ever be there, those that run, and whether a secondary one can be stopped */
  cpus(): Promise<{
    readonly possible: number
    readonly online: number
    readonly hotplug: boolean | null
  }>
  /** `/proc/sys/kernel/kexec_load_disabled` */
  kexecLoadDisabled(): Promise<boolean | null>
  /** effective capabilities of this process, a bit set as in `capabilities(7)` */
  capabilities(): Promise<bigint | null>
  /**
   * Take its driver from a link that is down, where the device would go on writing what it receives into memory; other
   * links stay as they are.
   *
   * @param name of the link
   * @returns whether it was taken
   */
  detach(name: string): Promise<boolean>
}
