/** A root file system that the lab's machine serves over NFS: the lab unpacks it, a server of the machine exports it. */

import { execFile } from 'node:child_process'
import { access, constants, mkdir, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { fault } from '../../agent/errors.js'
import { fileError } from '../client/local-file.js'

const run = promisify(execFile)

/** How the machine serves NFS. */
export interface NfsSettings {
  /** folder that is exported with `no_root_squash` */
  readonly root: string
  /** IPv4 address of the machine as boards see it */
  readonly address: string
  /** mount options for the kernel; default `tcp,v3` */
  readonly options?: string
}

/** A tarball, and the folder of the target that it goes into; empty for the root itself. */
export interface Layer {
  readonly file: string
  readonly folder: string
}

/** Characters of an error of tar. */
const QUOTED = 300

/**
 * See that root file systems can be unpacked.
 *
 * @throws PULL_NFS with what is missing
 */
export async function checkNfsRoot({ root }: NfsSettings): Promise<void> {
  if (process.geteuid?.() !== 0) {
    const reason = 'only root may unpack root file systems there, because their files keep their owners'
    throw fault('PULL_NFS', { directory: root, reason })
  }
  await access(root, constants.W_OK).catch(thrown => {
    throw fault('PULL_NFS', { directory: root, reason: fileError(root, thrown).message }, thrown)
  })
}

/**
 * Unpack tarballs over one another into a folder of the exported one. What was there is removed.
 *
 * @param name of the folder: the board's, because a board runs one job at a time
 * @returns the folder
 * @throws PULL_NFS, BUILD_TOOL, the signal's reason
 */
export async function unpackNfsRoot(
  layers: readonly Layer[],
  settings: NfsSettings,
  name: string,
  signal: AbortSignal,
): Promise<string> {
  await checkNfsRoot(settings)
  const { root } = settings
  const path = join(root, name)
  try {
    await rm(path, { recursive: true, force: true })
    for (const { folder } of layers) await mkdir(join(path, folder), { recursive: true, mode: 0o755 })
  } catch (thrown) {
    throw fault('PULL_NFS', { directory: root, reason: fileError(root, thrown).message }, thrown)
  }
  for (const { file, folder } of layers) {
    // The tree may have `lib -> usr/lib`, which the modules' folder of that name must not replace.
    const args = ['--numeric-owner', '--same-permissions', '--xattrs', '--xattrs-include=*', '--keep-directory-symlink']
    await run('tar', ['--extract', '--file', file, '--directory', join(path, folder), ...args], { signal }).catch(
      thrown => {
        signal.throwIfAborted()
        const { code = '', stderr = '', message } = thrown as { code?: unknown; stderr?: string; message: string }
        const reason = (stderr.trim().split('\n')[0] || message).slice(0, QUOTED)
        throw fault('BUILD_TOOL', { doing: `unpacking ${file}`, tool: 'tar', status: String(code), reason }, thrown)
      },
    )
  }
  return path
}

/** A kernel's command line with an NFS root in place of any other root. */
export function nfsCommandLine(cmdline: string, path: string, { address, options = 'tcp,v3' }: NfsSettings): string {
  const kept = cmdline.split(/\s+/).filter(word => word !== '' && !/^(?:root|nfsroot|rootfstype)=/.test(word))
  const ip = kept.some(word => word.startsWith('ip=')) ? [] : ['ip=dhcp']
  return [...kept, 'root=/dev/nfs', `nfsroot=${address}:${path},${options}`, 'rw', ...ip].join(' ')
}
