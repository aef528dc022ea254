import fc from 'fast-check'
import t from 'tap'
import {
  chosenRecord,
  decodeLabel,
  encodeLabel,
  HEAD_BYTES,
  LABEL_OFFSET,
  otherSlot,
  RECORDS,
  readRecords,
  SECTOR,
  SIGNATURE_OFFSET,
  SLOTS_START,
  slotsOf,
  trialRecord,
} from '../../../../../agent/image/card/card-layout.js'
import { encodeRecord } from '../../../../../agent/image/card/card-record.js'
import { masterBootRecord, slotRanges } from '../../../../../systemd/image/sd-image.js'

const NOTHING = new Uint8Array(SECTOR)
const MIB = 2 ** 20

t.test('the slots of a card are found in its partition table', async t => {
  const ranges = slotRanges(256 * MIB)
  t.strictSame(ranges, { a: { offset: 16 * MIB, size: 120 * MIB }, b: { offset: 136 * MIB, size: 120 * MIB } })
  t.strictSame(slotsOf(masterBootRecord(ranges)), ranges)
})

t.test('a card of others has no slots, however its partition table looks', async t => {
  const card = Buffer.from(masterBootRecord(slotRanges(256 * MIB)))
  const changed = (offset: number, ...bytes: number[]) => {
    const copy = Buffer.from(card)
    copy.set(bytes, offset)
    return copy
  }
  t.equal(slotsOf(card.subarray(1)), null, 'too short')
  t.equal(slotsOf(changed(510, 0)), null, 'no boot record')
  t.equal(slotsOf(changed(SIGNATURE_OFFSET, 0)), null, 'another signature')
  t.equal(slotsOf(changed(446 + 16 + 8, 0, 0x10, 0, 0)), null, 'a slot over the records')
  t.equal(slotsOf(changed(446 + 32 + 8, 1, 0x80, 0, 0)), null, 'slots that overlap')
  t.equal(slotsOf(changed(446 + 32 + 12, 0, 0, 0, 0)), null, 'an empty slot')
})

t.test('bytes of chance are no card with slots', async t => {
  fc.assert(fc.property(fc.uint8Array({ maxLength: 600 }), bytes => slotsOf(bytes) === null))
  t.pass()
})

t.test(
  'no two records, nor a record and a slot, share 4 MiB; the one that never changes is with the boot loader',
  async t => {
    const places = [RECORDS.trial, RECORDS.chosen, RECORDS.chosenCopy, SLOTS_START].map(offset => offset / (4 * MIB))
    t.strictSame(places, [1, 2, 3, 4])
    t.equal(RECORDS.noTrial, MIB - SECTOR)
  },
)

t.test('the chosen slot is that of the first record that is whole', async t => {
  const cases = [
    [chosenRecord('b'), chosenRecord('a'), 'b'],
    [NOTHING, chosenRecord('b'), 'b'],
    [encodeRecord({ slot: 'c' }), chosenRecord('b'), 'b'],
    [chosenRecord('b'), NOTHING, 'b'],
    [NOTHING, NOTHING, 'a'],
  ] as const
  for (const [chosen, chosenCopy, expected] of cases) {
    t.strictSame(readRecords({ trial: trialRecord(null), chosen, chosenCopy }), { chosen: expected, trial: null })
  }
})

t.test('a slot is tried only if a whole record says so', async t => {
  const chosen = { chosen: chosenRecord('a'), chosenCopy: chosenRecord('a') }
  t.equal(readRecords({ ...chosen, trial: trialRecord('b') }).trial, 'b')
  for (const trial of [NOTHING, trialRecord(null), encodeRecord({ trial: 'ab' })]) {
    t.equal(readRecords({ ...chosen, trial }).trial, null)
  }
})

t.test('each slot is the other of the other', async t => {
  t.equal(otherSlot('a'), 'b')
  t.equal(otherSlot('b'), 'a')
})

t.test('a label says the board and the size', async t => {
  const head = Buffer.alloc(HEAD_BYTES)
  t.equal(decodeLabel(head), null)
  head.set(encodeLabel({ board: 'cubieboard4', size: 123 }), LABEL_OFFSET)
  t.strictSame(decodeLabel(head), { board: 'cubieboard4', size: 123 })
  const incomplete: Record<string, string>[] = [
    { board: 'x' },
    { size: '1' },
    { board: 'x', size: '0' },
    { board: 'x', size: '1e9' },
  ]
  for (const values of incomplete) {
    head.set(encodeRecord(values), LABEL_OFFSET)
    t.equal(decodeLabel(head), null, JSON.stringify(values))
  }
})
