/** The real U-Boot chooses a slot: what its commands do with records that an update, or a power cut, has left. */

import { constants } from 'node:fs'
import { copyFile } from 'node:fs/promises'
import { join } from 'node:path'
import t from 'tap'
import { chosenRecord, SECTOR, trialRecord } from '../../agent/image/card/card-layout.js'
import { buildBoardImage } from '../../systemd/image/board-image.js'
import { buildSdImage } from '../../systemd/image/sd-image.js'
import { QemuBoard } from '../../systemd/qemu/qemu.js'
import { changeCard } from './changed-card.js'
import { Lab, PATIENCE, TOKEN } from './lab.js'

/** A record that a power cut has damaged. */
const TORN = Buffer.alloc(SECTOR, 0xff)

/** Records of a card, and the slots from which the board starts when its power is switched on again and again. */
const CASES = [
  { name: 'the chosen slot', records: {}, starts: ['a'] },
  { name: 'a trial, once', records: { trial: trialRecord('b') }, starts: ['b, on trial', 'a'] },
  { name: 'no trial that a power cut has damaged', records: { trial: TORN }, starts: ['a'] },
  {
    name: 'the copy, when the record of the choice is damaged',
    records: { chosen: TORN, chosenCopy: chosenRecord('b') },
    starts: ['b'],
  },
  {
    name: 'the first slot, when all records are damaged',
    records: { trial: TORN, chosen: TORN, chosenCopy: TORN },
    starts: ['a'],
  },
  {
    name: 'the other slot, when the chosen one holds nothing',
    records: { chosen: chosenRecord('b') },
    starts: ['a'],
    empty: true,
  },
] as const

t.test('orangepi-pc: the real U-Boot starts what the records of the SD card say', async t => {
  const { board } = await Lab.open(t, 'orangepi-pc')
  const image = await buildSdImage(await buildBoardImage(board, { token: TOKEN }))
  const folder = t.testdir({})
  for (const [index, row] of CASES.entries()) {
    const card = join(folder, `card-${index}`)
    await copyFile(image, card, constants.COPYFILE_FICLONE)
    await changeCard(card, row.records, !('empty' in row))
    for (const expected of row.starts) t.equal(await startedSlot(card), expected, row.name)
  }

  /** Switch the board on, and off when its kernel starts. */
  async function startedSlot(sd: string): Promise<string> {
    const qemu = await QemuBoard.start({ board, sd, cardWrites: `${sd}-writes` })
    try {
      const words = /append: .* fauxboot\.slot=(\w*) fauxboot\.trial=(1?)\s/
      const [, slot, trial] = await qemu.console.waitFor(words, PATIENCE)
      await qemu.console.waitFor('Starting kernel', PATIENCE)
      return trial === '1' ? `${slot}, on trial` : String(slot)
    } finally {
      await qemu.stop()
    }
  }
})
