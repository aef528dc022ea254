/**
 * Kernel modules for the target: a tar (what `make modules_install` ends in, and what KernelCI sends) or a cpio archive,
 * turned into the cpio that the kernel unpacks after the ramdisk (`Documentation/driver-api/early-userspace/
 * buffer-format.rst`: several archives may follow one another).
 */

import { posix } from 'node:path'
import type { Header } from 'tar-stream'
import { fault } from '../../errors.js'
import { type CompressionFormat, detectCompression } from '../../image/compression/compression.js'
import { chunksOf } from '../../image/compression/decompression-tool.js'
import { cpioChunks, isCpio, type StreamedCpioEntry } from '../../image/cpio/cpio.js'
import { decompressStream } from './decompress-stream.js'
import { type TarMember, tarMembers } from './tar-stream.js'

/** Bytes that distinguish a cpio from a tar. */
const MAGIC_BYTES = 512
/** `st_mode` of `stat(2)` */
const TYPE = { file: 0o100_000, directory: 0o040_000, symlink: 0o120_000 } as const
const PERMISSIONS = 0o7777

export interface ModulesOptions {
  /** as the job states it; recognised by its magic otherwise */
  readonly compression?: CompressionFormat | 'none'
  /** most bytes of output */
  readonly limit: number
  readonly signal?: AbortSignal
}

const malformed = (where: string, expected: string, found: string) =>
  fault('FORMAT_VALUE', { what: 'modules', where, expected, found })

/**
 * The name of a member inside the root of the target: `./lib//modules` and `/lib/modules` are `lib/modules`.
 *
 * @returns empty for the root itself
 * @throws FORMAT_VALUE for a name that leaves the root
 */
export function memberName(name: string): string {
  const parts = name.split('/').filter(part => part !== '' && part !== '.')
  if (parts.includes('..')) throw malformed(`member ${JSON.stringify(name)}`, 'a name without ".."', name)
  return parts.join('/')
}

/** A hard link becomes a symbolic one: cpio needs to know of all links of a file when the first one comes. */
function linkTarget({ type, linkname }: Header, name: string): string {
  if (!linkname) throw malformed(`member ${JSON.stringify(name)}`, 'a link with a target', 'none')
  if (type === 'symlink') return linkname
  return posix.relative(posix.dirname(`/${name}`), `/${memberName(linkname)}`)
}

function kindOf({ type, name }: Header): keyof typeof TYPE {
  if (type === 'file' || type === 'contiguous-file') return 'file'
  if (type === 'directory' || type === 'symlink') return type
  if (type === 'link') return 'symlink'
  throw fault('FORMAT_UNSUPPORTED', {
    what: 'modules',
    where: `member ${JSON.stringify(name)}`,
    found: `a ${type}`,
    expected: 'files, folders, links',
  })
}

/** Seconds that fit the cpio's field. */
const timeOf = ({ mtime }: Header): number =>
  Math.min(0xffff_ffff, Math.max(0, Math.floor(mtime.getTime() / 1000) || 0))

/**
 * Members of a tar as entries of a cpio. Missing parent folders are added, because the
 * kernel does not make them.
 *
 * A folder's name ends in a slash. Where the ramdisk has a symbolic link to a folder in that place (`lib -> usr/lib`),
 * the kernel then follows it; without the slash it would replace the link by an empty folder.
 */
export async function* cpioEntries(members: AsyncIterable<TarMember>): AsyncGenerator<StreamedCpioEntry> {
  const folders = new Set<string>()
  for await (const { header, data } of members) {
    const name = memberName(header.name)
    if (name === '') continue
    const parents = name.split('/').slice(0, -1)
    for (let depth = 1; depth <= parents.length; depth++) {
      const folder = parents.slice(0, depth).join('/')
      if (!folders.has(folder)) yield { name: `${folder}/`, mode: TYPE.directory | 0o755 }
      folders.add(folder)
    }
    const kind = kindOf(header)
    const entry = { mode: TYPE[kind] | (header.mode & PERMISSIONS), mtime: timeOf(header) }
    if (kind === 'directory') {
      folders.add(name)
      yield { ...entry, name: `${name}/` }
    } else if (kind === 'symlink') {
      yield { ...entry, name, data: Buffer.from(linkTarget(header, name)) }
    } else {
      yield { ...entry, name, data: { size: header.size, chunks: data } }
    }
  }
}

/** The first bytes of a stream, and the whole stream. */
async function peek(
  source: AsyncIterable<Uint8Array>,
): Promise<{ readonly head: Uint8Array; readonly whole: AsyncGenerator<Uint8Array> }> {
  const chunks = source[Symbol.asyncIterator]()
  const first: Uint8Array[] = []
  let size = 0
  while (size < MAGIC_BYTES) {
    const { value, done } = await chunks.next()
    if (done === true) break
    first.push(value)
    size += value.length
  }
  async function* whole(): AsyncGenerator<Uint8Array> {
    try {
      yield* first
      yield* { [Symbol.asyncIterator]: () => chunks }
    } finally {
      await chunks.return?.()
    }
  }
  return { head: Buffer.concat(first), whole: whole() }
}

async function* plain(bytes: Uint8Array, signal: AbortSignal | undefined): AsyncGenerator<Uint8Array> {
  for (const piece of chunksOf(bytes)) {
    signal?.throwIfAborted()
    yield piece
  }
}

/** Whether the file is what the target needs already, without a change. */
export const isReadyForTarget = (bytes: Uint8Array, { compression }: Pick<ModulesOptions, 'compression'>): boolean =>
  (compression === undefined || compression === 'none') && isCpio(bytes)

/**
 * Convert modules into a cpio archive, chunk by chunk.
 *
 * @param bytes tar or cpio, perhaps compressed
 * @throws FORMAT_VALUE, FORMAT_TRUNCATED, FORMAT_UNSUPPORTED, FORMAT_TOO_LARGE, DECOMPRESS_FAILED; the reason of `signal`
 */
export async function* modulesToCpio(bytes: Uint8Array, options: ModulesOptions): AsyncGenerator<Uint8Array> {
  const { compression, limit, signal } = options
  const format = compression === 'none' ? null : (compression ?? detectCompression(bytes))
  const source =
    format === null ? plain(bytes, signal) : decompressStream(bytes, format, { what: 'modules', limit, signal })
  const { head, whole } = await peek(source)
  if (isCpio(head)) yield* whole
  else yield* cpioChunks(cpioEntries(tarMembers(whole, { what: 'modules', limit, signal })))
}
