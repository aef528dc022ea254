/** The settings of this folder; `agent/config.ts` holds their values. */
export interface UBootConfig {
  /** serial line with the console: `/dev/ttyS0`; null: none */
  readonly serial: string | null
  /** TCP consoles, which ask for no password; null: none */
  readonly tcp: { readonly host: string; readonly port: number } | null
  /** directory on a tmpfs: the memory that commands address, and where nothing else is told the environment */
  readonly directory: string
  /** a `fw_env.config` that says where `saveenv` writes; null: into `directory`, where it is gone with the power */
  readonly environment: string | null
  /** seconds of the countdown, where the saved environment does not say */
  readonly bootDelay: number
  /** in front of the countdown's number */
  readonly autobootText: string
  /** behind the version in the banner; may be empty */
  readonly identity: string
  /** console of a booted kernel: `ttyS0,115200n8`; may be empty */
  readonly console: string
}
