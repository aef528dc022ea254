/** The settings of the fake U-Boot; `agent/config.ts` holds their values. */

import type { EnvironmentSettings } from '../env/environment-location.js'

export interface UBootConfig extends EnvironmentSettings {
  /** serial line of the console: `/dev/ttyS0`; null if there is none */
  readonly serial: string | null
  /** address of the telnet consoles, which ask for no password; null if there are none */
  readonly tcp: { readonly host: string; readonly port: number } | null
  /** directory on a tmpfs: the memory that commands address, and the environment unless it has a place of its own */
  readonly directory: string
  /** seconds that commands wait for the network's link */
  readonly linkSeconds: number
  /** seconds of the countdown, where the saved environment does not say */
  readonly bootDelay: number
  /** before the countdown's number */
  readonly autobootText: string
  /** a countdown without escape sequences */
  readonly autobootPlain: boolean
  /** after the version in the banner; may be empty */
  readonly identity: string
  /** console of a booted kernel: `ttyS0,115200n8`; may be empty */
  readonly console: string
}
