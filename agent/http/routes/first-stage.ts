/** `/v1/first-stage`: what the board has started from, and a new first stage for its SD card. */

import type { TypeBoxTypeProvider } from '@fastify/type-provider-typebox'
import type { FastifyInstance } from 'fastify'
import type { FirstStage } from '../../boot/card/first-stage.js'
import { fault } from '../../errors.js'
import { expectedDigest } from '../requests/digest-headers.js'
import { withBody } from '../requests/request-body.js'
import { answers } from '../schemas/lazy-schemas.js'
import * as schemas from '../schemas/schemas.js'

const tags = ['first stage']

export function addFirstStageRoutes(parent: FastifyInstance, firstStage: FirstStage): void {
  const app = parent.withTypeProvider<TypeBoxTypeProvider>()
  // Whatever its type is, a body is not read before the handler reads it.
  app.removeAllContentTypeParsers()
  app.addContentTypeParser('*', async () => undefined)

  const show = {
    tags,
    summary: 'The slot of the SD card that the board has started from, and whether it is only being tried',
    response: answers({ 200: schemas.FirstStage }),
  }
  app.get('/v1/first-stage', { schema: show }, () => firstStage.view())

  const update = {
    tags,
    summary: 'Write a new first stage to the other slot of the SD card; the board tries it at its next start, once',
    description:
      'The body is the content of a slot. Content-Length and its digest are required: in Repr-Digest, Digest, X-Checksum-Sha256 or in the query.',
    querystring: schemas.ImageQuery,
    body: { content: { 'application/octet-stream': { schema: schemas.AnyBytes } } },
    response: answers({ 200: schemas.WrittenUpdate, '4xx': schemas.ErrorAnswer }),
  }
  app.put('/v1/first-stage', { schema: update }, async ({ query, headers, raw }) => {
    const length = Number(headers['content-length'] ?? Number.NaN)
    const sha256 = expectedDigest(headers, query.sha256)
    if (Number.isNaN(length) || sha256 === undefined) {
      throw fault('HTTP_REQUEST', {
        reason: 'send the size of the image (Content-Length) and its sha256 (X-Content-Sha256)',
      })
    }
    return withBody(raw, chunks => firstStage.receive(chunks, { length, sha256 }))
  })

  const confirm = {
    tags,
    summary: 'Keep the first stage that is being tried',
    response: answers({ 200: schemas.FirstStage, '4xx': schemas.ErrorAnswer }),
  }
  app.post('/v1/first-stage/confirm', { schema: confirm }, () => firstStage.confirm())

  const restart = {
    tags,
    summary: 'Restart the board',
    response: answers({ '4xx': schemas.ErrorAnswer }),
  }
  app.post('/v1/first-stage/restart', { schema: restart }, async (request, reply) => {
    const go = await firstStage.restart()
    reply.raw.once('close', () => {
      go().catch((err: unknown) => request.log.error({ err }, 'the board does not restart'))
    })
    return reply.code(202).send()
  })
}
