import assert from 'node:assert/strict'
import fc from 'fast-check'
import t from 'tap'
import { parseEventStream, type StreamEvent } from '../../../../lava/client/event-stream.js'

async function parse(...chunks: readonly (string | Uint8Array)[]): Promise<StreamEvent[]> {
  async function* bytes() {
    for (const chunk of chunks) yield typeof chunk === 'string' ? Buffer.from(chunk) : chunk
  }
  const events: StreamEvent[] = []
  for await (const event of parseEventStream(bytes(), 'http://board')) events.push(event)
  return events
}

t.test('an event has its id, type and data', async t => {
  t.same(await parse('id: 7\nevent: state\ndata: {"a":1}\n\n'), [{ id: '7', type: 'state', data: '{"a":1}' }])
})

t.test('an event without a type is a message and keeps the last id', async t => {
  t.same(await parse('id: 7\ndata: a\n\ndata: b\n\n'), [
    { id: '7', type: 'message', data: 'a' },
    { id: '7', type: 'message', data: 'b' },
  ])
})

t.test('several data lines are one text of several lines', async t => {
  t.same(await parse('data: a\ndata:b\ndata\ndata:  c\n\n'), [{ id: '', type: 'message', data: 'a\nb\n\n c' }])
})

t.test('comments, unknown fields, and events without data are ignored', async t => {
  t.same(await parse(': keep-alive\n\nevent: ping\n\nretry: 10\nfoo: bar\ndata: x\n\n'), [
    { id: '', type: 'message', data: 'x' },
  ])
})

t.test('an id with a NUL is not taken', async t => {
  t.same(await parse('id: a\ndata: 1\n\nid: b\0\ndata: 2\n\n'), [
    { id: 'a', type: 'message', data: '1' },
    { id: 'a', type: 'message', data: '2' },
  ])
})

t.test('an event that the end of the stream cuts is dropped', async t => {
  t.same(await parse('data: whole\n\ndata: ha'), [{ id: '', type: 'message', data: 'whole' }])
  t.same(await parse('data: whole\n\ndata: no blank line\n'), [{ id: '', type: 'message', data: 'whole' }])
})

t.test('a byte order mark at the start belongs to no field', async t => {
  t.same(await parse('\ufeffdata: x\n\n'), [{ id: '', type: 'message', data: 'x' }])
})

t.test('a line and an event of more than 1 MiB are refused', async t => {
  const long = 'x'.repeat(1024 * 1024)
  await t.rejects(parse(`data: ${long}`), { code: 'BOARD_ANSWER', message: /larger than 1048576 bytes/ })
  const half = `data: ${'x'.repeat(600_000)}\n`
  await t.rejects(parse(half, half), { code: 'BOARD_ANSWER' })
})

t.test('property: wherever a stream is cut, and however its lines end, the events are the same', async t => {
  const field = fc.constantFrom('id: 1', 'event: state', 'data: é€😀', 'data:x', ': comment', '', '')
  await fc.assert(
    fc.asyncProperty(
      fc.array(field, { maxLength: 20 }),
      fc.constantFrom('\n', '\r\n', '\r'),
      fc.array(fc.nat(200), { maxLength: 8 }),
      async (lines, ending, cuts) => {
        // A CR at the very end waits for its LF; a comment behind it makes it the end of its line.
        const text = Buffer.from([...lines, '', ': end', ''].join(ending))
        const places = [0, ...cuts.map(cut => cut % text.length).sort((a, b) => a - b), text.length]
        const pieces = places.slice(1).map((end, i) => text.subarray(places[i], end))
        assert.deepEqual(await parse(...pieces), await parse([...lines, '', ': end', ''].join('\n')))
      },
    ),
    { numRuns: 200 },
  )
  t.pass('held')
})
