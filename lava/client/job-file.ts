/** Job files that are sent as they are; the agent reads them. */

import { open } from 'node:fs/promises'
import { Readable } from 'node:stream'
import { fault } from '../../agent/errors.js'
import type { JobBody } from './board-client.js'
import type { BootWatcher } from './boot-job.js'
import { fileChunks, fileError, readInput } from './local-file.js'

type BundleWatcher = Pick<BootWatcher, 'uploads' | 'uploaded'>

/** A job as text is some kilobytes; the agent has a limit of its own. */
const TEXT_LIMIT = 16 * 1024 * 1024

/** First bytes of a zip file (APPNOTE.TXT section 4.3.7, local file header). */
const ZIP_MAGIC = Buffer.from('PK\u0003\u0004')

/**
 * Prepare a job file for submission. Its content shows its type: ZIP, JSON, or else YAML.
 *
 * @param path a LAVA job definition, a KernelCI pull-lab job, a job as JSON, or a bundle
 * @param watcher sees a bundle go out, as the upload `bundle`
 * @throws CLI_FILE
 */
export async function readJobFile(path: string, watcher: BundleWatcher): Promise<JobBody> {
  const { size, magic } = await probe(path)
  if (size === 0) throw fault('CLI_FILE', { file: path, reason: 'the file is empty' })
  if (magic.equals(ZIP_MAGIC)) {
    watcher.uploads([{ role: 'bundle', size }])
    return { type: 'application/zip', content: Readable.from(watchedChunks(path, watcher)), size }
  }
  const text = Buffer.from(await readInput(path, TEXT_LIMIT)).toString('utf8')
  return { type: isJson(text) ? 'application/json' : 'application/yaml', content: text }
}

async function probe(path: string): Promise<{ size: number; magic: Buffer }> {
  try {
    const file = await open(path)
    try {
      const { size } = await file.stat()
      const { buffer, bytesRead } = await file.read(Buffer.alloc(ZIP_MAGIC.length), 0, ZIP_MAGIC.length, 0)
      return { size, magic: buffer.subarray(0, bytesRead) }
    } finally {
      await file.close()
    }
  } catch (thrown) {
    throw fileError(path, thrown)
  }
}

async function* watchedChunks(path: string, watcher: BundleWatcher): AsyncGenerator<Uint8Array> {
  let sent = 0
  for await (const chunk of fileChunks(path, 0)) {
    sent += chunk.length
    watcher.uploaded('bundle', sent)
    yield chunk
  }
}

/** JSON is YAML too, but the media type distinguishes a KernelCI job from a LAVA job. */
function isJson(text: string): boolean {
  try {
    return typeof JSON.parse(text) === 'object'
  } catch (error) {
    if (error instanceof SyntaxError) return false
    throw error
  }
}
