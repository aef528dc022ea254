/** Cards as an update, or a power cut, leaves them. */

import { open } from 'node:fs/promises'
import { RECORDS, SECTOR, SLOTS_START, slotsOf } from '../../agent/image/card/card-layout.js'

type CardChanges = Partial<Readonly<Record<keyof typeof RECORDS, Uint8Array>>>

/**
 * Write records to the image of a card.
 *
 * @param both the second slot gets the first stage of the first
 */
export async function changeCard(path: string, records: CardChanges, both: boolean): Promise<void> {
  const card = await open(path, 'r+')
  try {
    const read = async (offset: number, size: number) => (await card.read(Buffer.alloc(size), 0, size, offset)).buffer
    const slots = slotsOf(await read(0, SECTOR))
    if (slots === null) throw new Error(`${path} has no slots`)
    if (both) {
      const chunk = 2 ** 20
      for (let at = 0; at < slots.a.size; at += chunk) {
        const bytes = await read(SLOTS_START + at, chunk)
        if (bytes.some(byte => byte !== 0)) await card.write(bytes, 0, chunk, slots.b.offset + at)
      }
    }
    for (const [name, bytes] of Object.entries(records)) {
      await card.write(bytes, 0, SECTOR, RECORDS[name as keyof typeof RECORDS])
    }
  } finally {
    await card.close()
  }
}
