/** The two ways to bring a board to its jump: a job over HTTP, or a boot typed at its console. */

import { fault } from '../../agent/errors.js'
import type { BoardClient, JobBody } from '../client/board-client.js'
import { type BootWatcher, runJob } from '../client/boot-job.js'
import { remoteFault } from '../client/remote-error.js'
import type { Expect } from '../console/expect.js'
import { servedTarget, type TypedBoot, type TypedRole, type TypingWatcher, typeBoot } from './typed-boot.js'

/** What a drive may do with the board. */
interface DriveContext {
  readonly expect: Expect
  /** when the board was switched on for this, by `performance.now()`; undefined: it is as it was left */
  readonly poweredAt?: number
  /** From now on the words of a boot loader that has failed are such. */
  bootLoaderReached(): void
  /** From now on the next kernel that begins is the target. */
  handedOver(): void
  /** Tell what goes on. */
  note(line: string): void
  /** fires when the session is over, whatever the reason */
  readonly signal: AbortSignal
}

/** Brings a board that has been switched on to its jump. */
export type Drive = (context: DriveContext) => Promise<void>

export interface HttpDriveOptions {
  readonly client: BoardClient
  /** brings the files to the board; the job that boots them */
  readonly job: (signal: AbortSignal) => Promise<JobBody>
  readonly watcher: BootWatcher
  /** for the agent to answer */
  readonly waitSeconds: number
}

/** Submit a job to the agent. */
export function driveHttp({ client, job, watcher, waitSeconds }: HttpDriveOptions): Drive {
  return async ({ poweredAt, handedOver, note, signal }) => {
    note(`waiting for ${client.url.href}`)
    await client.waitUntilReady(waitSeconds, signal, poweredAt)
    const body = await job(signal)
    // The first stage has said all that its own kernel says.
    handedOver()
    const { job: submitted, outcome } = await runJob(client, body, watcher, signal)
    const { state, error } = outcome
    if (state === 'loaded' || state === 'booting') return
    if (error === null) throw fault('JOB_CANCELLED', { id: submitted.id, state })
    throw remoteFault(error) ?? fault('BOARD_ANSWER', { url: client.url.href, reason: error.message })
  }
}

export interface TypedDriveOptions {
  readonly boot: TypedBoot
  /** for the boot loader to be there */
  readonly waitSeconds: number
  readonly watcher?: TypingWatcher
}

/** Type a boot whose files are on a TFTP server of the lab. */
export function driveTyped({ boot, waitSeconds, watcher }: TypedDriveOptions): Drive {
  return async ({ expect, poweredAt, bootLoaderReached, note }) => {
    note('waiting for the boot loader')
    // A board that waits at its prompt says so when it is asked.
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

export interface ServedDriveOptions extends Omit<TypedDriveOptions, 'boot'> {
  readonly boot: Omit<TypedBoot, 'server' | 'bootCommand'> & Partial<Pick<TypedBoot, 'bootCommand'>>
  /** address of this machine as the board sees it */
  readonly address: string
  /** address that the TFTP server listens on; all of them without it */
  readonly listen?: string
}

/** Type a boot whose files are here: `boot.files` are paths, served while it is typed. */
export function driveServed({ boot, address, listen = '0.0.0.0', ...rest }: ServedDriveOptions): Drive {
  return async context => {
    const { files, bootCommand } = await servedTarget(boot.files)
    // Whoever serves nothing does not load the package.
    const { serveTftp } = await import('./tftp-server.js')
    const server = await serveTftp(listen, files, context.note)
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
      await driveTyped({ ...rest, boot: typed })(context)
    } finally {
      server.close()
    }
  }
}
