/** The agent's HTTP API. It is a front end: what a request means is decided in `agent/boot`. */

import fastify, { type FastifyBaseLogger, type FastifyInstance, LogController } from 'fastify'
import type { Boot } from '../boot/boot.js'
import type { FirstStage } from '../boot/card/first-stage.js'
import { changesNothing, createAccessCheck } from './access.js'
import { createBoundedServer } from './bounded-server.js'
import { Connections } from './connections.js'
import { addConsole } from './console-upgrade.js'
import type { HttpConfig } from './http-config.js'
import { answerError, answerNoHttp, answerUnknownRoute } from './replies/error-reply.js'
import { RequestTurns } from './request-turns.js'
import { installBodyHandling } from './requests/request-body.js'
import { pathOf } from './requests/request-path.js'
import { addArtifactRoutes } from './routes/artifacts.js'
import { addBoardRoutes } from './routes/board.js'
import { addDocumentRoutes } from './routes/documents.js'
import { addEventRoutes } from './routes/events.js'
import { addFirstStageRoutes } from './routes/first-stage.js'
import { addJobRoutes } from './routes/jobs.js'
import { addPageRoutes } from './routes/page.js'
import { LAZY_SCHEMAS } from './schemas/lazy-schemas.js'
import type { SharedConsole } from './shared-console.js'

export interface HttpDeps {
  readonly log: FastifyBaseLogger
  /** of the agent */
  readonly version: string
  /** of the page's files; default: beside the bundle */
  readonly pageDirectory?: string
  /** U-Boot's serial line; null while there is none. Default: there never is one */
  readonly console?: () => SharedConsole | null
  /** of the board; without it, the API has no updates */
  readonly firstStage?: FirstStage
  /** `createBoundedServer` unless given */
  readonly makeServer?: typeof createBoundedServer
}

/** Characters of a path parameter; the look-up rejects names that are too long. */
const LONGEST_PARAMETER = 1024

/** Make the server; the caller listens and closes. */
export function createServer(
  boot: Boot,
  config: HttpConfig,
  { log, version, pageDirectory, console = () => null, firstStage, makeServer = createBoundedServer }: HttpDeps,
): FastifyInstance {
  const turns = new RequestTurns()
  const connections = new Connections(config.maxConnections, turns)
  const app = fastify({
    serverFactory: handle => makeServer(handle, turns, connections, config),
    loggerInstance: log,
    logController: new LogController({ disableRequestLogging: true }),
    bodyLimit: config.jobBodyLimit,
    // Event streams would keep the server open until the end of the job.
    forceCloseConnections: true,
    exposeHeadRoutes: false,
    schemaController: LAZY_SCHEMAS,
    routerOptions: { maxParamLength: LONGEST_PARAMETER },
    clientErrorHandler: answerNoHttp,
    frameworkErrors: answerError,
  })
  app.setErrorHandler(answerError)
  app.setNotFoundHandler(answerUnknownRoute)

  const checkAccess = createAccessCheck(config)
  app.addHook('onRequest', async ({ method, url, ip, headers, raw }) => {
    const allowed = checkAccess({ method, path: pathOf(url), ip, headers })
    void connections.keepIf(raw.socket, allowed)
    await allowed
  })
  addConsole({ server: app.server, connections, config, checkAccess, console })
  installBodyHandling(app)
  app.addHook('onResponse', async ({ method, url, ip, log }, { statusCode, elapsedTime }) => {
    if (changesNothing(method) || statusCode >= 400) return
    log.info({ method, url: pathOf(url), ip, statusCode, elapsedTime }, 'changed')
  })

  addDocumentRoutes(app, version)
  // Groups are plugins, because the parsers of their bodies are their own.
  app.register(async group => addJobRoutes(group, boot, config))
  app.register(async group => addArtifactRoutes(group, boot))
  if (firstStage !== undefined) app.register(async group => addFirstStageRoutes(group, firstStage))
  addEventRoutes(app, boot, config)
  addBoardRoutes(app, boot, version)
  addPageRoutes(app, pageDirectory)
  return app
}
