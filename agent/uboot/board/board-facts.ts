/** What the faked U-Boot says of the board it runs on. */

import type { MemoryRange } from '../hardware/memory.js'

export interface BoardFacts {
  /** `U-Boot 2026.10-fauxboot (Nov 23 2026 - 08:44:21 +0000)`, without what a board adds to it */
  readonly version: string
  /** behind the version in the banner, as boards add it: `Allwinner Technology`; may be empty */
  readonly identity: string
  /** the line `CPU:`; null where there is none */
  readonly cpu: string | null
  /** the line `Model:`; null where there is none */
  readonly model: string | null
  /** DRAM, by address */
  readonly dram: readonly MemoryRange[]
  /** the console's speed, bits per second */
  readonly baudrate: number
  /** the default environment, by name */
  readonly environment: Readonly<Record<string, string>>
  /** the running kernel's device tree, U-Boot's control tree; null where there is none */
  readonly controlFdt: Uint8Array | null
}
