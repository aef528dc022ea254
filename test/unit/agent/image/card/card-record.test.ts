import { execFileSync } from 'node:child_process'
import fc from 'fast-check'
import t from 'tap'
import { decodeRecord, encodeRecord, RECORD_BYTES } from '../../../../../agent/image/card/card-record.js'
import { needs } from '../../../../peer.js'

t.test('a record keeps its values, in one sector', async t => {
  const sector = encodeRecord({ slot: 'b', note: 'a=b' })
  t.equal(sector.length, RECORD_BYTES)
  t.strictSame(decodeRecord(sector), { slot: 'b', note: 'a=b' })
  t.strictSame(decodeRecord(Buffer.concat([Buffer.alloc(3), sector]).subarray(3)), { slot: 'b', note: 'a=b' })
})

t.test('a record without values is a record', async t => {
  t.strictSame(decodeRecord(encodeRecord({})), {})
})

t.test('a record is what mkenvimage makes', needs('mkenvimage'), async t => {
  const made = execFileSync('mkenvimage', ['-s', String(RECORD_BYTES), '-p', '0', '-o', '-', '-'], {
    input: 'slot=b\n',
  })
  t.strictSame(Buffer.from(encodeRecord({ slot: 'b' })), made)
})

t.test('values that fill more than a sector are refused', async t => {
  t.throws(() => encodeRecord({ slot: 'b'.repeat(RECORD_BYTES) }), { code: 'FORMAT_TOO_LARGE' })
})

t.test('a sector of zeros, a short one, and one with any changed bit are no records', async t => {
  t.equal(decodeRecord(new Uint8Array(RECORD_BYTES)), null)
  t.equal(decodeRecord(encodeRecord({}).subarray(1)), null)
  const bit = fc.nat({ max: RECORD_BYTES * 8 - 1 })
  fc.assert(
    fc.property(bit, at => {
      const sector = encodeRecord({ slot: 'a' })
      sector[at >> 3] = (sector[at >> 3] ?? 0) ^ (1 << (at & 7))
      return decodeRecord(sector) === null
    }),
  )
})
