/** `/v1/jobs`: taking, showing, following and cancelling jobs. */

import type { TypeBoxTypeProvider } from '@fastify/type-provider-typebox'
import type { FastifyInstance } from 'fastify'
import type { Boot } from '../../boot/boot.js'
import type { JobRequest } from '../../boot/jobs/job.js'
import { fault } from '../../errors.js'
import type { HttpConfig } from '../http-config.js'
import { addJobParsers } from '../requests/job-body.js'
import { answers } from '../schemas/lazy-schemas.js'
import * as schemas from '../schemas/schemas.js'

const tags = ['jobs']
const onJob = { params: schemas.JobParams, tags }

export function addJobRoutes(parent: FastifyInstance, boot: Boot, config: HttpConfig): void {
  const app = parent.withTypeProvider<TypeBoxTypeProvider>()
  addJobParsers(parent, boot, config)

  const submission = {
    tags,
    summary: 'Take a job',
    querystring: schemas.JobQuery,
    body: {
      content: {
        'application/json': { schema: schemas.Job },
        'multipart/form-data': { schema: schemas.JobForm },
        'application/yaml': { schema: schemas.LavaJob },
        'application/zip': { schema: schemas.JobBundle },
      },
    },
    response: answers({ 201: schemas.JobAnswer, '4xx': schemas.ErrorAnswer }),
  }
  type Submission = { Body: JobRequest; Querystring: { dryRun?: 'true' | 'false' } }
  parent.post<Submission>('/v1/jobs', { schema: submission }, async ({ body, query }, reply) => {
    if (body === undefined) throw fault('JOB_INVALID', { where: 'the body', reason: 'is empty' })
    // LAVA's and KernelCI's jobs have no field for it.
    const request = query.dryRun === 'true' ? { ...body, options: { ...body.options, dryRun: true } } : body
    const job = await boot.submit(request, 'http')
    reply.code(201).header('location', `/v1/jobs/${job.id}`)
    return job
  })

  const list = {
    tags,
    summary: 'Every job that is remembered, the newest first',
    response: answers({ 200: schemas.JobList }),
  }
  app.get('/v1/jobs', { schema: list }, async () => ({ jobs: boot.list() }))

  const show = { ...onJob, summary: 'The state of a job', response: answers({ 200: schemas.JobAnswer }) }
  app.get('/v1/jobs/:id', { schema: show }, async ({ params }) => boot.get(params.id))

  const cancel = {
    ...onJob,
    summary: 'Cancel a job',
    response: answers({ 200: schemas.JobAnswer, '4xx': schemas.ErrorAnswer }),
  }
  app.delete('/v1/jobs/:id', { schema: cancel }, async ({ params }) => boot.cancel(params.id))

  const plan = {
    ...onJob,
    summary: 'The plan: what goes where, with its findings',
    querystring: schemas.PlanQuery,
    response: answers({ 200: schemas.Plan, '4xx': schemas.ErrorAnswer }),
  }
  app.get('/v1/jobs/:id/plan', { schema: plan }, async ({ params: { id }, query }, reply) => {
    if (query.format === 'svg') return reply.type('image/svg+xml').send(await boot.renderPlan(id, 'svg'))
    if (query.format === 'text') return reply.type('text/plain; charset=utf-8').send(await boot.renderPlan(id, 'text'))
    return boot.plan(id)
  })

  const log = {
    ...onJob,
    summary: 'The log, lines of text',
    produces: ['text/plain'],
    response: answers({ 200: schemas.Text }),
  }
  app.get('/v1/jobs/:id/log', { schema: log }, async ({ params }, reply) =>
    reply.type('text/plain; charset=utf-8').send(boot.log(params.id)),
  )
}
