import { createHash } from 'node:crypto'
import { readFileSync } from 'node:fs'
import t from 'tap'
import type { JobView } from '../../../../../agent/boot/jobs/job.js'
import { statesOf } from '../../boot/board-fixture.js'
import { makeZip } from '../../boot/requests/zip/zip-fixture.js'
import { cpio } from '../../kexec/images.js'
import { asJson, CMDLINE, dial, KERNEL, readUntil, startAgent, type TestAgent } from '../agent-fixture.js'

const RAMDISK = cpio()
const DRY_RUN = { options: { dryRun: true } }
const JOB = { name: 'form', cmdline: CMDLINE, ...DRY_RUN }

const blob = (bytes: Uint8Array): Blob => new Blob([new Uint8Array(bytes)])
const sha256 = (bytes: Uint8Array): string => createHash('sha256').update(bytes).digest('hex')

function form(parts: readonly (readonly [name: string, value: string | Uint8Array])[]): RequestInit {
  const body = new FormData()
  for (const [name, value] of parts) {
    if (typeof value === 'string') body.append(name, value)
    else body.append(name, blob(value), `${name}.bin`)
  }
  return { method: 'POST', body }
}

const post = (type: string, body: string | Uint8Array): RequestInit => ({
  method: 'POST',
  headers: { 'content-type': type },
  body: typeof body === 'string' ? body : new Uint8Array(body),
})

/** A job of a lab, with its files where nobody serves them. */
const nearby = (job: string): string => job.replace(/https?:\/\/[^/\s"]+/g, 'http://127.0.0.1:9')

/** Nothing is left of a job that was refused. */
const filesOf = (agent: TestAgent): number => agent.boot.metrics().artifacts

t.test('a form brings the job and its files, in any order', async t => {
  const agent = await startAgent(t)
  const parts = [['ramdisk', RAMDISK] as const, ['job', JSON.stringify(JOB)] as const, ['kernel', KERNEL] as const]
  const { status, body } = await agent.json<JobView>('/v1/jobs', form(parts))
  t.equal(status, 201)
  t.equal((await statesOf(agent.boot, body.id)).at(-1), 'planned')
  t.match(agent.boot.get(body.id).artifacts, [
    { role: 'kernel', received: KERNEL.length, sha256: sha256(KERNEL) },
    { role: 'ramdisk', received: RAMDISK.length, sha256: sha256(RAMDISK) },
  ])
  t.equal(filesOf(agent), 0, 'its files go with the job')
})

t.test('the part job may be a file too, and may say more of the files', async t => {
  const agent = await startAgent(t)
  const job = { ...JOB, kernel: { sha256: '0'.repeat(64) } }
  const parts = [['kernel', KERNEL] as const, ['job', Buffer.from(JSON.stringify(job))] as const]
  const { body } = await agent.json<JobView>('/v1/jobs', form(parts))
  await statesOf(agent.boot, body.id)
  t.match(agent.boot.get(body.id).error, { code: 'VERIFY_SHA256' })
})

t.test('overlays of a form are those of the job, in their order', async t => {
  const agent = await startAgent(t)
  const overlays = [Buffer.from('first'), Buffer.from('second, longer')]
  const parts = [
    ['job', JSON.stringify(JOB)] as const,
    ['kernel', KERNEL] as const,
    ...overlays.map(overlay => ['overlay', overlay] as const),
  ]
  const { body } = await agent.json<JobView>('/v1/jobs', form(parts))
  await statesOf(agent.boot, body.id)
  const sizes = agent.boot.get(body.id).artifacts.filter(({ role }) => role.startsWith('overlay'))
  t.match(sizes, [
    { role: 'overlay0', received: 5 },
    { role: 'overlay1', received: 14 },
  ])
})

t.test('a form that is wrong is refused with its part, and nothing of it is kept', async t => {
  const agent = await startAgent(t, { http: { jobBodyLimit: 200 } })
  const kernel = ['kernel', KERNEL] as const
  const job = ['job', JSON.stringify(JOB)] as const
  const forms = {
    'part "job" is missing': [kernel],
    'part "job" is there twice': [job, kernel, job],
    'part "job" is not JSON': [['job', '{'] as const, kernel],
    'part "job" is too long: see the setting jobBodyLimit': [['job', 'x'.repeat(201)] as const, kernel],
    'part "kernel" is there twice': [kernel, job, kernel],
    'part "kernal" is not known; known: job, kernel, ramdisk, dtb, modules, overlay': [
      job,
      ['kernal', KERNEL] as const,
    ],
    'kernel needs a url or an artifact': [job],
    'the form has more than 100 parts': [job, ...Array.from({ length: 101 }, () => ['overlay', RAMDISK] as const)],
  }
  for (const [message, parts] of Object.entries(forms)) {
    const error = await agent.refused('/v1/jobs', form(parts))
    t.match(error, { code: 'JOB_INVALID', statusCode: 400 })
    t.match(error.message, `the job is not valid: ${message}`)
    t.equal(filesOf(agent), 0, 'nothing is kept')
  }
})

t.test('a job whose body cannot fit is refused before the first byte of it', async t => {
  const agent = await startAgent(t)
  for (const type of ['multipart/form-data; boundary=x', 'application/zip']) {
    const socket = await dial(t, agent)
    const head = `content-type: ${type}\r\ncontent-length: ${2 ** 40}`
    socket.write(`POST /v1/jobs HTTP/1.1\r\nhost: 127.0.0.1\r\n${head}\r\n\r\n`)
    const answer = await readUntil(socket, /\}$/)
    t.match(answer, /^HTTP\/1\.1 413 /)
    t.match(answer, /"code":"ARTIFACT_TOO_LARGE".*the job with its files/)
  }
})

t.test('a file of a form that is larger than memory is refused while it arrives', async t => {
  const agent = await startAgent(t, { host: { memory: async () => ({ total: 2 ** 27, available: 2 ** 26 + 1000 }) } })
  t.match(
    await agent.refused(
      '/v1/jobs',
      form([
        ['job', JSON.stringify(JOB)],
        ['kernel', KERNEL],
      ]),
    ),
    {
      code: 'ARTIFACT_TOO_LARGE',
      statusCode: 413,
    },
  )
  t.equal(filesOf(agent), 0)
})

t.test('a body that only claims to be a form is refused', async t => {
  const agent = await startAgent(t)
  const bodies = {
    'multipart/form-data': 'x',
    'multipart/form-data; boundary=b': 'no boundary at all',
    'multipart/form-data; boundary=c':
      '--c\r\ncontent-disposition: form-data; name="kernel"; filename="k"\r\n\r\ncut off',
    'multipart/form-data; boundary=d': '--d\r\ncontent-disposition: form-data; name="job"\r\n\r\n{"cut":',
    'multipart/form-data; boundary=e': '--e\r\ncontent-disposition: form-da',
    'multipart/form-data; boundary=f': '',
  }
  for (const [type, body] of Object.entries(bodies)) {
    const { statusCode, code } = await agent.refused('/v1/jobs', post(type, body))
    t.equal(statusCode, 400, type)
    t.match(code, /^(HTTP_REQUEST|JOB_INVALID|ARTIFACT_INCOMPLETE)$/, type)
    t.equal(filesOf(agent), 0)
  }
})

t.test('a client that goes away amid a form leaves nothing behind', async t => {
  const agent = await startAgent(t)
  const socket = await dial(t, agent)
  const head = 'POST /v1/jobs HTTP/1.1\r\nhost: 127.0.0.1\r\ncontent-type: multipart/form-data; boundary=b\r\n'
  const part = '--b\r\ncontent-disposition: form-data; name="kernel"; filename="k"\r\n\r\n'
  socket.write(`${head}content-length: 1000000\r\n\r\n${part}${'x'.repeat(100_000)}`)
  while (agent.boot.metrics().artifactBytes === 0) await new Promise(resolve => setImmediate(resolve))
  socket.destroy()
  while (filesOf(agent) > 0) await new Promise(resolve => setImmediate(resolve))
  t.equal((await agent.fetch('/healthz')).status, 200)
})

t.test('a bundle brings the job and its files in one ZIP', async t => {
  const agent = await startAgent(t)
  const bundle = makeZip([
    { name: 'kernel', data: KERNEL, deflate: true },
    { name: 'job.json', data: Buffer.from(JSON.stringify({ ...JOB, name: 'bundle' })) },
    { name: 'ramdisk', data: RAMDISK },
  ])
  const { status, body } = await agent.json<JobView>('/v1/jobs', post('application/zip', bundle))
  t.equal(status, 201)
  t.equal(body.name, 'bundle')
  t.equal((await statesOf(agent.boot, body.id)).at(-1), 'planned')
})

t.test('a bundle that is damaged is refused, and nothing of it is kept', async t => {
  const agent = await startAgent(t)
  const bundle = makeZip([
    { name: 'kernel', data: KERNEL, crc: 1 },
    { name: 'job.json', data: Buffer.from(JSON.stringify(JOB)) },
  ])
  t.match(await agent.refused('/v1/jobs', post('application/zip', bundle)), { code: 'FORMAT_CRC', statusCode: 422 })
  t.match(await agent.refused('/v1/jobs', post('application/zip', 'no ZIP')), { statusCode: 422 })
  t.equal(filesOf(agent), 0)
})

t.test('a LAVA job is taken as YAML, by any of its media types', async t => {
  const agent = await startAgent(t)
  const yaml = nearby(readFileSync('test/unit/agent/boot/requests/lava-a80.yaml', 'utf8'))
  for (const type of ['application/yaml', 'application/x-yaml', 'text/yaml', 'text/x-yaml; charset=utf-8']) {
    const { status, body } = await agent.json<JobView>('/v1/jobs', post(type, yaml))
    t.equal(status, 201, type)
    t.match(body.request.cmdline, /^console=ttyS0,115200n8 .*quiet/, 'the lab gives what the job leaves to it')
    t.equal((await statesOf(agent.boot, body.id)).at(-1), 'failed')
  }
})

t.test('invalid YAML, or YAML that is not a LAVA job, is refused', async t => {
  const agent = await startAgent(t)
  for (const text of ['a: [', 'just text', 'job_name: x\n', '']) {
    t.match(await agent.refused('/v1/jobs', post('application/yaml', text)), { code: 'JOB_INVALID', statusCode: 400 })
  }
})

t.test('its artifacts distinguish a KernelCI job from one of our own', async t => {
  const agent = await startAgent(t)
  const job = JSON.parse(nearby(readFileSync('test/unit/agent/boot/requests/pull-labs-a80.json', 'utf8')))
  const { status, body } = await agent.json<JobView>('/v1/jobs', asJson(job))
  t.equal(status, 201)
  t.match(body.request.kernel, { url: /^https?:/ })
  t.match(body.request.cmdline, /^console=ttyS0/)
  t.equal((await statesOf(agent.boot, body.id)).at(-1), 'failed')
})

t.test('invalid JSON, or JSON that is not a job, is refused with the reason', async t => {
  const agent = await startAgent(t)
  const bodies = {
    '{"kernel":': 'the job is not valid: the body is not JSON: ',
    '': 'the job is not valid: the body is not JSON: ',
    '[]': 'the job is not valid: the job must be an object, found a list',
    '{"kernel":"http://a/b"}': 'the job is not valid: cmdline must be a text, found nothing',
    '{"kernel":"http://a/b","cmdline":"","__proto__":{}}': 'the job is not valid: __proto__ is not known here',
    '{"kernel":{"artifact":"none"},"cmdline":""}': 'there is no artifact none',
  }
  for (const [body, message] of Object.entries(bodies)) {
    const error = await agent.refused('/v1/jobs', post('application/json', body))
    t.ok(error.message.startsWith(message), error.message)
  }
})

t.test('a job of another media type is refused with those that are known', async t => {
  const agent = await startAgent(t)
  const known = /supported: application\/json, application\/yaml, .*multipart\/form-data, application\/zip$/
  for (const type of ['text/plain', 'application/x-tar', 'nonsense']) {
    const error = await agent.refused('/v1/jobs', post(type, 'x'))
    t.match(error, { code: 'JOB_MEDIA_TYPE', statusCode: 415, message: known, details: { found: type } })
  }
})

t.test('a body is refused where a request takes none', async t => {
  const agent = await startAgent(t)
  const init = { method: 'DELETE', headers: { 'content-type': 'nonsense' }, body: 'x' }
  t.match(await agent.refused('/v1/jobs/none', init), {
    code: 'HTTP_REQUEST',
    message: /DELETE takes no nonsense here/,
  })
})

t.test('a job without a body is refused', async t => {
  const agent = await startAgent(t)
  t.match(await agent.refused('/v1/jobs', { method: 'POST' }), { code: 'JOB_INVALID', message: /the body is empty/ })
})

t.test('a description that is too long is refused, whether its length is announced or not', async t => {
  const agent = await startAgent(t, { http: { jobBodyLimit: 1000 } })
  const long = JSON.stringify({ kernel: 'http://a/b', cmdline: 'x'.repeat(2000) })
  const error = await agent.refused('/v1/jobs', post('application/json', long))
  t.match(error, { code: 'ARTIFACT_TOO_LARGE', statusCode: 413, details: { limit: 1000, size: String(long.length) } })
  const socket = await dial(t, agent)
  const chunk = `${long.length.toString(16)}\r\n${long}\r\n`
  socket.write(
    `POST /v1/jobs HTTP/1.1\r\nhost: 127.0.0.1\r\ncontent-type: application/json\r\ntransfer-encoding: chunked\r\n\r\n${chunk}`,
  )
  const answer = await readUntil(socket, /\r\n\r\n[\s\S]*\}$/)
  t.match(answer, /^HTTP\/1\.1 413 /)
  t.match(answer, '"code":"ARTIFACT_TOO_LARGE"')
})
