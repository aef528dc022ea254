/** The OpenAPI document and its viewer, as a server of its own that never listens: routes cannot be added to one that does. */

import { existsSync } from 'node:fs'
import { join } from 'node:path'
import swagger from '@fastify/swagger'
import swaggerUi from '@fastify/swagger-ui'
import fastify, { type FastifyInstance } from 'fastify'
import type { DocumentedRoute } from './routes-docs.js'
import { LAZY_SCHEMAS } from './schemas/lazy-schemas.js'

/** Files of the viewer where `agent/bundle/bundle.ts` puts them. Outside of the bundle the package finds its own. */
const VIEWER = join(import.meta.dirname, 'static')

const DESCRIPTION = `Every error is a row of one table: \`code\`, \`message\`, \`statusCode\`, \`details\`.
Changes need the header \`Authorization: Bearer TOKEN\`, or come from loopback where no token is configured.`

/**
 * @param prefix path of the documents
 * @param version of the agent
 */
export async function createDocuments(
  routes: readonly DocumentedRoute[],
  prefix: string,
  version: string,
): Promise<FastifyInstance> {
  const app = fastify({ exposeHeadRoutes: false, schemaController: LAZY_SCHEMAS })
  await app.register(swagger, {
    openapi: {
      openapi: '3.1.0',
      info: { title: 'fauxboot agent', version, description: DESCRIPTION },
      components: { securitySchemes: { token: { type: 'http', scheme: 'bearer' } } },
      security: [{ token: [] }, {}],
    },
  })
  await app.register(swaggerUi, { routePrefix: prefix, baseDir: existsSync(VIEWER) ? VIEWER : undefined })
  for (const route of routes) app.route({ ...route, handler: async () => null })
  await app.ready()
  return app
}
