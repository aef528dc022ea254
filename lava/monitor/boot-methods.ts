/** The ways to bring a board to its jump: a job over HTTP, or a boot typed at its console. */

import { fault } from '../../agent/errors.js'
import type { BoardClient, JobBody } from '../client/board-client.js'
import { type BootWatcher, runJob } from '../client/boot-job.js'
import { remoteFault } from '../client/remote-error.js'
import type { Expect } from '../console/expect.js'
import { type ServeFiles, serveFiles } from './file-server.js'
import { servedTarget, type TypedBoot, type TypedRole, type TypingWatcher, typeBoot } from './typed-boot.js'

/** What a boot method may do with the board. */
interface BootMethodContext {
  readonly expect: Expect
  /** when the board was switched on, by `performance.now()`; undefined: it was on already */
  readonly poweredAt?: number
  /** From now on, error messages of the boot loader count. */
  bootLoaderReached(): void
  /** The next kernel that starts is the target. */
  handedOver(): void
  /** Report progress. */
  note(line: string): void
  /** fires when the session is over, whatever the reason */
  readonly signal: AbortSignal
}

/** Brings a board that is on to its jump. */
export type BootMethod = (context: BootMethodContext) => Promise<void>

export interface HttpBootOptions {
  readonly client: BoardClient
  /** uploads the files and returns the job that boots them */
  readonly job: (signal: AbortSignal) => Promise<JobBody>
  readonly watcher: BootWatcher
  /** how long the agent may take to answer */
  readonly waitSeconds: number
}

/** Submit a job to the agent. */
export function bootOverHttp({ client, job, watcher, waitSeconds }: HttpBootOptions): BootMethod {
  return async ({ poweredAt, handedOver, note, signal }) => {
    note(`waiting for ${client.url.href}`)
    await client.waitUntilReady(waitSeconds, signal, poweredAt)
    const body = await job(signal)
    // The first stage's kernel prints nothing more.
    handedOver()
    const { job: submitted, outcome } = await runJob(client, body, watcher, signal)
    const { state, error } = outcome
    if (state === 'loaded' || state === 'booting') return
    if (error === null) throw fault('JOB_CANCELLED', { id: submitted.id, state })
    throw remoteFault(error) ?? fault('BOARD_ANSWER', { url: client.url.href, reason: error.message })
  }
}

export interface TypedBootOptions {
  readonly boot: TypedBoot
  /** how long the boot loader may take to appear */
  readonly waitSeconds: number
  readonly watcher?: TypingWatcher
}

/** Type a boot whose files are on the lab's TFTP server. */
export function bootByTyping({ boot, waitSeconds, watcher }: TypedBootOptions): BootMethod {
  return async ({ expect, poweredAt, bootLoaderReached, note }) => {
    note('waiting for the boot loader')
    // A board at its prompt prints it again after an empty line.
    if (poweredAt === undefined) await expect.type('\n')
    const watched: TypingWatcher = {
      prompted() {
        bootLoaderReached()
        watcher?.prompted()
      },
      booting(command) {
        note(command)
        watcher?.booting(command)
      },
    }
    await typeBoot(expect, boot, watched, waitSeconds * 1000)
  }
}

export interface ServedBootOptions extends Omit<TypedBootOptions, 'boot'> {
  readonly boot: Omit<TypedBoot, 'server' | 'bootCommand'> & Partial<Pick<TypedBoot, 'bootCommand'>>
  /** address of this machine as the board sees it */
  readonly address: string
  /** UDP port of the TFTP server; any free one without it */
  readonly port?: number
  /** address that the TFTP server listens on; all of them without it */
  readonly listen?: string
  /** the TFTP server; fauxboot's own by default */
  readonly serve?: ServeFiles
}

/** Type a boot of files on this machine: `boot.files` are paths, which a TFTP server serves meanwhile. */
export function bootServedFiles({
  boot,
  address,
  port = 0,
  listen = '0.0.0.0',
  serve = serveFiles,
  ...rest
}: ServedBootOptions): BootMethod {
  return async context => {
    const { files, bootCommand } = await servedTarget(boot.files)
    const server = await serve({ address: listen, port }, files, context.note)
    try {
      context.note(`TFTP at ${address}:${server.port}`)
      const names = Object.fromEntries(Array.from(files.keys(), (role): [TypedRole, string] => [role, role]))
      const served = { ...names, kernel: 'kernel' }
      const typed = {
        ...boot,
        bootCommand: boot.bootCommand ?? bootCommand,
        files: served,
        server: { address, port: server.port },
      }
      await bootByTyping({ ...rest, boot: typed })(context)
    } finally {
      server.close()
    }
  }
}
