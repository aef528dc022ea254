/** Watches a board's console and decides what the boot came to. */

export interface BootVerdict {
  readonly outcome: 'booted' | 'failed' | 'infrastructure'
  /**
   * What decided: `login-prompt`, a row of the table of signs (`boot-signs.ts`) such as `kernel-panic`, or `silence`,
   * `timeout`, `console`, `power`, `agent`, `job`, `boot-loader`, `cancelled`
   */
  readonly sign: string
  /** one sentence: where and why */
  readonly reason: string
  /** lines of the console that show it, at most {@link VERDICT_LINES} */
  readonly lines: readonly string[]
  /** seconds from the start to each milestone seen: bootloader, starting-kernel, linux-version, userspace, prompt */
  readonly milestones: Readonly<Record<string, number>>
  /** what looked bad and decided nothing: rows of the table of signs, each with the first line that showed it */
  readonly warnings: readonly BootWarning[]
}

export interface BootWarning {
  readonly sign: string
  readonly line: string
}

/** Lines of the console that a verdict quotes at most. */
export const VERDICT_LINES = 40
