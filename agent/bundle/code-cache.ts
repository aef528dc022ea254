/** V8's compiled code of the bundle, which saves a board from compiling it at every start. */

import { mkdtemp, rename, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Config } from '../config.js'

/** The code cache as `agent/bundle/loader.ts` passes it on. */
export interface CodeCache {
  /** where the loader looks for it */
  readonly file: string
  /** Compiled code of all functions that have run so far. */
  create(): Uint8Array
}

/** What this process runs, as the file that started it passes it on. */
export interface CompiledCode {
  readonly from: 'snapshot' | 'cache' | 'source'
  /** null in a snapshot */
  readonly cache: CodeCache | null
}

/** What the cache needs of a running agent. */
interface RunningAgent {
  readonly url: string
  readonly boot: { close(): Promise<void> }
  readonly server: { close(): PromiseLike<unknown> }
}

/** Start the agent on a private port and in temporary folders, answer once, and write what V8 compiled for that. */
export async function writeCodeCache(
  cache: CodeCache,
  config: Config,
  start: (config: Config) => Promise<RunningAgent>,
): Promise<void> {
  const directory = await mkdtemp(join(tmpdir(), 'fauxboot-cache-'))
  try {
    const boot = { ...config.boot, artifactDir: join(directory, 'artifacts'), stateDir: join(directory, 'state') }
    const agent = await start({ ...config, boot, listen: { host: '127.0.0.1', port: 0 } })
    await (await fetch(`${agent.url}/healthz`)).text()
    const partial = `${cache.file}.partial`
    await writeFile(partial, cache.create())
    await rename(partial, cache.file)
    await agent.boot.close()
    await agent.server.close()
  } finally {
    await rm(directory, { recursive: true, force: true })
  }
  process.stdout.write(`${cache.file}\n`)
}
