/** `/v1/jobs/:id/events`: following a job. */

import type { TypeBoxTypeProvider } from '@fastify/type-provider-typebox'
import type { FastifyInstance } from 'fastify'
import type { Boot } from '../../boot/boot.js'
import { FINAL_STATES, type JobEvent } from '../../boot/jobs/job.js'
import { fault } from '../../errors.js'
import type { HttpConfig } from '../http-config.js'
import { EventStream } from '../replies/event-stream.js'
import { answers } from '../schemas/lazy-schemas.js'
import * as schemas from '../schemas/schemas.js'

export function addEventRoutes(parent: FastifyInstance, boot: Boot, config: HttpConfig): void {
  const app = parent.withTypeProvider<TypeBoxTypeProvider>()
  const events = {
    params: schemas.JobParams,
    tags: ['jobs'],
    summary: 'Server-sent events of a job, from the first or after the one that Last-Event-ID or `after` names',
    querystring: schemas.EventsQuery,
    produces: ['text/event-stream'],
    response: answers({ 200: schemas.Text, '4xx': schemas.ErrorAnswer }),
  }
  app.get('/v1/jobs/:id/events', { schema: events }, async ({ params: { id }, query, headers }, reply) => {
    // A browser that takes up a stream again repeats its first query: the header is newer.
    const after = lastEventId(headers['last-event-id']) ?? query.after ?? 0
    const stopped = new AbortController()
    let source = boot.events(id, after, stopped.signal)[Symbol.asyncIterator]()
    if (FINAL_STATES.includes(boot.get(id).state)) {
      const first = await source.next()
      // WHATWG HTML section 9.2.3: with 204 a browser stops asking for more.
      if (first.done === true) return reply.code(204).send()
      source = withFirst(first.value, source)
    }
    const stream = new EventStream(source, config.heartbeatSeconds * 1000, () => stopped.abort())
    return reply.type('text/event-stream').header('cache-control', 'no-store').send(stream)
  })
}

function lastEventId(header: string | string[] | undefined): number | undefined {
  if (header === undefined || header === '') return undefined
  if (typeof header === 'string' && /^\d{1,15}$/.test(header)) return Number(header)
  throw fault('HTTP_REQUEST', { reason: `Last-Event-ID: expected a number, found ${JSON.stringify(header)}` })
}

async function* withFirst(first: JobEvent, rest: AsyncIterator<JobEvent>): AsyncGenerator<JobEvent> {
  yield first
  yield* { [Symbol.asyncIterator]: () => rest }
}
