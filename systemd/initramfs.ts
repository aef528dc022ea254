/**
 * The initramfs in parts: the kernel unpacks several archives one after another, each with its own compression
 * (Documentation/driver-api/early-userspace/buffer-format.rst). So the large part is made once, and a change of the
 * agent only costs its own small archive.
 */

import { readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { packCpio } from '../agent/image/cpio.js'
import { cached, contentKey } from './cache.js'
import type { FileTree } from './file-tree.js'
import { run } from './run.js'

/** An archive after another starts at a multiple of 4; zeros between them are skipped. */
const ALIGNMENT = 512

/** zstd's levels above 19 need more memory to unpack than small boards have to spare. */
const LEVEL = '-19'

/**
 * One compressed archive. Cached by content.
 *
 * @param kind name in the cache
 * @param files what is in it
 * @returns path of the archive, `.cpio.zst`
 */
export async function compressedArchive(kind: string, files: FileTree): Promise<string> {
  const cpio = packCpio(files.entries())
  const dir = await cached(kind, contentKey([LEVEL, cpio]), async making => {
    const zstd = await run('compressing the initramfs', ['zstd', LEVEL, '-T0', '-c', '-q'], { input: cpio })
    await writeFile(join(making, 'archive.cpio.zst'), zstd)
  })
  return join(dir, 'archive.cpio.zst')
}

/**
 * Archives one after another, as the kernel takes them.
 *
 * @param parts archives, compressed or not
 */
export function joinArchives(parts: readonly Uint8Array[]): Uint8Array {
  const padded = parts.map(part => Math.ceil(part.byteLength / ALIGNMENT) * ALIGNMENT)
  const whole = new Uint8Array(padded.reduce((sum, size) => sum + size, 0))
  let offset = 0
  for (const [index, part] of parts.entries()) {
    whole.set(part, offset)
    offset += padded[index] ?? 0
  }
  return whole
}

/** {@link joinArchives} of files. */
export async function joinArchiveFiles(paths: readonly string[]): Promise<Uint8Array> {
  return joinArchives(await Promise.all(paths.map(path => readFile(path))))
}
