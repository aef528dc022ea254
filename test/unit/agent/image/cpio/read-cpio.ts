/** Reads cpio archives that we wrote, without checks. (The agent itself reads none.) */
import type { CpioEntry } from '../../../../../agent/image/cpio/cpio.js'

const HEADER_BYTES = 110
const align4 = (offset: number): number => Math.ceil(offset / 4) * 4

export const cpioEntryNames = (bytes: Uint8Array): string[] => readCpio(bytes).map(({ name }) => name)

/** The entries of an archive, and of archives appended to it. Data is a view. */
export function readCpio(bytes: Uint8Array): Required<CpioEntry>[] {
  const entries: Required<CpioEntry>[] = []
  for (let offset = 0; offset < bytes.length; ) {
    if (bytes[offset] === 0) {
      offset++
      continue
    }
    const header = Buffer.from(bytes.subarray(offset, offset + HEADER_BYTES)).toString('latin1')
    if (!header.startsWith('070701')) throw new Error(`no cpio header at ${offset}`)
    const [
      inode = 0,
      mode = 0,
      uid = 0,
      gid = 0,
      names = 0,
      mtime = 0,
      size = 0,
      ,
      ,
      rdevMajor = 0,
      rdevMinor = 0,
      nameSize = 0,
    ] = Array.from(header.slice(6).matchAll(/.{8}/g), ([digits]) => Number.parseInt(digits, 16))
    const nameAt = offset + HEADER_BYTES
    const name = Buffer.from(bytes.subarray(nameAt, nameAt + nameSize - 1)).toString()
    const dataAt = align4(nameAt + nameSize)
    const data = bytes.subarray(dataAt, dataAt + size)
    offset = align4(dataAt + size)
    if (name !== 'TRAILER!!!')
      entries.push({ name, mode, data, mtime, uid, gid, rdevMajor, rdevMinor, hardLink: { inode, names } })
  }
  return entries
}
