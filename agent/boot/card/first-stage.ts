/**
 * The first stage that runs, and a new one on its way to the SD card. Every step leaves a card that boots: see
 * `systemd/README.md`, "A new first stage over the network".
 */

import { createHash } from 'node:crypto'
import { existsSync } from 'node:fs'
import { writeFile } from 'node:fs/promises'
import { fault } from '../../errors.js'
import {
  type CardRecords,
  chosenRecord,
  decodeLabel,
  HEAD_BYTES,
  otherSlot,
  RECORDS,
  readRecords,
  SECTOR,
  type Slot,
  slotsOf,
  trialRecord,
} from '../../image/card/card-layout.js'
import type { Card, CardSlot } from './card.js'

/** What `GET /v1/first-stage` answers. */
export interface FirstStageView {
  /** the slot of the SD card that the board has started from; null if it was another way */
  readonly slot: Slot | null
  /** the slot is being tried: unless it is confirmed, the board starts from the other one next time */
  readonly trial: boolean
}

/** An update that is on the card. */
export interface WrittenUpdate {
  /** where it is; the board tries it at its next start */
  readonly slot: Slot
  /** bytes */
  readonly size: number
  readonly sha256: string
}

export interface FirstStageDeps {
  readonly card: CardSlot
  /** command line of the running kernel */
  cmdline(): Promise<string>
  /** made when a trial is confirmed, and gone at the next start; `fauxboot-trial.service` then leaves the board alone */
  readonly confirmedFile: string
  /** Run something while no job has the board. Throws JOB_BUSY, UPDATE_BUSY */
  withoutJobs<T>(work: () => Promise<T>): Promise<T>
  /** Restart the board; returns only if that fails. */
  restart(): Promise<never>
}

export interface ReceiveImage {
  /** bytes of the image */
  readonly length: number
  /** required digest, lower-case hex */
  readonly sha256: string
}

const OWN_IMAGE = 'send the sd.img that `fauxboot image` makes for this board'

/** Bytes of a write. Each is on the card before the next: what waits in memory is bounded. */
const CHUNK = 2 ** 20

export class FirstStage {
  readonly #deps: FirstStageDeps

  constructor(deps: FirstStageDeps) {
    this.#deps = deps
  }

  async view(): Promise<FirstStageView> {
    const { slot, trial } = await this.#start()
    // In a file: an agent that is started again must know, too.
    return { slot, trial: trial && !existsSync(this.#deps.confirmedFile) }
  }

  /**
   * Write an image into the slot that the board does not rely on, compare it, and have the board try it at its next start.
   *
   * @param chunks the image: the content of a slot
   * @throws JOB_BUSY, UPDATE_BUSY; CARD_ABSENT, CARD_FAILED; UPDATE_REFUSED; VERIFY_SIZE, VERIFY_SHA256. The board boots as before
   */
  receive(chunks: AsyncIterable<Uint8Array>, image: ReceiveImage): Promise<WrittenUpdate> {
    return this.#withCard(async (card, running) => {
      const { slots, records } = await readCard(card)
      const { chosen } = readRecords(records)
      const { trial } = await this.view()
      // A first stage under trial may be the next to fail. One that started although another was chosen is the one that works.
      const kept = trial ? chosen : running
      const slot = otherSlot(kept)
      const { offset, size } = slots[slot]
      if (image.length > size) {
        throw fault('UPDATE_REFUSED', {
          reason: `it has ${image.length} bytes, and a slot of this card ${size}`,
          remedy: 'write the new sd.img to the card once',
        })
      }
      const source = await ImageSource.open(chunks, image)
      const own = decodeLabel(await card.read(slots[kept].offset, HEAD_BYTES))
      const label = decodeLabel(source.head)
      if (label === null)
        throw fault('UPDATE_REFUSED', { reason: 'it is not the content of a slot', remedy: OWN_IMAGE })
      if (own !== null && label.board !== own.board) {
        const reason = `it is for ${label.board}, and this board is ${own.board}`
        throw fault('UPDATE_REFUSED', { reason, remedy: OWN_IMAGE })
      }
      await card.write(RECORDS.trial, trialRecord(null))
      await choose(card, records, kept)
      // Without its head, the slot is no first stage, should anything go wrong from here on.
      await card.write(offset, new Uint8Array(HEAD_BYTES))
      await source.writeTo(card, offset)
      await card.write(offset, source.head)
      try {
        await compare(card, offset, image)
        await card.write(RECORDS.trial, trialRecord(slot))
      } catch (thrown) {
        await card.write(offset, new Uint8Array(HEAD_BYTES))
        throw thrown
      }
      return { slot, size: image.length, sha256: image.sha256 }
    })
  }

  /**
   * Keep the slot that is being tried.
   *
   * @throws UPDATE_UNCONFIRMED if none is, or if its content was replaced since the start; JOB_BUSY, UPDATE_BUSY; CARD_ABSENT, CARD_FAILED
   */
  async confirm(): Promise<FirstStageView> {
    if (!(await this.view()).trial) throw fault('UPDATE_UNCONFIRMED', { reason: 'no first stage is being tried' })
    await this.#withCard(async (card, slot) => {
      const { slots, records } = await readCard(card)
      const isReplaced =
        readRecords(records).trial !== null || decodeLabel(await card.read(slots[slot].offset, HEAD_BYTES)) === null
      if (isReplaced) throw fault('UPDATE_UNCONFIRMED', { reason: 'another update was sent since the board started' })
      await choose(card, records, slot)
      await writeFile(this.#deps.confirmedFile, '')
    })
    return this.view()
  }

  /**
   * Check that the board may restart.
   *
   * @returns a function that restarts it, for when the client has its answer
   * @throws JOB_BUSY, UPDATE_BUSY
   */
  async restart(): Promise<() => Promise<never>> {
    return this.#deps.withoutJobs(async () => () => this.#deps.restart())
  }

  /** Do something with the card, while no job has the board. */
  #withCard<T>(work: (card: Card, running: Slot) => Promise<T>): Promise<T> {
    return this.#deps.withoutJobs(async () => {
      const { slot } = await this.#start()
      if (slot === null) throw fault('CARD_ABSENT', { reason: 'the board was not started from a slot of an SD card' })
      const card = await this.#deps.card.open()
      try {
        return await work(card, slot)
      } finally {
        await card.close()
      }
    })
  }

  /** How the boot loader has started the board. */
  async #start(): Promise<FirstStageView> {
    const cmdline = await this.#deps.cmdline()
    const [, slot] = /(?:^|\s)fauxboot\.slot=([ab])(?:\s|$)/.exec(cmdline) ?? []
    return { slot: (slot as Slot | undefined) ?? null, trial: /(?:^|\s)fauxboot\.trial=1(?:\s|$)/.test(cmdline) }
  }
}

async function readCard(card: Card) {
  const slots = slotsOf(await card.read(0, SECTOR))
  if (slots === null) throw fault('CARD_ABSENT', { reason: 'the card has no two slots' })
  const trial = await card.read(RECORDS.trial, SECTOR)
  const chosen = await card.read(RECORDS.chosen, SECTOR)
  const chosenCopy = await card.read(RECORDS.chosenCopy, SECTOR)
  return { slots, records: { trial, chosen, chosenCopy } }
}

/**
 * Make a slot the chosen one. The copy is written when the first record is whole, so one of them always is. Records that
 * say so already stay.
 */
async function choose(card: Card, records: CardRecords, slot: Slot): Promise<void> {
  const record = chosenRecord(slot)
  const isSame = (bytes: Uint8Array): boolean => Buffer.compare(bytes, record) === 0
  if (!isSame(records.chosen)) await card.write(RECORDS.chosen, record)
  if (!isSame(records.chosenCopy)) await card.write(RECORDS.chosenCopy, record)
}

/** Read what the card holds, and compare it with the image's digest. */
async function compare(card: Card, offset: number, { length, sha256 }: ReceiveImage): Promise<void> {
  await card.forget()
  const hash = createHash('sha256')
  for (let at = 0; at < length; at += CHUNK) {
    hash.update(await card.read(offset + at, Math.min(CHUNK, length - at)))
  }
  const found = hash.digest('hex')
  if (found !== sha256) throw fault('VERIFY_SHA256', { what: 'the image on the SD card', expected: sha256, found })
}

/** An image as it arrives, in pieces of {@link CHUNK}. */
class ImageSource {
  /** its first bytes, which are written last */
  head: Uint8Array = new Uint8Array(0)
  readonly #chunks: AsyncIterator<Uint8Array>
  readonly #image: ReceiveImage
  readonly #buffer = Buffer.alloc(CHUNK)
  readonly #hash = createHash('sha256')
  #left: Uint8Array = new Uint8Array(0)
  #received = 0

  private constructor(chunks: AsyncIterable<Uint8Array>, image: ReceiveImage) {
    this.#chunks = chunks[Symbol.asyncIterator]()
    this.#image = image
  }

  /** Read as much as the head. */
  static async open(chunks: AsyncIterable<Uint8Array>, image: ReceiveImage): Promise<ImageSource> {
    const source = new ImageSource(chunks, image)
    source.head = Buffer.from(await source.#next(HEAD_BYTES))
    return source
  }

  /**
   * Write everything after the head.
   *
   * @param offset of the image on the card
   * @throws VERIFY_SIZE, VERIFY_SHA256 if this is not the image that was announced
   */
  async writeTo(card: Card, offset: number): Promise<void> {
    const { length, sha256: expected } = this.#image
    for (;;) {
      const at = this.#received
      const piece = await this.#next(CHUNK)
      if (piece.length === 0) break
      await card.write(offset + at, piece)
    }
    if (this.#received !== length) throw this.#wrongSize()
    const found = this.#hash.digest('hex')
    if (found !== expected) throw fault('VERIFY_SHA256', { what: 'the image', expected, found })
  }

  /** @returns as many bytes, or those that are left; valid until the next call */
  async #next(size: number): Promise<Uint8Array> {
    let filled = 0
    while (filled < size) {
      if (this.#left.length === 0) {
        const next = await this.#chunks.next().catch((thrown: unknown) => Promise.reject(this.#wrongSize(thrown)))
        if (next.done === true) break
        this.#left = next.value
      }
      const part = this.#left.subarray(0, size - filled)
      this.#buffer.set(part, filled)
      filled += part.length
      this.#left = this.#left.subarray(part.length)
    }
    this.#received += filled
    if (this.#received > this.#image.length) throw this.#wrongSize()
    const piece = this.#buffer.subarray(0, filled)
    this.#hash.update(piece)
    return piece
  }

  #wrongSize(cause?: unknown) {
    return fault('VERIFY_SIZE', { what: 'the image', expected: this.#image.length, found: this.#received }, cause)
  }
}
