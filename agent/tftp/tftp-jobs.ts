/** Jobs over TFTP: who may push what, what a pushed file becomes, when a job starts, and what can be read of it. */

import type { ArtifactView } from '../boot/artifacts/artifact-store.js'
import type { Boot } from '../boot/boot.js'
import { FINAL_STATES, type JobView } from '../boot/jobs/job.js'
import { networkList } from '../boot/network-list.js'
import { FauxbootError, fault } from '../errors.js'
import type { PlanJson } from '../kexec/render/plan-json.js'
import { TFTP_ERROR } from '../transfer/tftp/packets.js'
import type { TftpNetwork, TftpPeer } from '../transfer/tftp/peer-socket.js'
import { type TftpIncoming, type TftpOutgoing, TftpServer } from '../transfer/tftp/server/server.js'
import { DescriptionPush } from './description-push.js'
import { FilePush } from './file-push.js'
import { readDescription } from './job-description.js'
import { artifactOf, type Description, parsePushTarget, parseReportName, type Report, roleOf } from './push-names.js'
import type { TftpConfig } from './tftp-config.js'

export interface TftpJobsParts {
  readonly config: TftpConfig
  readonly boot: Boot
  /** draws a plan as SVG */
  readonly drawPlan: (plan: PlanJson) => Promise<string>
  readonly log: {
    info(fields: object, message: string): void
    warn(fields: object, message: string): void
    error(fields: object, message: string): void
  }
  /** UDP and time; default the system's */
  readonly network?: TftpNetwork
}

/** Numbers of RFC 1350 for the errors of the table, by their HTTP status; what is missing is left to the server. */
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
  readonly #parts: TftpJobsParts
  /** files that are on their way out of the store: whoever pushes them again waits for that */
  readonly #leaving = new Set<Promise<void>>()
  #server: TftpServer | null = null

  private constructor(parts: TftpJobsParts) {
    this.#parts = parts
  }

  /**
   * Listen where the settings say.
   *
   * @throws TFTP_PROTOCOL when the port cannot be had
   */
  static async open(parts: TftpJobsParts, listen: { readonly host: string; readonly port: number }): Promise<TftpJobs> {
    const { config, log, network } = parts
    const jobs = new TftpJobs(parts)
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

  /** Stop at once; clients whose transfers are running are told. */
  close(): void {
    this.#server?.close()
  }

  async #push(name: string, size: number | null, { address }: TftpPeer): Promise<TftpIncoming> {
    const target = parsePushTarget(name)
    await Promise.all(this.#leaving)
    this.#checkFree(target.job, name)
    const failed = (thrown: unknown): void =>
      this.#parts.log.warn({ name, peer: address, reason: reasonOf(thrown) }, 'TFTP: a push failed')
    if ('role' in target) return this.#pushFile(artifactOf(target.job, target.role), size, address, failed)
    const { job, description } = target
    const { descriptionLimit: limit } = this.#parts.config
    return new DescriptionPush({ name, size, limit, start: bytes => this.#start(job, description, bytes), failed })
  }

  #pushFile(
    artifact: string,
    size: number | null,
    peer: string,
    failed: (thrown: unknown) => void,
  ): Promise<TftpIncoming> {
    const { boot, log } = this.#parts
    return FilePush.begin(boot.artifacts, artifact, size, {
      ended: async ({ received }: ArtifactView) => {
        // TFTP cannot delete; a file of nothing is none.
        if (received === 0) await this.#forget([artifact])
        log.info({ artifact, size: received, peer }, 'TFTP: file pushed')
      },
      aborted: thrown => {
        failed(thrown)
        void this.#forget([artifact])
      },
    })
  }

  /** The files of a job stay as they are while it runs. @throws ARTIFACT_BUSY */
  #checkFree(job: string, name: string): void {
    const latest = this.#latest(job)
    if (latest === undefined || FINAL_STATES.includes(latest.state)) return
    throw fault('ARTIFACT_BUSY', { name, reason: `in use by job ${latest.id}` })
  }

  /** A description is whole. @throws what is wrong with it; JOB_BUSY, ARTIFACT_BUSY */
  async #start(job: string, description: Description, bytes: Uint8Array): Promise<void> {
    const { boot, config } = this.#parts
    const files = new Map<string, string>()
    for (const { name } of await boot.artifacts.list()) {
      const role = roleOf(job, name)
      if (role !== null) files.set(role, name)
    }
    const request = await readDescription(description, bytes, files, config.lab)
    this.#checkFree(job, `${job}/${description}`)
    // By this name its state is found again, in another life of the agent too.
    const { id } = await boot.submit({ ...request, name: job }, 'tftp')
    void this.#forgetAfter(id, [...files.values()])
  }

  /** What was pushed for a job goes with it, as files that come with a job over HTTP do. */
  async #forgetAfter(id: string, artifacts: readonly string[]): Promise<void> {
    // A job that is no longer remembered is over, too.
    await Promise.allSettled([this.#over(id)])
    await this.#forget(artifacts)
  }

  /** Resolves when a job has ended and the board is free of it; a job that jumped is never over. */
  async #over(id: string): Promise<void> {
    const { boot } = this.#parts
    for await (const _ of boot.events(id, 0)) {
      // Only their end counts.
    }
    await boot.settled(id)
  }

  /** Remove artifacts. One that is gone, or in use again, is passed over. */
  async #forget(artifacts: readonly string[]): Promise<void> {
    const { boot, log } = this.#parts
    const forgetting = Promise.allSettled(artifacts.map(name => boot.artifacts.delete(name))).then(results => {
      for (const result of results) {
        if (result.status === 'rejected' && !(result.reason instanceof FauxbootError)) {
          log.error({ reason: reasonOf(result.reason) }, 'TFTP: a pushed file could not be removed')
        }
      }
    })
    this.#leaving.add(forgetting)
    await forgetting
    this.#leaving.delete(forgetting)
  }

  #latest(job: string): JobView | undefined {
    return this.#parts.boot.list().find(({ origin, name }) => origin === 'tftp' && name === job)
  }

  async #report(name: string): Promise<TftpOutgoing> {
    const { job, report } = parseReportName(name)
    const latest = this.#latest(job)
    if (latest === undefined) throw fault('JOB_UNKNOWN', { id: job })
    const bytes = Buffer.from(await this.#reportText(latest, report))
    return { size: bytes.length, read: (offset, length) => bytes.subarray(offset, offset + length) }
  }

  async #reportText(view: JobView, report: Report): Promise<string> {
    const { boot, drawPlan } = this.#parts
    if (report === 'status.json') return json(view)
    if (report === 'log') return boot.log(view.id)
    const plan = boot.plan(view.id)
    if (plan === null) throw fault('JOB_NO_PLAN', { id: view.id, state: view.state })
    return report === 'plan.json' ? json(plan) : drawPlan(plan)
  }
}
