/** Artifacts in memory: how they are mapped, and how their memory is released. */

import { AddonError, type FileRange, mapFile } from '../native/index.js'
import { readFileRange } from './boot/artifacts/read-file.js'

/**
 * Map a file. Without the addon nothing can be booted, but plans can be made: then the file is read instead.
 *
 * @throws the error of the file system
 */
export async function mapOrRead(path: string, part?: FileRange): Promise<Uint8Array> {
  try {
    return mapFile(path, part)
  } catch (thrown) {
    if (thrown instanceof AddonError) return readFileRange(path, part)
    throw thrown
  }
}

/** Unmap artifacts that nothing uses. V8 does not know how large the maps are, so it would collect them too late. */
export async function collectGarbage(): Promise<void> {
  const [{ setFlagsFromString }, { runInNewContext }] = await Promise.all([import('node:v8'), import('node:vm')])
  // Only contexts that are created after the flag was set have `gc`.
  setFlagsFromString('--expose-gc')
  const gc: unknown = runInNewContext('gc')
  if (typeof gc === 'function') gc()
}
