import { PassThrough } from 'node:stream'
import t from 'tap'
import { readBody } from '../../../../../agent/transfer/http/body.js'

const PIECE = Buffer.alloc(64 * 1024)

t.test('a body waits while a batch is stored, and no byte is lost or out of order', async t => {
  const body = new PassThrough()
  const stored: Buffer[] = []
  let taken = 0
  let storing = false
  const read = readBody(
    body,
    chunk => {
      t.notOk(storing)
      taken += chunk.length
    },
    async chunks => {
      storing = true
      await new Promise(setImmediate)
      stored.push(...chunks)
      storing = false
    },
  )
  const sent = Array.from({ length: 40 }, (_, index) => Buffer.alloc(PIECE.length, index))
  for (const piece of sent) body.write(piece)
  body.end('the end')
  t.equal(await read, null)
  const all = Buffer.concat([...sent, Buffer.from('the end')])
  t.equal(taken, all.length)
  t.ok(Buffer.concat(stored).equals(all))
})

t.test('what came before a failure is stored', async t => {
  const body = new PassThrough()
  const stored: Buffer[] = []
  const gone = new Error('gone')
  const read = readBody(
    body,
    () => body.destroy(gone),
    async chunks => void stored.push(...chunks),
  )
  body.write('half')
  t.same(await read, { reason: gone })
  t.equal(Buffer.concat(stored).toString(), 'half')
})

t.test('a chunk that is refused ends the body, and one that cannot be stored ends the reading', async t => {
  const refused = new Error('too much')
  const body = new PassThrough()
  const read = readBody(
    body,
    () => {
      throw refused
    },
    async () => void t.fail('nothing may be stored'),
  )
  body.write('a byte')
  t.same(await read, { reason: refused })
  const full = new Error('full')
  const other = new PassThrough()
  const failing = readBody(
    other,
    () => undefined,
    async () => {
      throw full
    },
  )
  other.end(PIECE)
  await t.rejects(failing, full)
})
