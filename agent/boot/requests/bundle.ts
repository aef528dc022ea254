/**
 * A job with all its files in one ZIP: `job.json`, `kernel`, `ramdisk`, `dtb`, `overlays/*`, `modules`. Only
 * these names identify members, and no name ever becomes a path.
 */

import type { ArtifactStore } from '../artifacts/artifact-store.js'
import type { JobRequest } from '../jobs/job.js'
import { invalid } from './fields.js'
import { parseJobJson } from './json.js'
import { readZip } from './zip/zip-stream.js'

const DESCRIPTION = 'job.json'
const FILES = ['kernel', 'ramdisk', 'dtb', 'modules'] as const
const OVERLAY = /^overlays\/([^/]+)$/
const LARGEST_DESCRIPTION = 1024 * 1024

/** @throws JOB_INVALID when it is too long or not JSON */
async function readDescription(data: AsyncIterable<Uint8Array>): Promise<unknown> {
  const chunks: Uint8Array[] = []
  let size = 0
  for await (const chunk of data) {
    size += chunk.length
    if (size > LARGEST_DESCRIPTION) throw invalid(DESCRIPTION, `has more than ${LARGEST_DESCRIPTION} bytes`)
    chunks.push(chunk)
  }
  return parseDescription(Buffer.concat(chunks).toString('utf8'))
}

function parseDescription(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch (thrown) {
    throw invalid(DESCRIPTION, `is not JSON: ${thrown instanceof Error ? thrown.message : String(thrown)}`)
  }
}

/** What the members brought. */
class Bundle {
  readonly names = new Map<string, string>()
  description: unknown
  readonly #artifacts: ArtifactStore
  readonly #seen = new Set<string>()

  constructor(artifacts: ArtifactStore) {
    this.#artifacts = artifacts
  }

  async take(name: string, data: AsyncIterable<Uint8Array>): Promise<void> {
    if (this.#seen.has(name)) throw invalid(`member ${JSON.stringify(name)}`, 'is there twice')
    this.#seen.add(name)
    if (name === DESCRIPTION) {
      this.description = await readDescription(data)
      return
    }
    const role = FILES.find(file => file === name) ?? (OVERLAY.test(name) ? 'overlay' : undefined)
    if (role === undefined) {
      const known = [DESCRIPTION, ...FILES, 'overlays/*'].join(', ')
      throw invalid(`member ${JSON.stringify(name)}`, `is not known; known: ${known}`)
    }
    const { name: artifact } = await this.#artifacts.receiveForJob(role, data)
    this.names.set(name, artifact)
  }

  /** Overlays are applied in the order of their names. */
  request(): JobRequest {
    if (!this.#seen.has(DESCRIPTION)) throw invalid(DESCRIPTION, 'is missing in the bundle')
    const overlays = [...this.names].filter(([name]) => OVERLAY.test(name)).sort(([a], [b]) => (a < b ? -1 : 1))
    return parseJobJson(this.description, {
      ...Object.fromEntries(FILES.map(file => [file, this.names.get(file)])),
      overlays: overlays.map(([, artifact]) => artifact),
    })
  }
}

/**
 * Read a bundle: its files become artifacts of the job to come, which `Boot.submit` takes over. When this throws,
 * nothing of them is left. The source is not destroyed then.
 *
 * @throws JOB_INVALID; the errors of `readZip`; ARTIFACT_TOO_LARGE; the reason of `signal`
 */
export async function receiveBundle(
  source: AsyncIterable<Uint8Array>,
  artifacts: ArtifactStore,
  signal?: AbortSignal,
): Promise<JobRequest> {
  const bundle = new Bundle(artifacts)
  try {
    await readZip(source, (name, data) => bundle.take(name, data), signal)
    return bundle.request()
  } catch (thrown) {
    await artifacts.discard(bundle.names.values())
    throw thrown
  }
}
