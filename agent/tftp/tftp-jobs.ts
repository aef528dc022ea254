/** Jobs over TFTP: who may push, what a pushed file becomes, when a job starts, and what clients can read back. */

import type { ArtifactView } from '../boot/artifacts/artifact-store.js'
import type { Boot } from '../boot/boot.js'
import { FINAL_STATES } from '../boot/jobs/job.js'
import { networkList } from '../boot/network-list.js'
import { FauxbootError, fault } from '../errors.js'
import { TFTP_ERROR } from '../transfer/tftp/packets.js'
import type { TftpNetwork, TftpPeer } from '../transfer/tftp/peer-socket.js'
import { type TftpIncoming, type TftpOutgoing, TftpServer } from '../transfer/tftp/server/server.js'
import { DescriptionPush } from './description-push.js'
import { FilePush } from './file-push.js'
import { readDescription } from './job-description.js'
import { artifactOf, type Description, parsePushTarget, parseReportName, type Report, roleOf } from './push-names.js'
import type { TftpConfig } from './tftp-config.js'

export interface TftpJobsDeps {
  readonly config: TftpConfig
  readonly boot: Boot
  readonly log: {
    info(fields: object, message: string): void
    warn(fields: object, message: string): void
    error(fields: object, message: string): void
  }
  /** UDP and time; default the system's */
  readonly network?: TftpNetwork
}

/** RFC 1350's error numbers by the HTTP status of our errors; the server chooses the number for any other status. */
const NUMBERS: Readonly<Record<number, number>> = {
  400: TFTP_ERROR.other,
  403: TFTP_ERROR.accessViolation,
  404: TFTP_ERROR.fileNotFound,
  409: TFTP_ERROR.accessViolation,
  413: TFTP_ERROR.diskFull,
  422: TFTP_ERROR.other,
  500: TFTP_ERROR.other,
  507: TFTP_ERROR.diskFull,
}

const reasonOf = (thrown: unknown): string => (thrown instanceof Error ? thrown.message : String(thrown))

const json = (value: unknown): string => `${JSON.stringify(value, null, 2)}\n`

/** The TFTP server of the agent. */
export class TftpJobs {
  readonly #deps: TftpJobsDeps
  /** the removal of pushes that broke off: later pushes wait for it */
  #removal: Promise<void> = Promise.resolve()
  #server: TftpServer | null = null

  private constructor(deps: TftpJobsDeps) {
    this.#deps = deps
  }

  /**
   * Listen on the address of the settings.
   *
   * @throws TFTP_PROTOCOL if the port cannot be bound
   */
  static async open(deps: TftpJobsDeps, listen: { readonly host: string; readonly port: number }): Promise<TftpJobs> {
    const { config, log, network } = deps
    const jobs = new TftpJobs(deps)
    const peers = networkList(config.peers)
    const checkPeer = ({ address }: TftpPeer): void => {
      if (!peers.has(address)) throw fault('PUSH_PEER', { address })
    }
    jobs.#server = await TftpServer.listen({
      address: listen.host === '' ? '::' : listen.host,
      port: listen.port,
      network,
      async read(name, peer) {
        checkPeer(peer)
        return jobs.#report(name)
      },
      async write(name, size, peer) {
        checkPeer(peer)
        return jobs.#push(name, size, peer)
      },
      errorNumber: error => (error instanceof FauxbootError ? (NUMBERS[error.statusCode] ?? null) : null),
      onRefused: ({ text }, name, { address }) => log.warn({ name, peer: address, reason: text }, 'TFTP: refused'),
    })
    log.info({ ...listen, port: jobs.port, peers: config.peers }, 'jobs over TFTP')
    return jobs
  }

  /** UDP port; 0 when it is closed. */
  get port(): number {
    return this.#server?.port ?? 0
  }

  /** Stop at once; running transfers end with an ERROR packet. */
  close(): void {
    this.#server?.close()
  }

  async #push(name: string, size: number | null, { address }: TftpPeer): Promise<TftpIncoming> {
    const target = parsePushTarget(name)
    await this.#removal
    this.#checkFree(target.job, name)
    const failed = (thrown: unknown): void =>
      this.#deps.log.warn({ name, peer: address, reason: reasonOf(thrown) }, 'TFTP: a push failed')
    if ('role' in target) return this.#pushFile(artifactOf(target.job, target.role), size, address, failed)
    const { job, description } = target
    const { descriptionLimit: limit } = this.#deps.config
    return new DescriptionPush({ name, size, limit, start: bytes => this.#start(job, description, bytes), failed })
  }

  #pushFile(
    artifact: string,
    size: number | null,
    peer: string,
    failed: (thrown: unknown) => void,
  ): Promise<TftpIncoming> {
    const { boot, log } = this.#deps
    return FilePush.begin(boot.artifacts, artifact, size, {
      ended: async ({ received }: ArtifactView) => {
        // TFTP has no delete: an empty upload deletes the file.
        if (received === 0) await boot.artifacts.deleteUnused(artifact)
        log.info({ artifact, size: received, peer }, 'TFTP: file pushed')
      },
      aborted: thrown => {
        failed(thrown)
        this.#remove(artifact)
      },
    })
  }

  /** The files of a job stay as they are while it runs. @throws ARTIFACT_BUSY */
  #checkFree(job: string, name: string): void {
    const latest = this.#deps.boot.latest('tftp', job)
    if (latest === null || FINAL_STATES.includes(latest.state)) return
    throw fault('ARTIFACT_BUSY', { name, reason: `in use by job ${latest.id}` })
  }

  /** Start the job of a complete description. @throws the description's error; JOB_BUSY, ARTIFACT_BUSY */
  async #start(job: string, description: Description, bytes: Uint8Array): Promise<void> {
    const { boot, config } = this.#deps
    const files = new Map<string, string>()
    for (const { name } of await boot.artifacts.list()) {
      const role = roleOf(job, name)
      if (role !== null) files.set(role, name)
    }
    const request = await readDescription(description, bytes, files, config.lab)
    this.#checkFree(job, `${job}/${description}`)
    // The name finds the job again, even after the agent was restarted.
    await boot.submit({ ...request, name: job }, 'tftp', { consume: [...files.values()] })
  }

  /** Remove what a push that broke off has left. */
  #remove(artifact: string): void {
    const { boot, log } = this.#deps
    this.#removal = this.#removal
      .then(() => boot.artifacts.deleteUnused(artifact))
      .catch((thrown: unknown) =>
        log.error({ artifact, reason: reasonOf(thrown) }, 'TFTP: part of a pushed file could not be removed'),
      )
  }

  async #report(name: string): Promise<TftpOutgoing> {
    const { job, report } = parseReportName(name)
    const latest = this.#deps.boot.latest('tftp', job)
    if (latest === null) throw fault('JOB_UNKNOWN', { id: job })
    const bytes = Buffer.from(await this.#reportText(latest.id, report))
    return { size: bytes.length, read: (offset, length) => bytes.subarray(offset, offset + length) }
  }

  async #reportText(id: string, report: Report): Promise<string> {
    const { boot } = this.#deps
    if (report === 'status.json') return json(boot.get(id))
    if (report === 'log') return boot.log(id)
    return report === 'plan.json' ? json(boot.plan(id)) : boot.renderPlan(id, 'svg')
  }
}
