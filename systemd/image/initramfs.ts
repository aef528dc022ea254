/**
 * The initramfs consists of several archives: the kernel unpacks them one after another, each with its own compression
 * (Documentation/driver-api/early-userspace/buffer-format.rst). So the large one is built once, and a change of the agent
 * rebuilds only a small one.
 */

import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { packCpio } from '../../agent/image/cpio/cpio.js'
import { cached, contentKey } from '../cache.js'
import { run } from '../run.js'
import type { FileTree } from './file-tree.js'

/**
 * lz4 in its legacy frame, the only one that the kernel reads. Of the kernel's formats it gives the largest file and is by
 * far the fastest to unpack on a 32-bit ARM: 0.85 thousand million instructions for the first stage; zstd takes 2.9. The
 * kernel waits until it is unpacked.
 */
const COMPRESSOR = ['lz4', '-l', '-9', '-c', '-q'] as const

const ARCHIVE = 'archive.cpio.lz4'

/** The kernel skips zeros between archives and expects the next at a multiple of 4; an lz4 stream needs zeros to end. */
const ALIGNMENT = 512
const LEAST_ZEROS = 4

/**
 * One compressed archive. Cached by content.
 *
 * @param kind name in the cache
 * @param files its content
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
 * Join archives to one initramfs.
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
