/** What a board has written to its SD card, as QEMU's `blklogwrites` lists it (Linux, admin-guide/device-mapper/log-writes.rst). */

import { open } from 'node:fs/promises'

export interface CardWrite {
  /** bytes */
  readonly offset: number
  readonly bytes: Uint8Array
}

const SECTOR = 512
const MAGIC = 0x6a_73_66_77_73_68_72n

/**
 * Every write, in its order.
 *
 * @param path of the list; empty if nothing was written
 */
export async function readCardWrites(path: string): Promise<CardWrite[]> {
  const file = await open(path)
  try {
    const { size } = await file.stat()
    const read = async (at: number, length: number): Promise<Buffer> =>
      (await file.read(Buffer.alloc(length), 0, length, at)).buffer
    if (size > 0 && (await read(0, SECTOR)).readBigUInt64LE(0) !== MAGIC)
      throw new Error(`${path} is no list of writes`)
    const writes: CardWrite[] = []
    for (let at = SECTOR; at + SECTOR <= size; ) {
      // Sector, sectors, flags, bytes of data that are no data of the card.
      const entry = await read(at, SECTOR)
      const [sector, sectors] = [entry.readBigUInt64LE(0), entry.readBigUInt64LE(8)]
      const bytes = await read(at + SECTOR, Number(sectors) * SECTOR)
      if (bytes.length > 0) writes.push({ offset: Number(sector) * SECTOR, bytes })
      at += SECTOR + bytes.length
    }
    return writes
  } finally {
    await file.close()
  }
}
