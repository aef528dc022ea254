/** `/docs`: the OpenAPI document and its viewer. Nothing of them loads before the first request. */

import { existsSync } from 'node:fs'
import { join } from 'node:path'
import type { FastifyInstance, RouteOptions } from 'fastify'
import { fault } from '../../errors.js'
import { pathOf } from '../requests/request-path.js'
import { LAZY_SCHEMAS } from '../schemas/lazy-schemas.js'

type DocumentedRoute = Pick<RouteOptions, 'method' | 'url' | 'schema'>

const PREFIX = '/docs'

/** Documents that are sent at a time. Each is in memory until its client has it, and the viewer's script has 1.5 MB. */
const MAX_SENT = 8

/** Where `agent/bundle/bundle.ts` puts the viewer's files. Outside the bundle, the package finds its own. */
const VIEWER = join(import.meta.dirname, 'static')

const DESCRIPTION = `Every error is a row of one table: \`code\`, \`message\`, \`statusCode\`, \`details\`.
Changes need the header \`Authorization: Bearer TOKEN\`, or come from loopback if no token is configured.`

/**
 * Serve the documents of all routes that are added after this call.
 *
 * @param version of the agent
 */
export function addDocumentRoutes(app: FastifyInstance, version: string): void {
  const routes: DocumentedRoute[] = []
  app.addHook('onRoute', ({ method, url, schema }) => {
    if (!url.startsWith(PREFIX)) routes.push({ method, url, schema })
  })
  let sent = 0
  let documents: Promise<FastifyInstance> | undefined
  for (const url of [PREFIX, `${PREFIX}/*`]) {
    app.get(url, async ({ raw, url, log }, reply) => {
      if (sent >= MAX_SENT) throw fault('HTTP_BUSY', { limit: MAX_SENT })
      sent++
      reply.raw.once('close', () => sent--)
      documents ??= createDocuments(routes, version)
      const answer = await (await documents).inject({ method: 'GET', url: raw.url, headers: raw.headers })
      log.debug({ path: pathOf(url), statusCode: answer.statusCode }, 'documents')
      // These headers describe the inner connection.
      const { connection, 'content-length': _length, 'transfer-encoding': _encoding, ...headers } = answer.headers
      return reply.code(answer.statusCode).headers(headers).send(answer.rawPayload)
    })
  }
  app.addHook('onClose', async () => {
    await (await documents)?.close()
  })
}

/** A second server that never listens: a server that has started takes no more routes. */
async function createDocuments(routes: readonly DocumentedRoute[], version: string): Promise<FastifyInstance> {
  const [{ default: fastify }, { default: swagger }, { default: swaggerUi }] = await Promise.all([
    import('fastify'),
    import('@fastify/swagger'),
    import('@fastify/swagger-ui'),
  ])
  const app = fastify({ exposeHeadRoutes: false, schemaController: LAZY_SCHEMAS })
  await app.register(swagger, {
    openapi: {
      openapi: '3.1.0',
      info: { title: 'fauxboot agent', version, description: DESCRIPTION },
      components: { securitySchemes: { token: { type: 'http', scheme: 'bearer' } } },
      security: [{ token: [] }, {}],
    },
  })
  await app.register(swaggerUi, { routePrefix: PREFIX, baseDir: existsSync(VIEWER) ? VIEWER : undefined })
  for (const route of routes) app.route({ ...route, handler: async () => null })
  await app.ready()
  return app
}
