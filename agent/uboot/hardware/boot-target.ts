/** The way from a boot command into the one pipeline of `agent/boot`. */

/** Part of the machine's memory. */
export interface MemoryPart {
  readonly address: number
  /** bytes */
  readonly size: number
}

/** What a boot command found and checked. */
export interface BootOrder {
  readonly kernel: MemoryPart
  readonly ramdisk: MemoryPart | null
  /** null: the running kernel's tree */
  readonly dtb: MemoryPart | null
  readonly cmdline: string
  /** by the alias of the interface's node: `{ ethernet0: '02:02:c3:99:67:87' }`; others come from the running links */
  readonly macAddresses: Readonly<Record<string, string>>
}

/** A finding of the plan. */
interface BootFinding {
  /** `warning`, or `fatal` where that was no reason to refuse */
  readonly severity: string
  readonly message: string
  readonly remedy: string
}

/** Progress of a boot. */
export interface BootObserver {
  /** the plan warns of something; called before `starting` */
  notice(notice: BootFinding): void
  /** everything is loaded: output from now on is the last before the jump */
  starting(): void
}

export interface BootTarget {
  /**
   * Boot.
   *
   * @throws the error that ended the job; the reason of `signal`
   */
  boot(order: BootOrder, watch: BootObserver, signal: AbortSignal): Promise<never>
  /** Restart the board. @throws BOARD_POWER when that fails */
  reset(): Promise<never>
  /** Switch the board off. @throws BOARD_POWER when that fails */
  powerOff(): Promise<never>
}
