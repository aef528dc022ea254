/** A client with the token: what the agent owes an answer, whatever else goes on. */

import { type Agent, request } from 'node:http'
import { HOST, PORTS, TOKEN } from './addresses.js'

export interface TokenRequest {
  readonly method: 'GET' | 'POST' | 'PUT' | 'DELETE'
  readonly path: string
  readonly body?: Uint8Array
  /** of the body */
  readonly type?: string
  /** keeps the connection for the next request; default: a new one for each */
  readonly agent?: Agent
}

export interface TokenAnswer {
  readonly status: number
  readonly text: string
}

/** Milliseconds without a byte after which there is no answer. */
const PATIENCE_MS = 60_000

/** @throws Error when the connection is refused or cut, or nothing comes */
export function ask({ method, path, body, type, agent }: TokenRequest): Promise<TokenAnswer> {
  return new Promise((resolve, reject) => {
    const headers = {
      authorization: `Bearer ${TOKEN}`,
      ...(body !== undefined && { 'content-length': body.length, 'content-type': type ?? 'application/octet-stream' }),
    }
    const options = { host: HOST, port: PORTS.http, method, path, headers, agent: agent ?? false, timeout: PATIENCE_MS }
    const call = request(options, response => {
      let text = ''
      response.setEncoding('utf8').on('data', chunk => (text += chunk))
      response.on('error', reject)
      response.on('end', () => resolve({ status: response.statusCode ?? 0, text }))
    })
    call.on('timeout', () => call.destroy(new Error(`nothing came in ${PATIENCE_MS / 1000} s`)))
    call.on('error', reject)
    call.end(body)
  })
}
