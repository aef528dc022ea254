/**
 * Where things are on a card with two slots, each of which holds a whole first stage. `systemd/README.md` explains the
 * protocol; U-Boot's part of it is in `systemd/image/uboot-files.ts`.
 */

import { decodeRecord, encodeRecord, RECORD_BYTES } from './card-record.js'

export const SECTOR = RECORD_BYTES
const MIB = 2 ** 20

/** A slot, by the name that U-Boot and the agent know it by. */
export type Slot = 'a' | 'b'

/** Number of each slot's partition. */
export const SLOT_PARTITIONS: Readonly<Record<Slot, number>> = { a: 2, b: 3 }

export const otherSlot = (slot: Slot): Slot => (slot === 'a' ? 'b' : 'a')

const isSlot = (text: string | undefined): text is Slot => text === 'a' || text === 'b'

/**
 * Offsets of the card's records, bytes. Cards erase blocks of some MiB at a time, and a power cut may damage all of a block:
 * each record that changes has 4 MiB for itself, and none shares them with the boot loader or a slot.
 */
export const RECORDS = {
  /** says that no slot is to be tried. It is never written to: U-Boot copies it over `trial`, because it cannot make one */
  noTrial: MIB - SECTOR,
  /** the slot to be tried at the next start, once */
  trial: 4 * MIB,
  /** the slot that boots otherwise */
  chosen: 8 * MIB,
  /** counts while `chosen` is damaged */
  chosenCopy: 12 * MIB,
} as const

/** First byte of the first slot. */
export const SLOTS_START = 16 * MIB

/** Slots begin and end at multiples of this, bytes. */
export const SLOT_UNIT = 4 * MIB

/** Identifies a card with slots: the disk signature of its master boot record, at {@link SIGNATURE_OFFSET}. */
export const CARD_SIGNATURE = 0x32_42_46_fa
export const SIGNATURE_OFFSET = 440

/** First byte and size of each slot's partition. */
export type SlotRanges = Readonly<Record<Slot, { readonly offset: number; readonly size: number }>>

/**
 * Read a card's partition table.
 *
 * @param sector the first one of the card
 * @returns null if the card has no slots
 */
export function slotsOf(sector: Uint8Array): SlotRanges | null {
  const view = new DataView(sector.buffer, sector.byteOffset, sector.byteLength)
  if (sector.length < SECTOR || view.getUint16(510) !== 0x55aa) return null
  if (view.getUint32(SIGNATURE_OFFSET, true) !== CARD_SIGNATURE) return null
  const range = (partition: number) => {
    const entry = 446 + 16 * (partition - 1)
    const sectors = (at: number): number => view.getUint32(at, true) * SECTOR
    return { offset: sectors(entry + 8), size: sectors(entry + 12) }
  }
  const slots = { a: range(SLOT_PARTITIONS.a), b: range(SLOT_PARTITIONS.b) }
  const isApart = slots.a.offset >= SLOTS_START && slots.b.offset >= slots.a.offset + slots.a.size
  return isApart && slots.b.size > 0 ? slots : null
}

/** The record that says which slot boots. */
export const chosenRecord = (slot: Slot): Uint8Array => encodeRecord({ slot })

/** The record that says which slot is to be tried. */
export const trialRecord = (slot: Slot | null): Uint8Array => encodeRecord({ trial: slot ?? 'none' })

/** The records of a card that change, as they were read. */
export interface CardRecords {
  readonly trial: Uint8Array
  readonly chosen: Uint8Array
  readonly chosenCopy: Uint8Array
}

/**
 * What U-Boot makes of a card's records.
 *
 * @returns `chosen`: the slot that boots when nothing is tried; `trial`: the one that is tried at the next start
 */
export function readRecords(records: CardRecords): { readonly chosen: Slot; readonly trial: Slot | null } {
  const slot = [records.chosen, records.chosenCopy].map(bytes => decodeRecord(bytes)?.slot).find(isSlot)
  const trial = decodeRecord(records.trial)?.trial
  return { chosen: slot ?? 'a', trial: isSlot(trial) ? trial : null }
}

/** Offset of a slot's label in the slot, in a sector that FAT reserves, bytes. */
export const LABEL_OFFSET = SECTOR

/** Bytes at the start of a slot that hold its label: without them, nothing takes the slot for a first stage. */
export const HEAD_BYTES = 8 * SECTOR

/** What a slot says of itself. */
export interface SlotLabel {
  /** name of the board that it boots on */
  readonly board: string
  /** size of the slot's content, bytes */
  readonly size: number
}

export const encodeLabel = ({ board, size }: SlotLabel): Uint8Array => encodeRecord({ board, size: String(size) })

/**
 * Read a slot's label.
 *
 * @param head the slot's first {@link HEAD_BYTES}
 * @returns null if the slot holds no first stage
 */
export function decodeLabel(head: Uint8Array): SlotLabel | null {
  const { board, size } = decodeRecord(head.subarray(LABEL_OFFSET)) ?? {}
  if (board === undefined || size === undefined || !/^[1-9]\d{0,11}$/.test(size)) return null
  return { board, size: Number(size) }
}
