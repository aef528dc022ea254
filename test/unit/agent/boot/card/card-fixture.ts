/** A card in memory that remembers every write, and boards that start from it as U-Boot would. */

import { createHash } from 'node:crypto'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Test } from 'tap'
import type { Card, CardSlot } from '../../../../../agent/boot/card/card.js'
import { FirstStage, type FirstStageDeps } from '../../../../../agent/boot/card/first-stage.js'
import { fault } from '../../../../../agent/errors.js'
import {
  chosenRecord,
  encodeLabel,
  HEAD_BYTES,
  LABEL_OFFSET,
  RECORDS,
  readRecords,
  SECTOR,
  SLOTS_START,
  type Slot,
  trialRecord,
} from '../../../../../agent/image/card/card-layout.js'
import { masterBootRecord, slotRanges } from '../../../../../systemd/image/sd-image.js'

const MIB = 2 ** 20
/** Two slots of 4 MiB. */
export const RANGES = slotRanges(SLOTS_START + 8 * MIB)

/** The content of a slot, each byte after its head the same. */
export function slotImage(fill: number, { board = 'toy', size = 1.5 * MIB + SECTOR } = {}): Buffer {
  const image = Buffer.alloc(size, fill)
  image.fill(0, 0, HEAD_BYTES)
  image[0] = fill
  image.set(encodeLabel({ board, size }), LABEL_OFFSET)
  return image
}

export const sha256 = (bytes: Uint8Array): string => createHash('sha256').update(bytes).digest('hex')

/** A write, or the moment before it at which the power fails. */
export interface CardWrite {
  readonly offset: number
  readonly bytes: Uint8Array
}

export class MemoryCard implements Card, CardSlot {
  readonly bytes = Buffer.alloc(SLOTS_START + 8 * MIB)
  readonly writes: CardWrite[] = []
  opened = 0
  forgotten = 0
  /** the write of this number fails */
  failsAt = Number.POSITIVE_INFINITY
  /** what is written is not what can be read */
  damages = false

  constructor() {
    this.bytes.set(masterBootRecord(RANGES), 0)
    this.bytes.set(trialRecord(null), RECORDS.trial)
    for (const offset of [RECORDS.chosen, RECORDS.chosenCopy]) this.bytes.set(chosenRecord('a'), offset)
    this.bytes.set(slotImage(0xaa), RANGES.a.offset)
  }

  async open(): Promise<Card> {
    this.opened++
    return this
  }

  async close(): Promise<void> {
    this.opened--
  }

  async read(offset: number, size: number): Promise<Uint8Array> {
    return Buffer.from(this.bytes.subarray(offset, offset + size))
  }

  async write(offset: number, bytes: Uint8Array): Promise<void> {
    if (this.writes.length >= this.failsAt) throw fault('CARD_FAILED', { action: 'written', reason: 'EIO' })
    this.writes.push({ offset, bytes: Buffer.from(bytes) })
    this.bytes.set(bytes, offset)
    if (this.damages && bytes.length > HEAD_BYTES) this.bytes.writeUInt8(this.bytes.readUInt8(offset) ^ 1, offset)
  }

  async forget(): Promise<void> {
    this.forgotten++
  }
}

/** What U-Boot does with a card at power-on: see `systemd/image/uboot-files.ts`. It uses a trial up. */
export function start(bytes: Buffer): { slot: Slot; trial: boolean } {
  const at = (offset: number) => bytes.subarray(offset, offset + SECTOR)
  const { chosen, trial } = readRecords({
    trial: at(RECORDS.trial),
    chosen: at(RECORDS.chosen),
    chosenCopy: at(RECORDS.chosenCopy),
  })
  if (trial === null) return { slot: chosen, trial: false }
  bytes.set(trialRecord(null), RECORDS.trial)
  return { slot: trial, trial: true }
}

/** Pieces of odd sizes, as a network has them. */
export async function* pieces(bytes: Uint8Array, size = 70_001) {
  for (let at = 0; at < bytes.length; at += size) yield bytes.subarray(at, at + size)
}

export const announced = (bytes: Uint8Array) => ({ length: bytes.length, sha256: sha256(bytes) })

interface Started {
  readonly card: MemoryCard
  readonly confirmedFile: string
  readonly firstStage: FirstStage
}

/** The agent after U-Boot has started a board from a card. */
export function boardWithCard(t: Test, card = new MemoryCard(), changes: Partial<FirstStageDeps> = {}): Started {
  const { slot, trial } = start(card.bytes)
  // Not in the test's own folder, which each call of t.testdir() empties.
  const folder = mkdtempSync(join(tmpdir(), 'first-stage-'))
  t.teardown(() => rmSync(folder, { recursive: true }))
  const confirmedFile = join(folder, 'confirmed')
  const cmdline = `quiet fauxboot.slot=${slot} fauxboot.trial=${trial ? 1 : ''}\n`
  const deps: FirstStageDeps = {
    card,
    confirmedFile,
    cmdline: async () => cmdline,
    withoutJobs: work => work(),
    restart: () => Promise.reject(new Error('restarted')),
    ...changes,
  }
  return { card, confirmedFile, firstStage: new FirstStage(deps) }
}
