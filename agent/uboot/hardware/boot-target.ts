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

/** A finding of the plan. */
export interface BootNotice {
  /** `warning`, or `fatal` where that was no reason to refuse */
  readonly severity: string
  readonly message: string
  readonly remedy: string
}

/** What a boot tells on its way. */
export interface BootWatch {
  /** the plan warns of something; called before `starting` */
  notice(notice: BootNotice): void
  /** everything is loaded: what is printed now are the last words before the jump */
  starting(): void
}

export interface BootDoor {
  /**
   * Boot. On a board it comes back only when that fails.
   *
   * @returns the line that stands for the jump, where there is no board to make it
   * @throws whatever ended the job; the reason of `signal`
   */
  boot(order: BootOrder, watch: BootWatch, signal: AbortSignal): Promise<string>
  /** Restart the board. @throws BOARD_POWER when that fails */
  reset(): Promise<never>
  /** Switch the board off. @throws BOARD_POWER when that fails */
  powerOff(): Promise<never>
}
