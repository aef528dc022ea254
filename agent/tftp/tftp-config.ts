import type { LabDefaults } from '../boot/requests/lab-command-line.js'

/** The settings of this folder; `agent/config.ts` holds their values. */
export interface TftpConfig {
  /** where to listen; null: nowhere. An empty host is every address, of IPv6 and of IPv4 */
  readonly listen: { readonly host: string; readonly port: number } | null
  /** networks in CIDR notation that may push jobs and read of them, like loopback */
  readonly peers: readonly string[]
  /** bytes of a job's description */
  readonly descriptionLimit: number
  /** for jobs whose format leaves the command line to the lab */
  readonly lab: LabDefaults
}
