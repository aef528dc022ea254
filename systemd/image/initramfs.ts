/**
 * The initramfs in parts: the kernel unpacks several archives one after another, each with its own compression
 * (Documentation/driver-api/early-userspace/buffer-format.rst). So the large part is made once, and a change of the
 * agent only costs its own small archive.
 */

import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { packCpio } from '../../agent/image/cpio/cpio.js'
import { cached, contentKey } from '../cache.js'
import { run } from '../run.js'
import type { FileTree } from './file-tree.js'

/**
 * lz4 in its legacy frame, the one that the kernel knows. Of the kernel's formats it is the largest and by far the
 * quickest to unpack on a 32-bit ARM: 0.85 thousand million instructions for the first stage, zstd takes 2.9. Until it is
 * unpacked, the kernel's start waits.
 */
const COMPRESSOR = ['lz4', '-l', '-9', '-c', '-q'] as const

const ARCHIVE = 'archive.cpio.lz4'

/** An archive starts at a multiple of 4; zeros before it are skipped, and an lz4 stream needs some to end. */
const ALIGNMENT = 512
const LEAST_ZEROS = 4

/**
 * One compressed archive. Cached by content.
 *
 * @param kind name in the cache
 * @param files what is in it
 * @returns path of the archive
 */
export async function compressedArchive(kind: string, files: FileTree): Promise<string> {
  const cpio = packCpio(files.entries())
  const dir = await cached(kind, contentKey([...COMPRESSOR, cpio]), async making => {
    await writeFile(join(making, ARCHIVE), await run('compressing the initramfs', COMPRESSOR, { input: cpio }))
  })
  return join(dir, ARCHIVE)
}

/**
 * Archives one after another, as the kernel takes them.
 *
 * @param parts archives, compressed or not
 */
export function joinArchives(parts: readonly Uint8Array[]): Uint8Array {
  const padded = parts.map(part => Math.ceil((part.byteLength + LEAST_ZEROS) / ALIGNMENT) * ALIGNMENT)
  const whole = new Uint8Array(padded.reduce((sum, size) => sum + size, 0))
  let offset = 0
  for (const [index, part] of parts.entries()) {
    whole.set(part, offset)
    offset += padded[index] ?? 0
  }
  return whole
}
