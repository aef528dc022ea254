/**
 * Fetches a file from itself, in a network namespace of its own (`unshare --net`), whose only link goes down in mid-body and
 * comes back at the third further attempt. Prints what came, and why it was tried again.
 */

import { execFileSync } from 'node:child_process'
import { once } from 'node:events'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { networkInterfaces } from 'node:os'
import { fetchHttp } from '../../../../../agent/transfer/http/fetch.js'
import { inTurn, MemorySink, sha256, wholeFile } from '../fixture.js'
import { AT_ONCE, FILE } from './http-fixture.js'

const ETAG = { etag: '"v1"' }

const link = (state: 'up' | 'down'): unknown => execFileSync('ip', ['link', 'set', 'lo', state])

// A machine's own loopback must stay up.
if (Object.keys(networkInterfaces()).length > 0) throw new Error('this is no network of its own')
link('up')
const server = createServer(
  inTurn(
    (_request, response) => {
      response.writeHead(200, { 'content-length': FILE.length, ...ETAG })
      response.write(FILE.subarray(0, 100_000))
    },
    wholeFile(FILE, ETAG),
  ),
)
await once(server.listen(0, '127.0.0.1'), 'listening')
const { port } = server.address() as AddressInfo
const sink = new MemorySink()
const codes: string[] = []
let isDown = false
const { sha256: digest } = await fetchHttp(`http://127.0.0.1:${port}/`, sink, {
  ...AT_ONCE,
  stallSeconds: 0.2,
  onProgress(received) {
    if (isDown || received < 100_000) return
    isDown = true
    link('down')
  },
  onRetry(attempt, error) {
    codes.push(error.code)
    if (attempt === 3) link('up')
  },
})
process.stdout.write(JSON.stringify({ digest, whole: sha256(sink.bytes), resets: sink.resets, codes }))
process.exit(0)
