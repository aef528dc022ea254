import { PassThrough } from 'node:stream'
import t from 'tap'
import { answerNoHttp } from '../../../../../agent/http/replies/error-reply.js'

/** A connection, as far as the handler uses it. */
const connection = () => new PassThrough() as unknown as Parameters<typeof answerNoHttp>[1]

t.test('bytes that are not HTTP get an error of the table', async t => {
  const socket = connection()
  answerNoHttp(new Error('Parse Error'), socket)
  t.match(
    String(socket.read()),
    /^HTTP\/1\.1 400 Bad Request\r\n[\s\S]*connection: close\r\n\r\n\{"code":"HTTP_REQUEST"/,
  )
})

t.test('a connection that the client has closed gets no answer', async t => {
  for (const [reason, code] of [
    ['reset', 'ECONNRESET'],
    ['ended', undefined],
  ] as const) {
    const socket = connection()
    if (code === undefined) socket.end()
    answerNoHttp(Object.assign(new Error(reason), { code }), socket)
    t.equal(socket.destroyed, true, reason)
    t.equal(socket.read(), null)
  }
})
