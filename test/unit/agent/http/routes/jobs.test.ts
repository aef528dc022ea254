import t from 'tap'
import type { JobView } from '../../../../../agent/boot/jobs/job.js'
import * as schemas from '../../../../../agent/http/schemas/schemas.js'
import type { PlanJson } from '../../../../../agent/kexec/render/plan-json.js'
import { reaches, statesOf } from '../../boot/board-fixture.js'
import { asJson, CMDLINE, conforms, startAgent, submit, submitStalled } from '../agent-fixture.js'

t.test('a job is taken with 201 and its address, and can be seen there', async t => {
  const agent = await startAgent(t)
  await agent.fetch('/v1/artifacts/k', { method: 'PUT', body: 'not a kernel' })
  const job = { name: 'first', kernel: { artifact: 'k' }, cmdline: CMDLINE, options: { dryRun: true } }
  const { status, headers, body } = await agent.json<JobView>('/v1/jobs', asJson(job))
  t.equal(status, 201)
  conforms(t, schemas.JobAnswer, body)
  t.match(body, { name: 'first', origin: 'http', request: { cmdline: CMDLINE, options: { dryRun: true } } })
  t.equal(headers.get('location'), `/v1/jobs/${body.id}`)
  const shown = await agent.json<JobView>(`/v1/jobs/${body.id}`)
  conforms(t, schemas.JobAnswer, shown.body)
  t.equal(shown.body.id, body.id)
})

t.test('a job boots', async t => {
  const agent = await startAgent(t)
  const { id } = await submit(agent)
  await agent.kexec.jumped
  t.match(agent.boot.get(id), { state: 'booting', error: null })
})

t.test('jobs are listed, the newest first', async t => {
  const agent = await startAgent(t)
  const first = await submit(agent, { name: 'first', options: { dryRun: true } })
  await statesOf(agent.boot, first.id)
  const second = await submit(agent, { name: 'second', options: { dryRun: true } })
  const { body } = await agent.json<{ jobs: JobView[] }>('/v1/jobs')
  conforms(t, schemas.JobList, body)
  t.same(
    body.jobs.map(job => job.id),
    [second.id, first.id],
  )
})

t.test('a failed job shows its error as it would have been answered', async t => {
  const agent = await startAgent(t)
  await agent.fetch('/v1/artifacts/k', { method: 'PUT', body: 'not a kernel' })
  const { body } = await agent.json<JobView>('/v1/jobs', asJson({ kernel: { artifact: 'k' }, cmdline: '' }))
  t.same(await statesOf(agent.boot, body.id), ['queued', 'fetching', 'verifying', 'planning', 'failed'])
  const shown = await agent.json<JobView>(`/v1/jobs/${body.id}`)
  conforms(t, schemas.JobAnswer, shown.body)
  t.equal(shown.body.state, 'failed')
  t.match(shown.body.error, { statusCode: 422, code: String, message: String })
})

t.test('the plan is shown as JSON, as a picture and as text', async t => {
  const agent = await startAgent(t)
  const { id } = await submit(agent, { options: { dryRun: true } })
  await statesOf(agent.boot, id)
  for (const query of ['', '?format=json']) {
    const { status, headers, body } = await agent.json<PlanJson>(`/v1/jobs/${id}/plan${query}`)
    t.equal(status, 200)
    t.match(headers.get('content-type'), 'application/json')
    conforms(t, schemas.Plan, body)
    t.match(body, { survivable: true, arch: 'arm', cmdline: CMDLINE })
  }
  const picture = await agent.fetch(`/v1/jobs/${id}/plan?format=svg`)
  t.equal(picture.headers.get('content-type'), 'image/svg+xml')
  t.match(await picture.text(), /^<svg [\s\S]*<\/svg>\s*$/)
  const text = await agent.fetch(`/v1/jobs/${id}/plan?format=text`)
  t.equal(text.headers.get('content-type'), 'text/plain; charset=utf-8')
  t.match(await text.text(), /kernel/)
})

t.test('a job that has no plan says in which state it is', async t => {
  const agent = await startAgent(t)
  const { id } = await submitStalled(t, agent)
  t.match(await agent.refused(`/v1/jobs/${id}/plan`), {
    code: 'JOB_NO_PLAN',
    statusCode: 404,
    message: `job ${id} has no plan: it is fetching`,
  })
})

t.test('an unknown or wrong query parameter is refused with the valid ones', async t => {
  const agent = await startAgent(t)
  const { id } = await submit(agent, { options: { dryRun: true } })
  const queries = {
    'plan?format=png': 'query: format must be one of json, svg, text',
    'plan?fromat=svg': 'query: fromat is unknown; known: format',
    'plan?format=svg&format=text': 'query: format must be given once',
    'plan?toString=svg': 'query: toString is unknown; known: format',
    'events?after=x': 'query: after must be a whole number',
    'events?after=-1': 'query: after must be a whole number',
  }
  for (const [query, message] of Object.entries(queries)) {
    t.match(await agent.refused(`/v1/jobs/${id}/${query}`), { code: 'HTTP_REQUEST', statusCode: 400, message })
  }
})

t.test('the log is text, a line for each event', async t => {
  const agent = await startAgent(t)
  const { id } = await submit(agent, { options: { dryRun: true } })
  await statesOf(agent.boot, id)
  const answer = await agent.fetch(`/v1/jobs/${id}/log`)
  t.equal(answer.headers.get('content-type'), 'text/plain; charset=utf-8')
  const text = await answer.text()
  t.equal(text, agent.boot.log(id))
  t.match(text, /planned\n$/)
})

t.test('a job is cancelled, once', async t => {
  const agent = await startAgent(t)
  const { id } = await submitStalled(t, agent)
  const { status, body } = await agent.json<JobView>(`/v1/jobs/${id}`, { method: 'DELETE' })
  t.equal(status, 200)
  conforms(t, schemas.JobAnswer, body)
  t.match(body, { state: 'cancelled', error: { code: 'JOB_CANCELLED' } })
  t.match(await agent.refused(`/v1/jobs/${id}`, { method: 'DELETE' }), { code: 'JOB_ENDED', statusCode: 409 })
})

t.test('while a job owns the board another is refused with its id, or waits when it asks to', async t => {
  const agent = await startAgent(t)
  const owner = await submitStalled(t, agent)
  const job = { kernel: 'http://127.0.0.1:9/kernel', cmdline: CMDLINE }
  t.match(await agent.refused('/v1/jobs', asJson(job)), {
    code: 'JOB_BUSY',
    statusCode: 409,
    details: { owner: owner.id },
  })
  const { status, body } = await agent.json<JobView>('/v1/jobs', asJson({ ...job, options: { queue: true } }))
  t.equal(status, 201)
  t.equal(body.state, 'queued')
  const ended = reaches(agent.boot, body.id, 'cancelled')
  await agent.fetch(`/v1/jobs/${body.id}`, { method: 'DELETE' })
  await ended
})

t.test('an unknown job is 404 on every route', async t => {
  const agent = await startAgent(t)
  const paths = ['', '/plan', '/log', '/events']
  for (const path of paths) {
    t.match(await agent.refused(`/v1/jobs/nobody${path}`), {
      code: 'JOB_UNKNOWN',
      statusCode: 404,
      details: { id: 'nobody' },
    })
  }
  t.match(await agent.refused('/v1/jobs/nobody', { method: 'DELETE' }), { code: 'JOB_UNKNOWN' })
  t.match(await agent.refused(`/v1/jobs/${'x'.repeat(1000)}`), { code: 'JOB_UNKNOWN' })
})
