/** A root file system as it comes from KernelCI: a tar, compressed or not, too large to be held in memory. */

import { fault } from '../../agent/errors.js'
import { detectCompression } from '../../agent/image/compression/compression.js'
import { decompressChunks } from '../../agent/image/compression/decompress-stream.js'
import { type TarMember, tarMembers } from '../../agent/image/tar/tar-members.js'
import { memberName } from '../../agent/image/tar/tar-to-cpio.js'
import { fileChunks } from '../client/local-file.js'

/** Most bytes that a tarball may unpack to. */
const UNPACKED_LIMIT = 16 * 1024 ** 3
const MOST_MEMBERS = 1_000_000
/** What a file takes in memory besides its pages: inode, name, and extended attributes. */
const INODE_BYTES = 1024
const PAGE = 4096

/**
 * Read a tarball member by member.
 *
 * @param what its role in the job, for messages
 * @throws CLI_FILE, FORMAT_*, DECOMPRESS_FAILED, PROGRAM_MISSING, the signal's reason
 */
export async function* readTarball(
  file: string,
  what: string,
  signal: AbortSignal,
): AsyncGenerator<TarMember, void, undefined> {
  const chunks = fileChunks(file, 0)
  try {
    const { value: head = new Uint8Array() } = await chunks.next()
    const whole = async function* () {
      yield head
      yield* chunks
    }
    const format = detectCompression(head)
    const options = { what, limit: UNPACKED_LIMIT, signal }
    yield* tarMembers(format === null ? whole() : decompressChunks(whole(), format, options), options)
  } finally {
    await chunks.return()
  }
}

/** What has to be known of a tarball before it is converted. */
export interface Survey {
  /** that it takes in the memory of a target */
  readonly bytes: number
  /** how many names each file has that has more than one, by its first name */
  readonly names: ReadonlyMap<string, number>
  /** there is an `/init`, which the kernel starts */
  readonly hasInit: boolean
}

/** Read a tarball once, and keep nothing of it. @throws as {@link readTarball}; FORMAT_TOO_LARGE */
export async function surveyTarball(file: string, what: string, signal: AbortSignal): Promise<Survey> {
  const names = new Map<string, number>()
  let [bytes, members, hasInit] = [0, 0, false]
  for await (const { header } of readTarball(file, what, signal)) {
    members += 1
    if (members > MOST_MEMBERS)
      throw fault('FORMAT_VALUE', {
        what,
        where: 'its tar archive',
        expected: `at most ${MOST_MEMBERS} members`,
        found: 'more',
      })
    const name = memberName(header.name, what)
    hasInit ||= name === 'init'
    bytes += INODE_BYTES + Math.ceil((header.size ?? 0) / PAGE) * PAGE
    if (header.type !== 'link' || !header.linkname) continue
    const first = memberName(header.linkname, what)
    names.set(first, (names.get(first) ?? 1) + 1)
  }
  return { bytes, names, hasInit }
}
