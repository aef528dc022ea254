/** The settings of the fake U-Boot; `agent/config.ts` holds their values. */

import type { EnvironmentSettings } from '../env/environment-location.js'

export interface UBootConfig extends EnvironmentSettings {
  /** serial line with the console: `/dev/ttyS0`; null: none */
  readonly serial: string | null
  /** TCP consoles, which ask for no password; null: none */
  readonly tcp: { readonly host: string; readonly port: number } | null
  /** directory on a tmpfs: the memory that commands address, and the environment unless it has a place of its own */
  readonly directory: string
  /** seconds of the countdown, where the saved environment does not say */
  readonly bootDelay: number
  /** in front of the countdown's number */
  readonly autobootText: string
  /** behind the version in the banner; may be empty */
  readonly identity: string
  /** console of a booted kernel: `ttyS0,115200n8`; may be empty */
  readonly console: string
}
