/** The way from a boot command into the one pipeline of `agent/boot`. */

/** Part of the machine's memory. */
export interface BootPiece {
  readonly address: number
  /** bytes */
  readonly size: number
}

/** What a boot command found and checked. */
export interface BootOrder {
  readonly kernel: BootPiece
  readonly ramdisk: BootPiece | null
  /** null: the running kernel's tree */
  readonly dtb: BootPiece | null
  readonly cmdline: string
}

/** A finding of the plan that is shown before the jump. */
export interface BootNotice {
  readonly severity: 'fatal' | 'warning' | 'info'
  readonly message: string
  readonly remedy: string
}

/** A boot that is loaded, and waits for the word. */
export interface LoadedBoot {
  readonly notices: readonly BootNotice[]
  /** Jump. It comes back only when that fails. @throws KEXEC_*, INTERNAL */
  go(): Promise<never>
  /** Drop it. */
  cancel(): Promise<void>
}

export interface BootDoor {
  /**
   * Submit a job with these pieces, and wait until it is loaded.
   *
   * @throws whatever ended the job; the reason of `signal`
   */
  load(order: BootOrder, signal: AbortSignal): Promise<LoadedBoot>
  /** Restart the board. It comes back only when that fails. */
  reset(): Promise<never>
  /** Switch the board off. It comes back only when that fails. */
  powerOff(): Promise<never>
}
