/** The agent's HTTP API. It is a front end: what a request means is decided in `agent/boot`. */

import fastify, { type FastifyBaseLogger, type FastifyInstance, LogController } from 'fastify'
import type { Boot } from '../boot/boot.js'
import { changesNothing, createAccessCheck } from './access.js'
import type { HttpConfig } from './http-config.js'
import { answerError, answerNoHttp, answerUnknownRoute } from './replies/error-reply.js'
import { installBodyHandling } from './requests/request-body.js'
import { addArtifactRoutes } from './routes/artifacts.js'
import { addBoardRoutes } from './routes/board.js'
import { addDocumentRoutes } from './routes/documents.js'
import { pathOf } from './requests/request-path.js'
import { addEventRoutes } from './routes/events.js'
import { addJobRoutes } from './routes/jobs.js'
import { LAZY_SCHEMAS } from './schemas/lazy-schemas.js'

export interface HttpDeps {
  readonly log: FastifyBaseLogger
  /** of the agent */
  readonly version: string
}

/** Characters of a path parameter; the look-up rejects names that are too long. */
const LONGEST_PARAMETER = 1024

/** Make the server; the caller listens and closes. */
export function createServer(boot: Boot, config: HttpConfig, { log, version }: HttpDeps): FastifyInstance {
  const app = fastify({
    loggerInstance: log,
    logController: new LogController({ disableRequestLogging: true }),
    bodyLimit: config.jobBodyLimit,
    connectionTimeout: config.idleSeconds * 1000,
    // Event streams would keep the server open until the end of the job.
    forceCloseConnections: true,
    exposeHeadRoutes: false,
    schemaController: LAZY_SCHEMAS,
    routerOptions: { maxParamLength: LONGEST_PARAMETER },
    clientErrorHandler: answerNoHttp,
    frameworkErrors: answerError,
  })
  app.server.maxConnections = config.maxConnections
  app.setErrorHandler(answerError)
  app.setNotFoundHandler(answerUnknownRoute)

  const checkAccess = createAccessCheck(config)
  app.addHook('onRequest', async ({ method, url, ip, headers }) => {
    const [path = ''] = url.split('?')
    await checkAccess({ method, path, ip, headers })
  })
  installBodyHandling(app)
  app.addHook('onResponse', async ({ method, url, ip, log }, { statusCode, elapsedTime }) => {
    if (changesNothing(method) || statusCode >= 400) return
    log.info({ method, url: pathOf(url), ip, statusCode, elapsedTime }, 'changed')
  })

  addDocumentRoutes(app, version)
  // Groups are plugins, because the parsers of their bodies are their own.
  app.register(async group => addJobRoutes(group, boot, config))
  app.register(async group => addArtifactRoutes(group, boot))
  addEventRoutes(app, boot, config)
  addBoardRoutes(app, boot, version)
  return app
}
