/** Artifacts in memory: how they are mapped, and how their memory is released. */

import { constants } from 'node:fs'
import { open } from 'node:fs/promises'
import { setTimeout as pause } from 'node:timers/promises'
import { AddonError, type FileRange, mapFile, mappedBytes, trimMemory } from '../native/index.js'
import { readFileRange } from './boot/artifacts/read-file.js'

/** How long collected maps get until they are undone, milliseconds; a few suffice, as a rule. */
const PATIENCE_MS = 100
const STEP_MS = 5

/** Permissions that let others write. */
const FOR_OTHERS = 0o022

/**
 * Map a file. One that others may truncate is read instead: access to a page that is gone ends the process. Without the
 * addon nothing can be booted, but plans can be made: then every file is read.
 *
 * @throws the error of the file system
 */
export async function mapOrRead(path: string, part?: FileRange): Promise<Uint8Array> {
  // Opening a FIFO would wait for its writer.
  const file = await open(path, constants.O_RDONLY | constants.O_NONBLOCK)
  try {
    const stats = await file.stat()
    const isOurs = stats.uid === process.geteuid?.() && (stats.mode & FOR_OTHERS) === 0
    // A map refuses what is no file.
    return isOurs || !stats.isFile() ? mapFile(file.fd, part) : await readFileRange(path, part)
  } catch (thrown) {
    if (thrown instanceof AddonError) return readFileRange(path, part)
    throw thrown
  } finally {
    await file.close()
  }
}

/**
 * Unmap artifacts that nothing uses. V8 does not know how large the maps are, so it would collect them too late. Most are
 * young, and a collection of what is young blocks the event loop for a tenth of the time.
 */
export async function collectGarbage(): Promise<void> {
  if (held() === 0) return
  const [{ setFlagsFromString }, { runInNewContext }] = await Promise.all([import('node:v8'), import('node:vm')])
  // Only contexts that are created after the flag was set have `gc`.
  setFlagsFromString('--expose-gc')
  const gc: unknown = runInNewContext('gc')
  if (typeof gc !== 'function') return
  // Node 20 takes any object for a collection of what is young.
  for (const options of [[{ type: 'minor' }], []]) {
    gc(...options)
    // Another thread of V8 sweeps, and then Node undoes the maps.
    for (let waited = 0; waited < PATIENCE_MS && held() > 0; waited += STEP_MS) await pause(STEP_MS)
    if (held() === 0) break
  }
  releaseFreed()
}

/** Bytes in maps; without the addon there are none. */
function held(): number {
  try {
    return mappedBytes()
  } catch (thrown) {
    if (thrown instanceof AddonError) return 0
    throw thrown
  }
}

/** Give freed memory back to the system, half a MiB after the agent's start. Without the addon, Node keeps it. */
export function releaseFreed(): void {
  try {
    trimMemory()
  } catch (thrown) {
    if (!(thrown instanceof AddonError)) throw thrown
  }
}
