/** What the fake U-Boot says about its board. */

import type { MemoryRange } from '../hardware/memory.js'

export interface BoardFacts {
  /** `U-Boot 2026.10-fauxboot (Nov 23 2026 - 08:44:21 +0000)`, without what a board adds to it */
  readonly version: string
  /** after the version in the banner: `Allwinner Technology`; may be empty */
  readonly identity: string
  /** the line `CPU:`; null if the banner has none */
  readonly cpu: string | null
  /** the line `Model:`; null if the banner has none */
  readonly model: string | null
  /** DRAM, by address */
  readonly dram: readonly MemoryRange[]
  /** the console's speed, bits per second */
  readonly baudrate: number
  /** the default environment, by name */
  readonly environment: Readonly<Record<string, string>>
  /** the running kernel's device tree, used as U-Boot's control tree; null if it has none */
  readonly controlFdt: Uint8Array | null
}
