/** The API over a real socket, on a board that is not there. */

import { once } from 'node:events'
import { createServer as createHttpServer } from 'node:http'
import { type AddressInfo, connect, type Socket } from 'node:net'
import type { FastifyInstance } from 'fastify'
import { pino } from 'pino'
import type { Test } from 'tap'
import type { TSchema } from 'typebox'
import { Check, Errors } from 'typebox/value'
import type { FirstStage } from '../../../../agent/boot/card/first-stage.js'
import type { JobView } from '../../../../agent/boot/jobs/job.js'
import type { ErrorJson } from '../../../../agent/errors.js'
import type { HttpConfig } from '../../../../agent/http/http-config.js'
import { createServer } from '../../../../agent/http/server.js'
import type { SharedConsole } from '../../../../agent/http/shared-console.js'
import { type BoardChanges, openBoard, type TestBoard } from '../boot/board-fixture.js'
import { zImage } from '../kexec/images.js'

export const KERNEL = zImage()
export const CMDLINE = 'console=ttyAMA0'

export interface TestAgent extends TestBoard {
  readonly server: FastifyInstance
  readonly url: string
  readonly port: number
  /** what was logged, as objects */
  readonly lines: Readonly<Record<string, unknown>>[]
  /** a request and its answer; the body is not read */
  fetch(path: string, init?: RequestInit): Promise<Response>
  /** a request whose answer is JSON */
  json<T>(path: string, init?: RequestInit): Promise<{ status: number; headers: Headers; body: T }>
  /** a request that is refused */
  refused(path: string, init?: RequestInit): Promise<ErrorJson>
}

export interface AgentChanges extends BoardChanges {
  readonly http?: Partial<HttpConfig>
  /** of the page's files; default: there is no page */
  readonly pageDirectory?: string
  /** the serial line of U-Boot; default: there is none */
  readonly console?: () => SharedConsole | null
  /** what the board starts from; default: the API has no updates */
  readonly firstStage?: (boot: TestBoard['boot']) => FirstStage
  /** default: one that is free */
  readonly port?: number
}

/** Start an agent that ends with the test. */
export async function startAgent(t: Test, changes: AgentChanges = {}): Promise<TestAgent> {
  const board = await openBoard(t, changes)
  const config: HttpConfig = {
    tokenFile: null,
    tokenForReads: false,
    allowNetworks: [],
    hostNames: [],
    maxConnections: 100,
    idleSeconds: 30,
    headSeconds: 30,
    heartbeatSeconds: 30,
    jobBodyLimit: 64 * 1024,
    lab: { console: 'ttyS0,115200n8', kernelArgs: 'quiet' },
    ...changes.http,
  }
  const lines: Readonly<Record<string, unknown>>[] = []
  const log = pino({ level: 'debug' }, { write: (line: string) => lines.push(JSON.parse(line)) })
  const { pageDirectory, console } = changes
  const firstStage = changes.firstStage?.(board.boot)
  const server = createServer(board.boot, config, { log, version: '1.2.3', pageDirectory, console, firstStage })
  const url = await server.listen({ host: '127.0.0.1', port: changes.port ?? 0 })
  t.teardown(() => server.close())
  const request = (path: string, init?: RequestInit) => fetch(`${url}${path}`, init)
  return {
    ...board,
    server,
    url,
    port: Number(new URL(url).port),
    lines,
    fetch: request,
    async json<T>(path: string, init?: RequestInit) {
      const { status, headers, ...answer } = await answered(request(path, init))
      return { status, headers, body: answer.body as T }
    },
    async refused(path, init) {
      const { status, body } = await answered(request(path, init))
      const error = body as ErrorJson
      if (status < 400) throw new Error(`expected an error, got ${status}: ${JSON.stringify(body)}`)
      if (error.statusCode !== status) throw new Error(`status ${status}, but the body says ${JSON.stringify(error)}`)
      return error
    },
  }
}

async function answered(response: Promise<Response>) {
  const answer = await response
  return { status: answer.status, headers: answer.headers, body: (await answer.json()) as unknown }
}

/** Fail unless a value is as its schema says. */
export function conforms(t: Test, schema: TSchema, value: unknown): void {
  t.ok(Check(schema, value), 'is as documented', { found: Errors(schema, value) })
}

/** A JSON body. */
export const asJson = (value: unknown): RequestInit => ({
  method: 'POST',
  headers: { 'content-type': 'application/json' },
  body: JSON.stringify(value),
})

/** Put a kernel on the board and submit a job that uses it. */
export async function submit(agent: TestAgent, fields: Record<string, unknown> = {}): Promise<JobView> {
  await agent.fetch('/v1/artifacts/kernel', { method: 'PUT', body: new Uint8Array(KERNEL) })
  const job = { kernel: { artifact: 'kernel' }, cmdline: CMDLINE, ...fields }
  const { body } = await agent.json<JobView>('/v1/jobs', asJson(job))
  return body
}

/** Submit a job that stays `fetching`: its kernel comes from a server that never answers. */
export async function submitStalled(t: Test, agent: TestAgent, fields: Record<string, unknown> = {}): Promise<JobView> {
  const server = createHttpServer()
  const asked = once(server, 'request')
  await once(server.listen(0, '127.0.0.1'), 'listening')
  t.teardown(() => {
    server.closeAllConnections()
    server.close()
  })
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/kernel`
  const { body } = await agent.json<JobView>('/v1/jobs', asJson({ kernel: url, cmdline: CMDLINE, ...fields }))
  await asked
  return body
}

/** A connection on which a test says every byte itself. */
export async function dial(t: Test, { port }: TestAgent): Promise<Socket> {
  const socket = connect(port, '127.0.0.1')
  t.teardown(() => socket.destroy())
  await once(socket, 'connect')
  return socket
}

/** Everything that a connection brings until it matches. */
export async function readUntil(socket: Socket, pattern: RegExp): Promise<string> {
  let text = ''
  for await (const chunk of socket.iterator({ destroyOnReturn: false })) {
    text += String(chunk)
    if (pattern.test(text)) return text
  }
  throw new Error(`the connection ended after ${JSON.stringify(text)}`)
}
