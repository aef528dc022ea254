/** A root file system as a ramdisk: a gzipped cpio, which every kernel with a ramdisk can unpack. */

import { createWriteStream } from 'node:fs'
import { Readable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import { createGzip } from 'node:zlib'
import { cpioChunks, type StreamedCpioEntry } from '../../agent/image/cpio/cpio.js'
import { cpioEntries } from '../../agent/image/tar/tar-to-cpio.js'
import { fileError } from '../client/local-file.js'
import { readTarball, type Survey } from './tarball.js'

/**
 * What the kernel starts in a ramdisk whose tree has no `/init`. The kernel mounts no devtmpfs there, and busybox's init
 * needs one.
 */
const INIT = `#!/bin/sh
mount -t devtmpfs devtmpfs /dev
exec /sbin/init "$@"
`

async function* rootfsEntries(
  file: string,
  { names, hasInit }: Survey,
  signal: AbortSignal,
): AsyncGenerator<StreamedCpioEntry> {
  yield* cpioEntries(readTarball(file, 'rootfs', signal), { what: 'rootfs', names })
  if (!hasInit) yield { name: 'init', mode: 0o100_755, data: Buffer.from(INIT) }
}

/**
 * Convert a tarball.
 *
 * @param path of the ramdisk
 * @throws CLI_FILE, FORMAT_*, DECOMPRESS_FAILED, PROGRAM_MISSING, the signal's reason
 */
export async function writeRootfsRamdisk(
  file: string,
  survey: Survey,
  path: string,
  signal: AbortSignal,
): Promise<void> {
  await writeArchive(rootfsEntries(file, survey, signal), path, 'w', signal)
}

/**
 * Append a tarball to a ramdisk as an archive of its own.
 *
 * @param folder of the target that it goes into
 * @throws as {@link writeRootfsRamdisk}
 */
export async function appendTarball(file: string, folder: string, ramdisk: string, signal: AbortSignal): Promise<void> {
  await writeArchive(cpioEntries(readTarball(file, folder, signal), { what: folder, folder }), ramdisk, 'a', signal)
}

async function writeArchive(
  entries: AsyncIterable<StreamedCpioEntry>,
  path: string,
  flags: 'w' | 'a',
  signal: AbortSignal,
): Promise<void> {
  try {
    const output = createWriteStream(path, { flags, mode: 0o600 })
    await pipeline(Readable.from(cpioChunks(entries)), createGzip(), output, { signal })
  } catch (thrown) {
    signal.throwIfAborted()
    throw fileError(path, thrown)
  }
}
