/** The board itself, and the agent's own state. */

import type { FastifyInstance } from 'fastify'
import type { Boot } from '../../boot/boot.js'
import { METRICS_TYPE, renderMetrics } from '../replies/metrics-text.js'
import { answers } from '../schemas/lazy-schemas.js'
import * as schemas from '../schemas/schemas.js'

export function addBoardRoutes(app: FastifyInstance, boot: Boot, version: string): void {
  const tags = ['board']

  const board = {
    tags,
    summary: 'Model, memory, kernel, links, watchdogs, and findings that affect every job',
    response: answers({ 200: schemas.Board }),
  }
  app.get('/v1/board', { schema: board }, async () => boot.board())

  const dtb = {
    tags,
    summary: 'The device tree of the running kernel, with which a job without a dtb is planned; 204 if there is none',
    produces: ['application/octet-stream'],
    response: answers({ 200: schemas.AnyBytes }),
  }
  app.get('/v1/board/dtb', { schema: dtb }, async (_request, reply) => {
    const bytes = await boot.runningDtb()
    if (bytes === null) return reply.code(204).send()
    return reply.type('application/octet-stream').send(Buffer.from(bytes))
  })

  const health = { tags, summary: 'Whether the agent answers', response: answers({ 200: schemas.Health }) }
  app.get('/healthz', { schema: health }, async () => ({ status: 'ok', version, uptime: process.uptime() }))

  const metrics = {
    tags,
    summary: 'Counters and gauges for Prometheus',
    produces: ['text/plain'],
    response: answers({ 200: schemas.Text }),
  }
  app.get('/metrics', { schema: metrics }, async (_request, reply) => {
    const agent = { version, uptime: process.uptime(), rss: process.memoryUsage.rss() }
    const { serialLine } = await boot.board()
    return reply.type(METRICS_TYPE).send(renderMetrics(boot.metrics(), agent, serialLine?.damage ?? null))
  })
}
