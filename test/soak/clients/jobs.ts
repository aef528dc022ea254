/** Jobs with the token: good ones, bad ones, and one that takes its time, which the event streams follow. */

import { readdirSync, readFileSync } from 'node:fs'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import { setTimeout as pause } from 'node:timers/promises'
import { gzipSync } from 'node:zlib'
import { pack } from 'tar-stream'
import type { JobView } from '../../../agent/boot/jobs/job.js'
import type { ErrorJson } from '../../../agent/errors.js'
import { isFinal } from '../../../lava/client/board-client.js'
import { cpio, zImage } from '../../unit/agent/kexec/images.js'
import { treeFile } from '../../unit/agent/kexec/trees.js'
import { HOST } from '../addresses.js'
import type { Client } from '../client.js'
import { ask } from '../token-holder.js'

const CORPUS = 'test/fuzz/corpus'
const MIB = 2 ** 20
/** Milliseconds for one job, on a machine that is busy. */
const PATIENCE_MS = 300_000

const KERNEL = zImage()
const RAMDISK = cpio(MIB)
const DTB = treeFile({ memory: [[0x4000_0000, 0x4000_0000]], compatible: ['fauxboot,soak'], model: 'soak', chosen: {} })

interface Body {
  readonly type: string
  readonly body: Uint8Array
}

const FILES = { kernel: KERNEL, ramdisk: RAMDISK, dtb: DTB }

async function form(files: Readonly<Record<string, Uint8Array>>, job: object = {}): Promise<Body> {
  const fields = new FormData()
  const options = { dryRun: true, queue: true }
  fields.set('job', JSON.stringify({ cmdline: 'console=ttyS0,115200n8', options, ...job }))
  for (const [name, bytes] of Object.entries(files)) fields.set(name, new Blob([new Uint8Array(bytes)]), name)
  const encoded = new Response(fields)
  return { type: encoded.headers.get('content-type') ?? '', body: new Uint8Array(await encoded.arrayBuffer()) }
}

/** A small archive with one large member. */
async function bomb(bytes: number): Promise<Uint8Array> {
  const archive = pack()
  archive.entry({ name: 'lib/modules/6.12.0/kernel/bomb.ko' }, Buffer.alloc(bytes))
  archive.finalize()
  const chunks: Buffer[] = []
  for await (const chunk of archive) chunks.push(chunk as Buffer)
  return gzipSync(Buffer.concat(chunks), { level: 1 })
}

const corpus = (target: string): Uint8Array[] =>
  readdirSync(join(CORPUS, target)).map(file => readFileSync(join(CORPUS, target, file)))

/** Every one must be refused, or fail as a job. */
async function badJobs(): Promise<Body[]> {
  const large = await bomb(128 * MIB)
  const text = (type: string, body: string): Body => ({ type, body: Buffer.from(body) })
  return [
    ...corpus('lava-job').map(body => ({ type: 'application/yaml', body })),
    ...(await Promise.all(corpus('dtb-to-picture').map(dtb => form({ ...FILES, dtb })))),
    await form({ ...FILES, kernel: Buffer.alloc(MIB, 'no kernel') }),
    await form({ ...FILES, modules: large.subarray(0, large.length / 2) }),
    // It is allowed to load, which this agent cannot do.
    await form(FILES, { options: { queue: true } }),
    text('application/json', `{"kernel":${'['.repeat(100_000)}`),
    text(
      'application/json',
      JSON.stringify({ kernel: { url: 'http://127.0.0.1:1/' }, options: { dryRun: true, queue: true } }),
    ),
    text('application/zip', 'PK\x03\x04 no archive'),
    text(
      'multipart/form-data; boundary=x',
      '--x\r\ncontent-disposition: form-data; name="kernel"; filename="k"\r\n\r\nhalf',
    ),
  ]
}

const bad = badJobs()
const good = Promise.all([form(FILES), bomb(16 * MIB).then(modules => form({ ...FILES, modules }))])

let newest = 'none'

/** @returns the id of the job that was submitted last */
export const newestJob = (): string => newest

/** Submit a job and wait for its end. @returns its state, or the answer that refused it */
async function submit({ type, body }: Body): Promise<{ state: string; error: ErrorJson | null }> {
  const answer = await ask({ method: 'POST', path: '/v1/jobs', type, body })
  if (answer.status !== 201) return { state: String(answer.status), error: JSON.parse(answer.text) as ErrorJson }
  const { id } = JSON.parse(answer.text) as JobView
  newest = id
  const end = performance.now() + PATIENCE_MS
  while (performance.now() < end) {
    await pause(500)
    const { status, text } = await ask({ method: 'GET', path: `/v1/jobs/${id}` })
    const { state, error } = JSON.parse(text) as JobView
    if (status === 200 && isFinal(state)) return { state, error }
  }
  return { state: `unfinished after ${PATIENCE_MS / 1000} s`, error: null }
}

/** Serves a kernel, 32 KiB every 100 ms; for as long as the process runs. */
const slowServer = new Promise<number>(resolve => {
  const server = createServer(async (_, response) => {
    response.writeHead(200, { 'content-length': KERNEL.length })
    for (let at = 0; at < KERNEL.length && response.writable; at += 32 * 1024) {
      response.write(KERNEL.subarray(at, at + 32 * 1024))
      await pause(100)
    }
    response.end()
  }).listen(0, HOST, () => resolve((server.address() as AddressInfo).port))
})

const pick = <T>(items: readonly T[]): T | undefined => items[Math.floor(Math.random() * items.length)]

/** The queue may be full. */
const mayWait = (error: ErrorJson | null): boolean => error?.statusCode === 409 || error?.statusCode === 429

async function planned(body: Body | undefined): Promise<string | null> {
  if (body === undefined) return null
  const { state, error } = await submit(body)
  return state === 'planned' || mayWait(error) ? null : `a good job ended as ${state}: ${error?.message}`
}

export const jobs: readonly Client[] = [
  { name: 'good jobs', count: 1, rest: 2, act: async () => planned(pick(await good)) },
  {
    name: 'slow jobs',
    count: 1,
    rest: 2,
    async act() {
      const kernel = { url: `http://${HOST}:${await slowServer}/kernel` }
      return planned(await form({ ramdisk: RAMDISK, dtb: DTB }, { kernel }))
    },
  },
  {
    name: 'bad jobs',
    count: 1,
    rest: 1,
    async act() {
      const body = pick(await bad)
      if (body === undefined) return null
      const { state, error } = await submit(body)
      if (error === null) return `a bad job ended as ${state}: ${Buffer.from(body.body.subarray(0, 200))}`
      return error.code === 'INTERNAL' ? `a bad job: ${error.message}` : null
    },
  },
]
