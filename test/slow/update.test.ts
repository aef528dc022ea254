/** A new first stage over the network, onto the SD card of an emulated board; and what a power cut at any of its writes leaves. */

import { execFile, spawn } from 'node:child_process'
import { constants } from 'node:fs'
import { copyFile, open, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { promisify } from 'node:util'
import t from 'tap'
import {
  decodeLabel,
  HEAD_BYTES,
  otherSlot,
  RECORDS,
  readRecords,
  SECTOR,
  type Slot,
  slotsOf,
  trialRecord,
} from '../../agent/image/card/card-layout.js'
import { BoardClient } from '../../lava/client/board-client.js'
import { buildBoardImage } from '../../systemd/image/board-image.js'
import { buildSdImage } from '../../systemd/image/sd-image.js'
import { QemuBoard } from '../../systemd/qemu/qemu.js'
import { type CardWrite, readCardWrites } from '../board/card-writes.js'
import { changeCard } from '../board/changed-card.js'
import { Lab, PATIENCE, TOKEN } from '../board/lab.js'

const RECORD_NAMES = ['trial', 'chosen', 'chosenCopy'] as const

/** Run the command; the lab switches the board's power when the command asks for it. */
async function update(argv: readonly string[], switchPower: () => Promise<void>) {
  const child = spawn('node', ['dist/lava/cli/fauxboot.js', 'update', ...argv], { stdio: ['ignore', 'pipe', 'pipe'] })
  let [stdout, stderr] = ['', '']
  child.stdout.on('data', (chunk: Buffer) => {
    stdout += chunk.toString()
  })
  child.stderr.on('data', (chunk: Buffer) => {
    const asked = stderr.includes('switch its power')
    stderr += chunk.toString()
    if (!asked && stderr.includes('switch its power')) void switchPower()
  })
  const code = await new Promise<number | null>(resolve => child.once('close', resolve))
  return { code, stdout, stderr }
}

const startOf = (slot: Slot, trial: '' | '1') =>
  new RegExp(`append: .* fauxboot\\.slot=${slot} fauxboot\\.trial=${trial}\\s`)

t.test(
  'orangepi-pc: a board gets a new first stage over the network, and starts after a power cut at any write',
  async t => {
    const lab = await Lab.open(t, 'orangepi-pc')
    const { board } = lab
    const first = await buildSdImage(await buildBoardImage(board, { token: TOKEN }))
    // The same first stage but for a setting, which the board shows to nobody but its own files.
    const second = await buildSdImage(await buildBoardImage(board, { token: TOKEN, settings: { keptJobs: 49 } }))
    const other = await buildSdImage(
      await buildBoardImage(await (await Lab.open(t, 'cubieboard4')).board, { token: TOKEN }),
    )
    const folder = t.testdir({ token: TOKEN })
    const card = join(folder, 'card')
    const log = join(folder, 'writes')
    await copyFile(first, card, constants.COPYFILE_FICLONE)
    const qemu = await QemuBoard.start({ board, sd: card, cardWrites: log })
    t.teardown(() => qemu.stop())
    await qemu.console.waitFor(startOf('a', ''), PATIENCE)
    await qemu.waitForAgent(PATIENCE)
    const options = ['--board', qemu.url, '--token-file', join(folder, 'token'), '--wait', '900']
    const switchPower = () => qemu.reset()

    const refused = await update([...options, '--image', other], switchPower)
    t.match(refused, { code: 1, stderr: /it is for cubieboard4, and this board is orangepi-pc/ })
    const done = await update([...options, '--image', second], switchPower)
    t.match(done, { code: 0, stdout: /the board runs the new first stage from slot b/ }, 'the update', { ...done })
    t.match(qemu.console.transcript, startOf('b', '1'), 'U-Boot tried it')
    t.strictSame(await new BoardClient(new URL(qemu.url)).firstStage(), { slot: 'b', trial: false })
    await qemu.reset()
    await qemu.console.waitFor(startOf('b', ''), PATIENCE)
    t.pass('it stays')
    await qemu.stop()

    const writes = await readCardWrites(log)
    const original = await readFile(first)
    const turns = await checkEveryPrefix(original, writes, await slotContent(second))
    t.comment(`${writes.length} writes; the start changes at ${turns.map(({ index, start }) => `${index} (${start})`)}`)
    t.strictSame(
      turns.map(({ start }) => start),
      ['a', 'b, on trial', 'a', 'b'],
      'before, when the trial is on the card, when U-Boot has used it up, when it is confirmed',
    )

    // The power fails in the middle of a write, and the real U-Boot starts what is on the card then.
    const middle = Math.floor((turns[1]?.index ?? 0) / 2)
    for (const index of [middle, ...turns.slice(1).map(turn => turn.index)]) {
      const bytes = cardAfter(original, writes, index)
      const { slot, trial } = stateOf(bytes)
      const path = join(folder, 'cut')
      await writeFile(path, bytes)
      const { a, b } = rangesOf(bytes)
      const { offset } = slot === 'a' ? a : b
      await writeFile(
        join(folder, 'slot'),
        bytes.subarray(offset, offset + (decodeLabel(bytes.subarray(offset))?.size ?? 0)),
      )
      await promisify(execFile)('fsck.fat', ['-n', join(folder, 'slot')], { env: { PATH: '/usr/sbin:/sbin:/usr/bin' } })
      const again = await QemuBoard.start({ board, sd: path, cardWrites: `${path}-writes` })
      try {
        await again.console.waitFor(startOf(slot, trial ? '1' : ''), PATIENCE)
        await again.console.waitFor(/Starting kernel/, PATIENCE)
        t.pass(`a power cut in write ${index + 1}: slot ${slot} starts`)
      } finally {
        await again.stop()
      }
    }
  },
)

/** The emulated chip's clock runs faster than ours: the trial's 15 minutes take about six. Milliseconds. */
const TRIAL = { timeoutMs: 1_800_000 } as const

t.test(
  'orangepi-pc: a board restarts when no client confirms its trial, and the first stage before it starts',
  async t => {
    const { board } = await Lab.open(t, 'orangepi-pc')
    const card = join(t.testdir({}), 'card')
    await copyFile(await buildSdImage(await buildBoardImage(board, { token: TOKEN })), card, constants.COPYFILE_FICLONE)
    await changeCard(card, { trial: trialRecord('b') }, true)
    const qemu = await QemuBoard.start({ board, sd: card, cardWrites: `${card}-writes` })
    t.teardown(() => qemu.stop())
    const client = new BoardClient(new URL(qemu.url), { token: TOKEN })
    await qemu.console.waitFor(startOf('b', '1'), PATIENCE)
    await qemu.waitForAgent(PATIENCE)
    t.strictSame(await client.firstStage(), { slot: 'b', trial: true })
    await qemu.console.waitFor('reboot: Restarting system', TRIAL)
    // This QEMU does not reset the board.
    await qemu.reset()
    await qemu.console.waitFor(startOf('a', ''), PATIENCE)
    await qemu.console.waitFor('Starting kernel', PATIENCE)
  },
)

function rangesOf(bytes: Uint8Array) {
  const slots = slotsOf(bytes.subarray(0, SECTOR))
  if (slots === null) throw new Error('the card has no slots')
  return slots
}

/** What the image of a card has in its first slot. */
async function slotContent(path: string): Promise<Uint8Array> {
  const file = await open(path)
  try {
    const read = async (offset: number, size: number) => (await file.read(Buffer.alloc(size), 0, size, offset)).buffer
    const { offset } = rangesOf(await read(0, SECTOR)).a
    return read(offset, decodeLabel(await read(offset, HEAD_BYTES))?.size ?? 0)
  } finally {
    await file.close()
  }
}

function stateOf(card: Uint8Array) {
  const [trial, chosen, chosenCopy] = RECORD_NAMES.map(name => card.subarray(RECORDS[name], RECORDS[name] + SECTOR))
  const none = new Uint8Array(0)
  const state = readRecords({ trial: trial ?? none, chosen: chosen ?? none, chosenCopy: chosenCopy ?? none })
  return { slot: state.trial ?? state.chosen, trial: state.trial !== null }
}

/** The card when the power fails in the write of this number: its first sector is damaged. */
function cardAfter(original: Uint8Array, writes: readonly CardWrite[], index: number): Buffer {
  const card = Buffer.from(original)
  for (const { offset, bytes } of writes.slice(0, index)) card.set(bytes, offset)
  const cut = writes[index]
  if (cut !== undefined) card.fill(0xff, cut.offset + 100, cut.offset + SECTOR)
  return card
}

/**
 * Go through every write: only records and the slot that is not chosen may change, and a slot that starts must be whole.
 *
 * @returns what the board starts, and the number of writes from which on it does
 */
async function checkEveryPrefix(original: Uint8Array, writes: readonly CardWrite[], update: Uint8Array) {
  const card = Buffer.from(original)
  const slots = rangesOf(card)
  const turns = [{ index: 0, start: 'a' }]
  for (const [index, { offset, bytes }] of writes.entries()) {
    const before = stateOf(card)
    // Linux writes whole pages, of which a record is the first sector.
    const isRecord = RECORD_NAMES.some(name => offset >= RECORDS[name] && offset + bytes.length <= RECORDS[name] + 4096)
    const free = slots[otherSlot(before.trial ? otherSlot(before.slot) : before.slot)]
    const isFree = offset >= free.offset && offset + bytes.length <= free.offset + free.size
    if (!isRecord && !isFree) throw new Error(`write ${index} at ${offset} hits what the board starts from`)
    card.set(bytes, offset)
    const { slot, trial } = stateOf(card)
    const start = trial ? `${slot}, on trial` : slot
    if (start === turns.at(-1)?.start) continue
    turns.push({ index: index + 1, start })
    const content = card.subarray(slots[slot].offset, slots[slot].offset + update.length)
    if (slot === 'b' && !content.equals(update))
      throw new Error(`after write ${index}, the slot that starts is not whole`)
  }
  return turns
}
