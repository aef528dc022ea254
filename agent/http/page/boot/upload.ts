/** Sends a job with its files in one request, and tells how far it is. */

import type { JobView } from '../../../boot/jobs/job.js'
import { detectCompression } from '../../../image/compression/compression.js'
import { type Api, ApiError, errorOf } from '../api/api.js'
import type { BootFile } from './boot-files.js'

/** A file is packed when this much of it, or all, shrinks to this share: the network is slower than the board unpacks. */
const SAMPLE = 512 * 1024
const WORTH = 0.75

export interface JobFields {
  readonly name: string
  readonly cmdline: string
  readonly options: { readonly earlycon?: true; readonly force: boolean; readonly queue: boolean }
}

/** What is sent: a form with files, a bundle, or the description of a job. */
export type Submission = { readonly body: XMLHttpRequestBodyInit; readonly type: string | null }

/** A form of a job and its files; files that shrink are packed. */
export async function formOf(fields: JobFields, files: readonly BootFile[]): Promise<Submission> {
  const packed = await Promise.all(files.map(async file => ({ file, bytes: await packIfWorth(file.bytes) })))
  const reference = (bytes: Uint8Array | null) => (bytes === null ? {} : { compression: 'gzip' })
  const of = packed.filter(({ file }) => file.role !== 'overlay')
  const overlays = packed.filter(({ file }) => file.role === 'overlay')
  const { name, ...others } = fields
  const job = {
    ...others,
    ...(name === '' ? {} : { name }),
    ...Object.fromEntries(of.map(({ file, bytes }) => [file.role, reference(bytes)])),
    ...(overlays.length === 0 ? {} : { overlays: overlays.map(({ bytes }) => reference(bytes)) }),
  }
  const form = new FormData()
  form.append('job', JSON.stringify(job))
  for (const { file, bytes } of packed)
    form.append(file.role, new Blob([new Uint8Array(bytes ?? file.bytes)]), file.name)
  return { body: form, type: null }
}

/** The bytes packed; null if that is not worth it. */
async function packIfWorth(bytes: Uint8Array): Promise<Uint8Array | null> {
  if (detectCompression(bytes) !== null) return null
  const sample = bytes.subarray(0, SAMPLE)
  const packed = await gzip(sample)
  if (packed.length > sample.length * WORTH) return null
  return sample.length === bytes.length ? packed : gzip(bytes)
}

async function gzip(bytes: Uint8Array): Promise<Uint8Array> {
  const stream = new Blob([new Uint8Array(bytes)]).stream().pipeThrough(new CompressionStream('gzip'))
  return new Uint8Array(await new Response(stream).arrayBuffer())
}

/**
 * Whether this user may send jobs: asked with a few bytes, so that no file is sent in vain.
 *
 * @throws ApiError AUTH_*
 */
export async function checkMaySend(api: Api): Promise<void> {
  const headers = { 'content-type': 'application/json' }
  try {
    await api.withToken(() => api.fetch('/v1/jobs?dryRun=true', { method: 'POST', headers, body: '{}' }))
  } catch (thrown) {
    // An empty job is refused for what it lacks, once its sender may send jobs.
    if (!(thrown instanceof ApiError) || thrown.code !== 'JOB_INVALID') throw thrown
  }
}

/**
 * Send a job.
 *
 * @param progress is told the bytes that are sent, and all of them
 * @param signal ends the upload
 * @throws ApiError; the reason of the signal
 */
export function send(
  api: Api,
  { body, type }: Submission,
  options: {
    readonly dryRun: boolean
    readonly signal: AbortSignal
    readonly progress: (sent: number, all: number) => void
  },
): Promise<JobView> {
  return new Promise((resolve, reject) => {
    const request = new XMLHttpRequest()
    request.open('POST', options.dryRun ? '/v1/jobs?dryRun=true' : '/v1/jobs')
    for (const [name, value] of Object.entries(api.headers)) request.setRequestHeader(name, value)
    if (type !== null) request.setRequestHeader('content-type', type)
    request.upload.onprogress = ({ loaded, total }) => options.progress(loaded, total)
    request.onload = () => {
      if (request.status === 201) resolve(JSON.parse(request.responseText) as JobView)
      else reject(errorOf(request.status, request.responseText))
    }
    request.onerror = () => reject(new ApiError('the connection to the board broke during the upload', 'NO_ANSWER', 0))
    request.onabort = () => reject(options.signal.reason)
    options.signal.addEventListener('abort', () => request.abort(), { once: true })
    request.send(body)
  })
}
