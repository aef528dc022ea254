/** The console's log into KernelCI's storage: kernelci-storage, `POST /v1/file`, as `multipart/form-data` (RFC 7578). */

import { randomBytes } from 'node:crypto'
import { Readable } from 'node:stream'
import { fault } from '../../agent/errors.js'
import { fileChunks, measureFile } from '../client/local-file.js'
import { readToken } from '../client/token-file.js'
import { answerOf } from './kernelci-api.js'
import type { PullConfig } from './pull-config.js'

const FILE_NAME = 'console.log'
const CRLF = '\r\n'

/**
 * Upload a log.
 *
 * @param logFile the log
 * @param nodeId names the folder in the storage
 * @returns the URL by which it can be read
 * @throws CLI_FILE for the log or the token, PULL_API when the storage refuses it, FETCH_NETWORK, the signal's reason
 */
export async function uploadLog(
  storage: NonNullable<PullConfig['storage']>,
  logFile: string,
  nodeId: string,
  { idleSeconds, signal }: { readonly idleSeconds: number; readonly signal?: AbortSignal },
): Promise<string> {
  const { size } = await measureFile(logFile, signal)
  const folder = `${storage.path}/${nodeId}`
  const boundary = `fauxboot-${randomBytes(16).toString('hex')}`
  const head = Buffer.from(
    [
      `--${boundary}`,
      'Content-Disposition: form-data; name="path"',
      '',
      folder,
      `--${boundary}`,
      `Content-Disposition: form-data; name="file0"; filename="${FILE_NAME}"`,
      'Content-Type: text/plain; charset=utf-8',
      '',
      '',
    ].join(CRLF),
  )
  const tail = Buffer.from(`${CRLF}--${boundary}--${CRLF}`)
  const url = new URL('v1/file', `${storage.url}/`)
  const body = Readable.from(parts(head, logFile, size, tail))
  try {
    const { status, text } = await answerOf({
      method: 'POST',
      url,
      headers: {
        authorization: `Bearer ${await readToken(storage.tokenFile)}`,
        'content-type': `multipart/form-data; boundary=${boundary}`,
        'content-length': String(head.length + size + tail.length),
      },
      body,
      idleSeconds,
      signal,
    })
    if (status < 200 || status >= 300) {
      throw fault('PULL_API', { url: url.href, status, reason: text.slice(0, 300) })
    }
  } finally {
    body.destroy()
  }
  return `${storage.publicUrl}/${folder}/${FILE_NAME}`
}

/** The form; of the file as many bytes as were measured, for that many were announced. */
async function* parts(head: Buffer, file: string, size: number, tail: Buffer): AsyncGenerator<Uint8Array> {
  yield head
  let rest = size
  for await (const chunk of fileChunks(file, 0)) {
    yield chunk.subarray(0, rest)
    rest -= Math.min(rest, chunk.length)
    if (rest === 0) break
  }
  yield tail
}
