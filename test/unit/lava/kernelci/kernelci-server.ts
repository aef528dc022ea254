/**
 * KernelCI's API, its storage and a file server, as small as a pull lab sees them: the requests that kernelci-api and
 * kernelci-storage document, with their checks, and with faults when a test wants them.
 */

import type { AddressInfo } from 'node:net'
import { Busboy } from '@fastify/busboy'
import { type FastifyInstance, type FastifyReply, type FastifyRequest, fastify } from 'fastify'
import type { Test } from 'tap'

export type Document = Record<string, unknown>

/** What goes wrong with a request: an answer in place of the real one, no answer at all, or a connection that is cut. */
export type Fault = { readonly status: number; readonly body: string } | 'silence' | 'cut'

/** kernelci-core, `validate_node_state_transition`; the same state is always fine. `prepared` is under discussion there. */
const TRANSITIONS: Readonly<Record<string, readonly string[]>> = {
  running: ['available', 'closing', 'done'],
  prepared: ['closing', 'done'],
  available: ['closing', 'done'],
  closing: ['done'],
  done: [],
}

const SIX_HOURS_MS = 6 * 3600_000
const apiTime = (milliseconds: number): string => new Date(milliseconds).toISOString().replace('Z', '000')

/** What the model makes of fields that a body leaves out (kernelci-core, `Node`). */
const modelDefaults = (): Document => ({
  ...{ kind: 'node', group: null, parent: null, state: 'running', result: null, artifacts: null, data: null },
  ...{ debug: null, jobfilter: null, platform_filter: [], holdoff: null, owner: null, submitter: null, treeid: null },
  ...{ user_groups: [], processed_by_kcidb_bridge: false, retry_counter: 0 },
  ...{ created: apiTime(Date.now()), updated: apiTime(Date.now()), timeout: apiTime(Date.now() + SIX_HOURS_MS) },
})

/** Fields that a PUT never changes: kernelci-api, `put_node`. */
const KEPT = ['id', '_id', 'owner', 'submitter', 'user_groups']

/** Fields that a PATCH may hold: kernelci-api, `patch_node`. */
const PATCHABLE = [
  ...['state', 'result', 'artifacts', 'data', 'debug', 'jobfilter', 'platform_filter', 'timeout', 'holdoff'],
  'processed_by_kcidb_bridge',
]

export const TOKEN = 'api-token'
export const STORAGE_TOKEN = 'storage-token'
export const CALLBACK_TOKEN = 'callback-token'

export class KernelciServer {
  readonly nodes = new Map<string, Document>()
  /** what was added below nodes */
  readonly children: Document[] = []
  /** of the storage: path and content */
  readonly stored = new Map<string, string>()
  /** bodies that the receiver of LAVA's callbacks took */
  readonly callbacks: Document[] = []
  /** of the file server */
  readonly files = new Map<string, Uint8Array | string>()
  /** every request, `METHOD /path` without the query */
  readonly requests: string[] = []
  /** asked before each request, with how many there were of it; what it returns happens instead */
  fault: (request: string, count: number) => Fault | null = () => null
  /** what `PATCH /node/ID` answers on a server that is too old to have it; null: it has it */
  withoutPatch: 404 | 405 | null = null
  /** of the token */
  user: Document = {
    username: 'fauxboot',
    is_superuser: false,
    groups: [{ name: 'runtime:pull-lab-test:node-editor' }],
  }
  /** called after a node was changed by a request */
  onChange: (id: string, node: Document) => void = () => undefined
  readonly #events: Document[] = []
  readonly #app: FastifyInstance
  readonly #counts = new Map<string, number>()
  #time = Date.now() - 3600_000

  private constructor(app: FastifyInstance) {
    this.#app = app
  }

  /** Serve on loopback until the test ends. */
  static async start(t: Test): Promise<KernelciServer> {
    const app = fastify({ bodyLimit: 16 * 1024 * 1024, forceCloseConnections: true })
    const server = new KernelciServer(app)
    server.#define()
    await app.listen({ host: '127.0.0.1', port: 0 })
    t.teardown(() => app.close())
    return server
  }

  get url(): string {
    const { port } = this.#app.server.address() as AddressInfo
    return `http://127.0.0.1:${port}`
  }

  get api(): string {
    return `${this.url}/latest`
  }

  /** Serve a file. @returns its URL */
  serve(name: string, content: Uint8Array | string): string {
    this.files.set(name, content)
    return `${this.url}/files/${name}`
  }

  /** A job that has become available, and the event that says so. */
  addJob(id: string, definition: object | string, data: Document = {}, fields: Document = {}): void {
    const text = typeof definition === 'string' ? definition : JSON.stringify(definition)
    this.nodes.set('kbuild1', { id: 'kbuild1', kind: 'kbuild', name: 'kbuild-gcc-14-arm', state: 'done', parent: null })
    this.nodes.set(id, {
      id,
      kind: 'job',
      name: 'baseline-arm-pull',
      path: ['checkout', 'kbuild-gcc-14-arm', 'baseline-arm-pull'],
      group: 'baseline-arm-pull',
      parent: 'kbuild1',
      state: 'available',
      result: null,
      artifacts: { job_definition: this.serve(`${id}.${isJson(text) ? 'json' : 'yaml'}`, text) },
      data: { runtime: 'pull-lab-test', platform: 'test-board', arch: 'arm', job_id: null, ...data },
      debug: { scheduled_by: 'pipeline' },
      jobfilter: ['baseline-arm-pull'],
      platform_filter: ['test-board'],
      created: '2026-11-23T09:00:00.000000',
      updated: '2026-11-23T09:01:00.000000',
      timeout: '2026-11-23T15:00:00.000000',
      holdoff: '2026-11-23T09:30:00.000000',
      treeid: 'tree',
      owner: 'pipeline',
      submitter: 'service:pipeline',
      user_groups: ['runtime:pull-lab-test:node-editor'],
      retry_counter: 2,
      processed_by_kcidb_bridge: false,
      ...fields,
    })
    this.#publish(id)
  }

  /** Tell of the state of a node. */
  #publish(id: string): void {
    this.#time += 1000
    const { kind, state } = this.node(id)
    this.#events.push({ id: `event-${this.#time}`, timestamp: apiTime(this.#time), data: { id, kind, state } })
  }

  node(id: string): Document {
    return this.nodes.get(id) ?? {}
  }

  /** `data` of a node. */
  data(id: string): Document {
    return this.node(id).data as Document
  }

  /** Change a node behind the lab's back. */
  change(id: string, fields: Document): void {
    this.nodes.set(id, { ...this.node(id), ...fields })
  }

  /** How many requests there were of one kind. */
  countOf(request: string): number {
    return this.#counts.get(request) ?? 0
  }

  #define(): void {
    const app = this.#app
    app.addContentTypeParser('multipart/form-data', (_request, payload, done) => done(null, payload))
    app.addHook('onRequest', async (request, reply) => this.#before(request, reply))
    app.get('/latest/events', async request => this.#listEvents(request.query as Record<string, string>))
    app.get<{ Params: { id: string } }>('/latest/node/:id', async ({ params }, reply) => {
      return this.nodes.get(params.id) ?? reply.code(404).send({ detail: 'Node not found' })
    })
    app.put<{ Params: { id: string }; Body: Document }>('/latest/node/:id', async ({ params, body }, reply) => {
      return this.#replace(params.id, body, reply)
    })
    app.patch<{ Params: { id: string }; Body: Document }>('/latest/node/:id', async ({ params, body }, reply) => {
      return this.#patch(params.id, body, reply)
    })
    app.post<{ Body: Document }>('/latest/node', async ({ body }, reply) => {
      if (!this.nodes.has(String(body.parent))) return reply.code(404).send({ detail: 'Parent not found' })
      const child = { ...modelDefaults(), ...body, owner: this.user.username }
      this.children.push(child)
      return child
    })
    app.get<{ Querystring: Record<string, string> }>('/latest/nodes', async ({ query }) => {
      const { parent, kind, limit = '50', offset = '0' } = query
      const items = this.children.filter(child => child.parent === parent && child.kind === kind)
      return { items: items.slice(Number(offset), Number(offset) + Number(limit)), total: items.length }
    })
    app.get('/latest/whoami', async () => this.user)
    app.post<{ Params: { id: string }; Body: Document }>('/callback/node/:id', async (request, reply) => {
      if (request.headers.authorization !== CALLBACK_TOKEN) return reply.code(401).send({ message: 'Unauthorized' })
      this.callbacks.push(request.body)
      return reply.code(202).send({ message: 'OK' })
    })
    app.post('/storage/v1/file', async (request, reply) => this.#store(request, reply))
    app.get<{ Params: { '*': string } }>('/files/*', async (request, reply) => this.#sendFile(request, reply))
  }

  async #before(request: FastifyRequest, reply: FastifyReply): Promise<unknown> {
    const path = request.url.replace(/\?.*/, '')
    const line = `${request.method} ${path}`
    const count = this.countOf(line) + 1
    this.#counts.set(line, count)
    this.requests.push(line)
    const fault = this.fault(line, count)
    if (fault === 'cut') request.raw.socket.destroy()
    if (fault === 'silence' || fault === 'cut') return reply.hijack()
    if (fault !== null) return reply.code(fault.status).type('application/json').send(fault.body)
    const token = path.startsWith('/latest') ? TOKEN : path.startsWith('/storage') ? STORAGE_TOKEN : null
    if (token === null || request.headers.authorization === `Bearer ${token}`) return undefined
    return reply.code(401).send({ detail: 'Unauthorized' })
  }

  #listEvents({ from = '', kind, state, limit = '100' }: Record<string, string>): Document[] {
    const matches = this.#events.filter(({ timestamp, data }) => {
      const { kind: kindOf, state: stateOf } = data as Document
      return String(timestamp) > from && kindOf === kind && stateOf === state
    })
    // With `recursive`, each event has its node as it is now.
    return matches
      .slice(0, Number(limit))
      .map(event => ({ ...event, node: this.node(String((event.data as Document).id)) }))
  }

  #replace(id: string, body: Document, reply: FastifyReply): unknown {
    if (body.name === undefined || body.path === undefined) {
      return reply.code(422).send({ detail: [{ loc: ['body', 'name'], msg: 'Field required' }] })
    }
    const document = Object.entries({ ...modelDefaults(), ...body }).filter(([field]) => !KEPT.includes(field))
    return this.#write(id, Object.fromEntries(document), reply)
  }

  #patch(id: string, body: Document, reply: FastifyReply): unknown {
    if (this.withoutPatch !== null) return reply.code(this.withoutPatch).send({ detail: 'Method Not Allowed' })
    const other = Object.keys(body).find(field => !PATCHABLE.includes(field))
    if (other !== undefined) return reply.code(422).send({ detail: [{ loc: ['body', other] }] })
    if (Object.keys(body).length === 0) return reply.code(400).send({ detail: 'No fields to update' })
    return this.#write(id, body, reply)
  }

  /** Each field replaces the stored one whole: `data` and `artifacts` are not merged. */
  #write(id: string, fields: Document, reply: FastifyReply): unknown {
    const node = this.nodes.get(id)
    if (node === undefined) return reply.code(404).send({ detail: `Node not found with id: ${id}` })
    const state = String(fields.state ?? node.state)
    if (state !== node.state && !TRANSITIONS[String(node.state)]?.includes(state)) {
      return reply.code(400).send({ detail: `Transition not allowed with state: ${state}` })
    }
    const flag = fields.processed_by_kcidb_bridge ?? node.processed_by_kcidb_bridge
    const processed = flag !== node.processed_by_kcidb_bridge && flag
    this.nodes.set(id, { ...node, ...fields, processed_by_kcidb_bridge: processed, updated: apiTime(Date.now()) })
    this.#publish(id)
    this.onChange(id, this.node(id))
    return this.node(id)
  }

  async #store(request: FastifyRequest, reply: FastifyReply): Promise<unknown> {
    const form = new Busboy({ headers: { ...request.headers, 'content-type': request.headers['content-type'] ?? '' } })
    let folder = ''
    const files = new Map<string, Promise<string>>()
    form.on('field', (name, value) => {
      if (name === 'path') folder = String(value)
    })
    form.on('file', (name, stream, fileName) => {
      if (name === 'file0') files.set(fileName, textOf(stream))
      else stream.resume()
    })
    const parsed = new Promise((resolve, reject) => form.on('finish', resolve).on('error', reject))
    ;(request.body as NodeJS.ReadableStream).pipe(form)
    await parsed
    for (const [name, content] of files) this.stored.set(`${folder}/${name}`, await content)
    return reply.send('OK')
  }

  #sendFile(request: FastifyRequest<{ Params: { '*': string } }>, reply: FastifyReply): unknown {
    const content = this.files.get(request.params['*'])
    if (content === undefined) return reply.code(404).send('no such file')
    const bytes = Buffer.from(content)
    const etag = `"${bytes.length}-${bytes[0]}"`
    reply.header('etag', etag).type('application/octet-stream')
    const start = Number(/^bytes=(\d+)-$/.exec(request.headers.range ?? '')?.[1] ?? 0)
    if (start === 0 || request.headers['if-range'] !== etag) return reply.send(bytes)
    const range = `bytes ${start}-${bytes.length - 1}/${bytes.length}`
    return reply.code(206).header('content-range', range).send(bytes.subarray(start))
  }
}

/** A text that only begins as JSON is a broken one. */
const isJson = (text: string): boolean => text.startsWith('{')

async function textOf(stream: AsyncIterable<unknown>): Promise<string> {
  const chunks: Buffer[] = []
  for await (const chunk of stream) chunks.push(chunk as Buffer)
  return Buffer.concat(chunks).toString('utf8')
}
