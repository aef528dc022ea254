/** A ZIP file read from a stream, first byte to last, every statement in it held against every other. */

import { fault } from '../../../errors.js'
import { ChunkReader } from './chunk-reader.js'
import { type MemberTally, readMemberData } from './zip-data.js'
import { type MemberHeader, readDirectoryEntry, readEnd, readMemberHead, SIGNATURE } from './zip-headers.js'

/** A bundle has a handful of members; a ZIP may have four thousand million. */
const MOST_MEMBERS = 256

type Member = MemberHeader & MemberTally

/** Check that the directory repeats headers and data. @throws FORMAT_VALUE */
function checkEntry(entry: MemberHeader, member: Member | undefined): void {
  const differing = (['name', 'method', 'crc', 'packed', 'size', 'offset'] as const).find(
    field => entry[field] !== member?.[field],
  )
  if (differing === undefined) return
  throw fault('FORMAT_VALUE', {
    what: 'bundle',
    where: `the directory, entry ${entry.name}`,
    expected: `${differing} ${member?.[differing] ?? 'of no member'}`,
    found: entry[differing],
  })
}

/** A folder has no data. @throws FORMAT_VALUE */
async function readFolder(name: string, data: AsyncGenerator<Uint8Array>): Promise<void> {
  const { done } = await data.next()
  if (done === true) return
  throw fault('FORMAT_VALUE', { what: 'bundle', where: `folder ${name}`, expected: 'no data', found: 'data' })
}

/**
 * Read a ZIP file. Members come in the order of the file; folders are passed over.
 *
 * @param source the file; it is not destroyed when this throws
 * @param onMember must read the data to its end; the end comes only when sizes and CRC are right, and otherwise an error
 * @throws FORMAT_TRUNCATED, FORMAT_MAGIC, FORMAT_VALUE, FORMAT_CRC, FORMAT_UNSUPPORTED, DECOMPRESS_FAILED; what
 *   `onMember` throws; the reason of `signal`
 */
export async function readZip(
  source: AsyncIterable<Uint8Array>,
  onMember: (name: string, data: AsyncIterable<Uint8Array>) => Promise<void>,
  signal?: AbortSignal,
): Promise<void> {
  const reader = new ChunkReader('bundle', source, signal)
  const nextSignature = async (): Promise<number> => (await reader.exactly(4, 'a signature')).readUInt32LE()
  const members: Member[] = []
  let signature = await nextSignature()
  for (; signature === SIGNATURE.member; signature = await nextSignature()) {
    if (members.length === MOST_MEMBERS) {
      throw fault('FORMAT_VALUE', {
        what: 'bundle',
        where: 'its members',
        expected: `at most ${MOST_MEMBERS}`,
        found: 'more',
      })
    }
    const head = await readMemberHead(reader)
    const data = readMemberData(reader, head, tally => members.push({ ...head, ...tally }))
    if (head.name.endsWith('/')) await readFolder(head.name, data)
    else await onMember(head.name, data)
  }
  let entries = 0
  for (; signature === SIGNATURE.directory; signature = await nextSignature()) {
    checkEntry(await readDirectoryEntry(reader), members[entries])
    entries++
  }
  const told = await readEnd(reader, signature)
  if (entries !== members.length || told !== members.length) {
    throw fault('FORMAT_VALUE', {
      what: 'bundle',
      where: 'the directory',
      expected: `${members.length} entries`,
      found: `${entries}, and ${told} in the end record`,
    })
  }
  const trailing = await reader.peek(1)
  if (trailing.length === 0) return
  throw fault('FORMAT_VALUE', {
    what: 'bundle',
    where: `0x${reader.position.toString(16)}`,
    expected: 'its end',
    found: 'more',
  })
}
