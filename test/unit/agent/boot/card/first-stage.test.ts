import { existsSync } from 'node:fs'
import t from 'tap'
import { chosenRecord, HEAD_BYTES, RECORDS, SECTOR, type Slot } from '../../../../../agent/image/card/card-layout.js'
import { announced, boardWithCard, MemoryCard, pieces, RANGES, sha256, slotImage, start } from './card-fixture.js'

const IMAGE = slotImage(0xbb)

/** What a board would start from; the card stays as it is. */
function startOf(bytes: Buffer): { slot: Slot; trial: boolean; fill: number; whole: boolean } {
  const before = Buffer.from(bytes.subarray(RECORDS.trial, RECORDS.trial + SECTOR))
  const { slot, trial } = start(bytes)
  bytes.set(before, RECORDS.trial)
  const { offset } = RANGES[slot]
  const fill = bytes[offset] ?? 0
  const whole = slotImage(fill).equals(bytes.subarray(offset, offset + IMAGE.length))
  return { slot, trial, fill, whole }
}

t.test('an update is written to the other slot, tried at the next start, and stays when it is confirmed', async t => {
  const { card, firstStage } = boardWithCard(t)
  t.strictSame(await firstStage.view(), { slot: 'a', trial: false })
  const written = await firstStage.receive(pieces(IMAGE), announced(IMAGE))
  t.strictSame(written, { slot: 'b', size: IMAGE.length, sha256: sha256(IMAGE) })
  t.equal(card.forgotten, 1, 'it is compared with what the card holds')
  t.equal(card.opened, 0)
  t.strictSame(startOf(card.bytes), { slot: 'b', trial: true, fill: 0xbb, whole: true })

  const next = boardWithCard(t, card)
  t.strictSame(await next.firstStage.view(), { slot: 'b', trial: true })
  t.strictSame(await next.firstStage.confirm(), { slot: 'b', trial: false })
  t.ok(existsSync(next.confirmedFile))
  const { confirmedFile } = next
  const restarted = boardWithCard(t, card, { confirmedFile, cmdline: async () => 'fauxboot.slot=b fauxboot.trial=1' })
  t.strictSame(await restarted.firstStage.view(), { slot: 'b', trial: false }, 'an agent that is started again knows')
  t.strictSame(startOf(card.bytes), { slot: 'b', trial: false, fill: 0xbb, whole: true })
  await t.rejects(next.firstStage.confirm(), { code: 'UPDATE_UNCONFIRMED' }, 'once')
})

t.test('an update that nobody confirms is tried once', async t => {
  const { card, firstStage } = boardWithCard(t)
  await firstStage.receive(pieces(IMAGE), announced(IMAGE))
  t.strictSame(start(card.bytes), { slot: 'b', trial: true })
  t.strictSame(start(card.bytes), { slot: 'a', trial: false })
})

t.test('the next update goes to the slot of the one before', async t => {
  const { card, firstStage } = boardWithCard(t)
  await firstStage.receive(pieces(IMAGE), announced(IMAGE))
  await boardWithCard(t, card).firstStage.confirm()
  const third = slotImage(0xcc)
  t.match(await boardWithCard(t, card).firstStage.receive(pieces(third), announced(third)), { slot: 'a' })
  t.strictSame(startOf(card.bytes), { slot: 'a', trial: true, fill: 0xcc, whole: true })
})

t.test('a first stage under trial takes another update: it goes where the first went', async t => {
  const { card, firstStage } = boardWithCard(t)
  await firstStage.receive(pieces(IMAGE), announced(IMAGE))
  const tried = boardWithCard(t, card).firstStage
  const third = slotImage(0xcc)
  t.match(await tried.receive(pieces(third), announced(third)), { slot: 'b' })
  await t.rejects(
    tried.confirm(),
    { code: 'UPDATE_UNCONFIRMED', message: /another update/ },
    'it is gone from the card',
  )
})

t.test('a first stage under trial whose slot holds half an update is not confirmed', async t => {
  const { card, firstStage } = boardWithCard(t)
  await firstStage.receive(pieces(IMAGE), announced(IMAGE))
  const tried = boardWithCard(t, card).firstStage
  await t.rejects(tried.receive(pieces(IMAGE.subarray(0, 1_200_000)), announced(IMAGE)), { code: 'VERIFY_SIZE' })
  await t.rejects(tried.confirm(), { code: 'UPDATE_UNCONFIRMED' })
  t.match(startOf(card.bytes), { slot: 'a', trial: false, whole: true })
})

t.test('the slot that a board had to start from is kept, whatever the records say', async t => {
  const card = new MemoryCard()
  card.bytes.set(slotImage(0xbb), RANGES.b.offset)
  const cmdline = async () => 'fauxboot.slot=b fauxboot.trial='
  const { firstStage } = boardWithCard(t, card, { cmdline })
  const third = slotImage(0xcc)
  t.match(await firstStage.receive(pieces(third), announced(third)), { slot: 'a' })
  for (const offset of [RECORDS.chosen, RECORDS.chosenCopy]) {
    t.ok(card.bytes.subarray(offset, offset + SECTOR).equals(chosenRecord('b')))
  }
})

/** A card as a power cut leaves it before each write, and in the middle of each; the same buffer each time. */
function* cuts(before: Buffer, writes: MemoryCard['writes']): Generator<{ name: string; bytes: Buffer }> {
  const bytes = Buffer.from(before)
  for (const [index, write] of writes.entries()) {
    const name = `write ${index + 1} of ${writes.length}, at ${write.offset}`
    yield { name: `before ${name}`, bytes }
    bytes.set(write.bytes.subarray(0, write.bytes.length / 2), write.offset)
    bytes.fill(0xff, write.offset + 100, write.offset + SECTOR)
    yield { name: `in ${name}`, bytes }
    bytes.set(write.bytes, write.offset)
  }
}

t.test('a power cut before or in any write of an update, or of a confirmation, leaves a board that starts', async t => {
  const card = new MemoryCard()
  const states: Buffer[] = []
  for (const fill of [0xbb, 0xcc]) {
    const before = Buffer.from(card.bytes)
    const image = slotImage(fill)
    card.writes.length = 0
    await boardWithCard(t, card).firstStage.receive(pieces(image), announced(image))
    for (const { name, bytes } of cuts(before, card.writes)) {
      const seen = startOf(bytes)
      t.ok(seen.whole && !seen.trial && seen.fill === before[RANGES[seen.slot].offset], `${name}: the old one starts`)
      states.push(Buffer.from(bytes))
    }
    t.match(startOf(card.bytes), { trial: true, fill, whole: true })
    const tried = boardWithCard(t, card)
    const unconfirmed = Buffer.from(card.bytes)
    card.writes.length = 0
    await tried.firstStage.confirm()
    t.equal(card.writes.length, 2)
    for (const { name, bytes } of cuts(unconfirmed, card.writes)) {
      const seen = startOf(bytes)
      t.ok(seen.whole && !seen.trial, `${name} of the confirmation: the old one starts, or the new one`)
      states.push(Buffer.from(bytes))
    }
  }
  // From each state of the second update, another update goes through, cut or not.
  const image = slotImage(0xee)
  for (const [index, state] of states.slice(states.length / 2).entries()) {
    const again = new MemoryCard()
    again.bytes.set(state)
    await boardWithCard(t, again).firstStage.receive(pieces(image), announced(image))
    let lost = 0
    for (const { bytes } of cuts(state, again.writes)) lost += startOf(bytes).whole ? 0 : 1
    t.equal(lost, 0, `state ${index}: no second cut leaves a board that does not start`)
    await boardWithCard(t, again).firstStage.confirm()
    t.match(startOf(again.bytes), { trial: false, fill: 0xee, whole: true })
  }
})

t.test('an image that is not the announced one is not tried', async t => {
  const changed = Buffer.from(IMAGE)
  changed[1_000_000] = 0
  const cases = [
    ['VERIFY_SHA256', pieces(changed)],
    ['VERIFY_SIZE', pieces(IMAGE.subarray(0, -1))],
    ['VERIFY_SIZE', pieces(Buffer.concat([IMAGE, Buffer.alloc(10)]))],
    ['VERIFY_SIZE', brokenOff()],
  ] as const
  for (const [code, chunks] of cases) {
    const { card, firstStage } = boardWithCard(t)
    await t.rejects(firstStage.receive(chunks, announced(IMAGE)), { code })
    t.match(startOf(card.bytes), { slot: 'a', trial: false, whole: true }, code)
    t.equal(card.opened, 0)
  }
})

async function* brokenOff() {
  yield IMAGE.subarray(0, 1_200_000)
  throw new Error('aborted')
}

t.test('a card that does not keep what is written to it is found out, and the slot is no first stage then', async t => {
  const { card, firstStage } = boardWithCard(t)
  card.damages = true
  await t.rejects(firstStage.receive(pieces(IMAGE), announced(IMAGE)), { code: 'VERIFY_SHA256', message: /SD card/ })
  t.match(startOf(card.bytes), { slot: 'a', trial: false, whole: true })
  const { offset } = RANGES.b
  t.ok(card.bytes.subarray(offset, offset + HEAD_BYTES).equals(Buffer.alloc(HEAD_BYTES)))
})

t.test('a card that fails ends the update, and the driver is let go', async t => {
  const card = new MemoryCard()
  card.failsAt = 2
  const { firstStage } = boardWithCard(t, card)
  await t.rejects(firstStage.receive(pieces(IMAGE), announced(IMAGE)), { code: 'CARD_FAILED', message: /EIO/ })
  t.equal(card.opened, 0)
})

t.test('an image of another board, one that does not fit, and what is no image are refused before a write', async t => {
  const cases = [
    [slotImage(0xbb, { board: 'other' }), /it is for other, and this board is toy/],
    [slotImage(0xbb, { size: RANGES.b.size + SECTOR }), /a slot of this card 4194304/],
    [Buffer.alloc(100_000), /not the content of a slot/],
    [Buffer.alloc(10), /not the content of a slot/],
  ] as const
  for (const [image, message] of cases) {
    const { card, firstStage } = boardWithCard(t)
    await t.rejects(firstStage.receive(pieces(image), announced(image)), { code: 'UPDATE_REFUSED', message })
    t.strictSame(card.writes, [])
  }
})

t.test('a board that was started another way has no update', async t => {
  const { card, firstStage } = boardWithCard(t, undefined, { cmdline: async () => 'quiet fauxboot.slot=' })
  t.strictSame(await firstStage.view(), { slot: null, trial: false })
  await t.rejects(firstStage.receive(pieces(IMAGE), announced(IMAGE)), { code: 'CARD_ABSENT' })
  await t.rejects(firstStage.confirm(), { code: 'UPDATE_UNCONFIRMED' })
  t.equal(card.opened, 0)
})

t.test('a card whose slots are gone is refused', async t => {
  const { card, firstStage } = boardWithCard(t)
  card.bytes.fill(0, 0, SECTOR)
  await t.rejects(firstStage.receive(pieces(IMAGE), announced(IMAGE)), { code: 'CARD_ABSENT', message: /no two slots/ })
})

t.test('the board restarts when the answer is out', async t => {
  const { firstStage } = boardWithCard(t)
  const go = await firstStage.restart()
  await t.rejects(go(), { message: 'restarted' })
})
