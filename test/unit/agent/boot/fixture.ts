/** What the tests of the pipeline stand on. */

import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Test } from 'tap'
import { ArtifactStore, type ArtifactStoreOptions } from '../../../../agent/boot/artifacts/artifact-store.js'
import { FauxbootError } from '../../../../agent/errors.js'

export { patternBytes, sha256 } from '../transfer/fixture.js'

export const MIB = 1024 * 1024

/** The error of the table that a promise rejects with. */
export async function failure(promise: Promise<unknown>): Promise<FauxbootError> {
  const thrown = await promise.then(
    () => 'nothing',
    error => error,
  )
  if (thrown instanceof FauxbootError) return thrown
  throw new Error('expected one of our errors', { cause: thrown })
}

/** The error of the table that a call throws. */
export function refusal(call: () => unknown): Promise<FauxbootError> {
  return failure((async () => call())())
}

export async function temporaryDirectory(t: Test): Promise<string> {
  const directory = await mkdtemp(join(tmpdir(), 'fauxboot-'))
  t.teardown(() => rm(directory, { recursive: true, force: true }))
  return directory
}

export async function openStore(t: Test, options: Partial<ArtifactStoreOptions> = {}): Promise<ArtifactStore> {
  return ArtifactStore.open({
    directory: options.directory ?? (await temporaryDirectory(t)),
    reserve: 0,
    available: async () => 1024 * MIB,
    mapFile: path => readFile(path),
    ...options,
  })
}

/** A body that comes in chunks; `end` may throw, as a connection does that breaks off. */
export async function* body(bytes: Uint8Array, chunk = 65_536, end: () => void = () => {}): AsyncGenerator<Uint8Array> {
  for (let offset = 0; offset < bytes.length; offset += chunk) yield bytes.subarray(offset, offset + chunk)
  end()
}

export const breaksOff = (): never => {
  throw Object.assign(new Error('aborted'), { code: 'ECONNRESET' })
}
