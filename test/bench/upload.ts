/** Upload of a large file with its digest, against a download through `sha256sum`; both over loopback. */

import { execFile } from 'node:child_process'
import { once } from 'node:events'
import { createReadStream } from 'node:fs'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { createServer } from 'node:http'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { startAgent } from './agent-start.js'
import type { Figure } from './figure.js'
import { timed } from './timing.js'

const run = promisify(execFile)
const SIZE_MIB = 256

export async function measureUpload(runs: number): Promise<Figure> {
  const dir = await mkdtemp('/dev/shm/fauxboot-upload-')
  const file = join(dir, 'file')
  await writeFile(file, Buffer.alloc(SIZE_MIB << 20, 'fauxboot'))
  const server = createServer((_, response) => createReadStream(file, { highWaterMark: 1 << 20 }).pipe(response))
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const address = server.address()
  const port = typeof address === 'object' && address !== null ? address.port : 0
  const agent = await startAgent()
  const ours: number[] = []
  const theirs: number[] = []
  try {
    for (let round = 0; round < runs; round++) {
      const target = `${agent.url}/v1/artifacts/bench`
      ours.push(await timed(() => run('curl', ['--silent', '--fail', '-T', file, target])))
      await run('curl', ['--silent', '--fail', '-X', 'DELETE', target])
      theirs.push(await timed(() => run('sh', ['-c', `curl --silent --fail http://127.0.0.1:${port}/ | sha256sum`])))
    }
  } finally {
    await agent.stop()
    server.close()
    await rm(dir, { recursive: true, force: true })
  }
  const { stdout } = await run('curl', ['--version'])
  return {
    what: `upload of ${SIZE_MIB} MiB with sha256, this machine`,
    peer: `${stdout.split(' ').slice(0, 2).join(' ')} | sha256sum`,
    unit: 'ms',
    ours,
    theirs,
    target: 1,
    reason: 'the peer uses two processes, one of them only for the digest; the agent is one and also writes to tmpfs',
  }
}
