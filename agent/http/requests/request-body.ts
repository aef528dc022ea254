/** Bodies that may be larger than memory, and the rest of a body that no handler reads. */

import type { IncomingHttpHeaders, IncomingMessage } from 'node:http'
import type { FastifyInstance } from 'fastify'
import { fault } from '../../errors.js'

/**
 * How long a client may go on sending after it got its answer. Closing at once would reset the connection, and the
 * client would never see the answer (RFC 9112 section 9.6).
 */
const LINGER_MS = 5000

/**
 * Let a function read a body. When it stops early the rest is left to `installBodyHandling`: the answer has to go out
 * over the same connection first.
 */
export async function withBody<T>(
  request: IncomingMessage,
  read: (chunks: AsyncIterable<Uint8Array>) => Promise<T>,
): Promise<T> {
  const chunks: AsyncIterableIterator<Uint8Array> = request.iterator({ destroyOnReturn: false })
  try {
    return await read(chunks)
  } finally {
    await chunks.return?.()
  }
}

/** RFC 9112 section 6.1. Node removes the chunks and nothing else, so any other coding would be stored with the body. */
function checkTransferCoding({ 'transfer-encoding': found }: IncomingHttpHeaders): void {
  if (found === undefined || found.toLowerCase() === 'chunked') return
  throw fault('HTTP_TRANSFER_CODING', { found })
}

/** Hold bodies back until the request is accepted, and discard the rest after the response. */
export function installBodyHandling(app: FastifyInstance): void {
  // RFC 9110 section 10.1.1: a client that waits for "100 Continue" sends nothing to a request that is refused.
  const waiting = new WeakSet<IncomingMessage>()
  app.server.on('checkContinue', (request: IncomingMessage, response) => {
    waiting.add(request)
    app.server.emit('request', request, response)
  })
  app.addHook('onRequest', async ({ headers }) => checkTransferCoding(headers))
  app.addHook('preParsing', async (request, reply) => {
    if (waiting.delete(request.raw)) reply.raw.writeContinue()
  })
  app.addHook('onResponse', async ({ raw }) => {
    if (raw.complete || raw.destroyed) return
    const timer = setTimeout(() => raw.complete || raw.destroy(), LINGER_MS).unref()
    raw.once('close', () => clearTimeout(timer))
    raw.resume()
  })
}
