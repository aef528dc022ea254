import type { LabDefaults } from '../boot/requests/lab-command-line.js'

/** The settings of this folder; `agent/config.ts` holds their values. */
export interface HttpConfig {
  /** file with the bearer token; null: no token, so only loopback and `allowNetworks` may change anything */
  readonly tokenFile: string | null
  /** reading needs the token too, but for `/healthz` and the empty page that asks for the token */
  readonly tokenForReads: boolean
  /** networks in CIDR notation that may change things like loopback may, while there is no token */
  readonly allowNetworks: readonly string[]
  /** names of the board that requests may be sent to while there is no token, besides its addresses and `localhost`; lower case */
  readonly hostNames: readonly string[]
  /** connections at a time; one more takes the place of a client that may change nothing */
  readonly maxConnections: number
  /** seconds without a byte, either way, after which a connection is closed */
  readonly idleSeconds: number
  /** seconds in which the head of a request must arrive */
  readonly headSeconds: number
  /** seconds between comments in a quiet stream of events */
  readonly heartbeatSeconds: number
  /** bytes of a job's description: JSON, YAML, or the field `job` of a form */
  readonly jobBodyLimit: number
  /** for jobs whose format leaves the command line to the lab */
  readonly lab: LabDefaults
}
