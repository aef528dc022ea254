/** How a job gets onto its board: its files come to the lab, and from there to the board's agent. */

import { join } from 'node:path'
import { makeFolder } from '../../agent/make-folder.js'
import type { BoardClient } from '../client/board-client.js'
import type { Target } from '../client/boot-job.js'
import type { BootMethod } from '../monitor/boot-methods.js'
import { RamdiskCache } from '../rootfs/ramdisk-cache.js'
import { RootfsBoot } from '../rootfs/rootfs-boot.js'
import { KSELFTEST_FOLDER } from '../target-tests/known-tests.js'
import { formatBytes } from '../terminal/quantities.js'
import { type PullJob, ROLES, type Role } from './job-definition.js'
import type { LavaJob } from './lava-job.js'
import type { PullBoardConfig, PullConfig } from './pull-config.js'
import { bootLavaJob, bootPulledTarget } from './pulled-boot.js'
import { downloadFile, type RemoteFile } from './remote-file.js'

export interface JobBootOptions {
  readonly job: PullJob | LavaJob
  readonly board: PullBoardConfig
  /** folder for the job's files */
  readonly workDir: string
  /** folder for ramdisks that later jobs may use, too */
  readonly rootfsDir: string
  readonly config: Pick<PullConfig, 'artifactLimit' | 'api' | 'nfs'>
  readonly note: (line: string) => void
  readonly signal: AbortSignal
}

export interface JobBoot {
  readonly method: BootMethod
  /** Remove what was made for it outside of the job's folder. */
  remove(): Promise<void>
}

type Paths = Partial<Record<Role, string>> & { readonly kernel: string }

/**
 * Bring the files of a job to the lab. Those of a LAVA job the board fetches itself.
 *
 * @throws FETCH_*, VERIFY_*, ARTIFACT_TOO_LARGE, CLI_FILE, FORMAT_* of a root file system, the signal's reason
 */
export async function prepareBoot(options: JobBootOptions, client: BoardClient): Promise<JobBoot> {
  const { job, board } = options
  const { agentSeconds, cmdline } = board
  if ('definition' in job) {
    return { method: bootLavaJob(client, job.definition, agentSeconds), remove: async () => undefined }
  }
  const { rootfs: tarball, kselftest, ...paths } = await downloadFiles(options, job)
  if (tarball === undefined) {
    const target = { ...paths, cmdline, options: {} }
    return { method: bootPulledTarget(client, async () => target, agentSeconds), remove: async () => undefined }
  }
  const { config, workDir, rootfsDir, note, signal } = options
  const extras = kselftest === undefined ? [] : [{ file: kselftest, folder: KSELFTEST_FOLDER }]
  const rootfs = await RootfsBoot.prepare(
    { rootfs: tarball, modules: paths.modules, extras },
    { cache: new RamdiskCache(rootfsDir), nfs: config.nfs, board: board.name, workDir, note },
    signal,
  )
  const target = async (over: AbortSignal): Promise<Target> => {
    const { kernel, dtb } = paths
    return { kernel, dtb, ...(await rootfs.target(await client.board(over), cmdline, over)), options: {} }
  }
  return { method: bootPulledTarget(client, target, agentSeconds), remove: () => rootfs.remove() }
}

/** @returns where each file is now */
async function downloadFiles(options: JobBootOptions, job: PullJob): Promise<Paths> {
  const { workDir } = options
  await makeFolder(workDir, 0o700)
  const paths: Partial<Record<Role, string>> = {}
  for (const role of ROLES) {
    const source = job.files[role]
    if (source !== undefined) paths[role] = await download(options, role, source)
  }
  return { ...paths, kernel: join(workDir, 'kernel') }
}

async function download(
  { workDir, config, note, signal }: JobBootOptions,
  role: Role,
  source: RemoteFile,
): Promise<string> {
  const path = join(workDir, role)
  const options = { limit: config.artifactLimit, stallSeconds: config.api.requestSeconds, signal }
  const size = await downloadFile(source, path, options)
  note(`${role}: ${formatBytes(size)}, ${source.sha256 === undefined ? 'no digest is given' : 'digest checked'}`)
  return path
}
