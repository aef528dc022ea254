/** `/v1/artifacts`: files that are sent to the board before any job names them. */

import type { TypeBoxTypeProvider } from '@fastify/type-provider-typebox'
import type { FastifyInstance, FastifyReply } from 'fastify'
import { type ArtifactView, parseContentRange } from '../../boot/artifacts/artifact-store.js'
import type { Boot } from '../../boot/boot.js'
import { expectedDigest } from '../requests/digest-headers.js'
import { withBody } from '../requests/request-body.js'
import { answers } from '../schemas/lazy-schemas.js'
import * as schemas from '../schemas/schemas.js'

const tags = ['artifacts']
const onArtifact = { params: schemas.ArtifactParams, tags }

export function addArtifactRoutes(parent: FastifyInstance, { artifacts }: Boot): void {
  const app = parent.withTypeProvider<TypeBoxTypeProvider>()
  // Whatever its type is, a body is not read before the handler reads it.
  app.removeAllContentTypeParsers()
  app.addContentTypeParser('*', async () => undefined)

  const list = { tags, summary: 'Every artifact, by name', response: answers({ 200: schemas.ArtifactList }) }
  app.get('/v1/artifacts', { schema: list }, async () => ({ artifacts: await artifacts.list() }))

  const show = {
    ...onArtifact,
    summary: 'How much of an artifact is here',
    response: answers({ 200: schemas.Artifact }),
  }
  app.route({
    method: ['GET', 'HEAD'],
    url: '/v1/artifacts/:name',
    schema: show,
    handler: async ({ params }, reply) => describe(await artifacts.get(params.name), reply),
  })

  const upload = {
    ...onArtifact,
    summary: 'Send an artifact or, with Content-Range, the next part of one',
    description: 'The digest of the whole artifact may be in Repr-Digest, Digest, X-Checksum-Sha256 or in the query.',
    querystring: schemas.UploadQuery,
    body: { content: { 'application/octet-stream': { schema: schemas.AnyBytes } } },
    response: answers({ 201: schemas.Artifact, 202: schemas.Artifact, '4xx': schemas.ErrorAnswer }),
  }
  app.put('/v1/artifacts/:name', { schema: upload }, async ({ params, query, headers, raw }, reply) => {
    const range = headers['content-range']
    const length = headers['content-length']
    const options = {
      range: range === undefined ? undefined : parseContentRange(range),
      length: length === undefined ? null : Number(length),
      sha256: expectedDigest(headers, query.sha256),
    }
    const view = await withBody(raw, chunks => artifacts.receive(params.name, chunks, options))
    if (view.complete) reply.code(201).header('location', `/v1/artifacts/${view.name}`)
    else reply.code(202)
    return describe(view, reply)
  })

  const remove = {
    ...onArtifact,
    summary: 'Delete an artifact',
    response: answers({ '4xx': schemas.ErrorAnswer }),
  }
  app.delete('/v1/artifacts/:name', { schema: remove }, async ({ params }, reply) => {
    await artifacts.delete(params.name)
    return reply.code(204).send()
  })
}

/** Headers of a HEAD response: draft-ietf-httpbis-resumable-upload section 4. */
function describe(view: ArtifactView, reply: FastifyReply): ArtifactView {
  reply.header('upload-offset', view.received)
  reply.header('upload-complete', view.complete ? '?1' : '?0')
  if (view.size !== null) reply.header('upload-length', view.size)
  return view
}
