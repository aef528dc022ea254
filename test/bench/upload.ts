/** Upload of a large file with its digest, against a download through `sha256sum`; both over loopback. */

import { execFile } from 'node:child_process'
import { once } from 'node:events'
import { createReadStream } from 'node:fs'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { createServer } from 'node:http'
import { join } from 'node:path'
import { promisify } from 'node:util'
import type { Figure } from './figure.js'
import { startLocalAgent } from './local-agent.js'
import { alternate, asFigure, type Took, timedCommand } from './timing.js'

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
  const agent = await startLocalAgent()
  const target = `${agent.url}/v1/artifacts/bench`
  const ours = async (): Promise<Took> => {
    const took = await agent.took(() => run('curl', ['--silent', '--fail', '-T', file, target]))
    await run('curl', ['--silent', '--fail', '-X', 'DELETE', target])
    return took
  }
  const theirs = () => timedCommand(['sh', '-c', `curl --silent --fail http://127.0.0.1:${port}/ | sha256sum`])
  let samples: Parameters<typeof asFigure>[0]
  try {
    samples = await alternate(runs, ours, theirs)
  } finally {
    await agent.stop()
    server.close()
    await rm(dir, { recursive: true, force: true })
  }
  const { stdout } = await run('curl', ['--version'])
  return {
    ...asFigure(samples),
    what: `upload of ${SIZE_MIB} MiB with sha256, this machine`,
    peer: `${stdout.split(' ').slice(0, 2).join(' ')} | sha256sum`,
    target: 1,
    reason: 'the peer uses two processes, one of them only for the digest; the agent is one and also writes to tmpfs',
  }
}
