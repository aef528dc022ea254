/** `/docs`: the API documents itself. They are made when somebody first asks for them. */

import type { FastifyInstance, RouteOptions } from 'fastify'

/** Routes of the API as they are collected, for the documents. */
export type DocumentedRoute = Pick<RouteOptions, 'method' | 'url' | 'schema'>

const PREFIX = '/docs'

/** Must be called before the routes that are to be documented are added. */
export function addDocsRoutes(app: FastifyInstance, version: string): void {
  const routes: DocumentedRoute[] = []
  app.addHook('onRoute', ({ method, url, schema }) => {
    if (!url.startsWith(PREFIX)) routes.push({ method, url, schema })
  })
  let documents: Promise<FastifyInstance> | undefined
  const load = async (): Promise<FastifyInstance> => {
    const { createDocuments } = await import('./api-documents.js')
    return createDocuments(routes, PREFIX, version)
  }
  for (const url of [PREFIX, `${PREFIX}/*`]) {
    app.get(url, async ({ raw, log }, reply) => {
      documents ??= load()
      const answer = await (await documents).inject({ method: 'GET', url: raw.url, headers: raw.headers })
      log.debug({ url: raw.url, statusCode: answer.statusCode }, 'documents')
      // These are of a connection, and this is another.
      const { connection, 'content-length': _length, 'transfer-encoding': _encoding, ...headers } = answer.headers
      return reply.code(answer.statusCode).headers(headers).send(answer.rawPayload)
    })
  }
  app.addHook('onClose', async () => {
    await (await documents)?.close()
  })
}
