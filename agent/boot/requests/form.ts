/** A job and its files as `multipart/form-data` (RFC 7578): the files go straight into the artifact store. */

import type { Readable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import { Busboy, type BusboyInstance } from '@fastify/busboy'
import { FauxbootError, fault } from '../../errors.js'
import type { ArtifactStore } from '../artifacts/artifact-store.js'
import type { JobRequest } from '../jobs/job.js'
import { parseJobJson } from './json.js'

/** The part that describes the job; every other is a file. */
const DESCRIPTION = 'job'
const FILES = ['kernel', 'ramdisk', 'dtb', 'modules'] as const
const OVERLAY = 'overlay'

/** More parts than any job has. Headers of a part are a few hundred bytes. */
const LIMITS = { parts: 100, headerPairs: 20, headerSize: 16 * 1024 }

/** What the parts brought. */
class Form {
  /** each failed part fires it, with its error */
  readonly failure = new AbortController()
  readonly #artifacts: ArtifactStore
  /** names in the store by role; null where storing failed */
  readonly #names = new Map<(typeof FILES)[number], Promise<string | null>>()
  readonly #overlays: Promise<string | null>[] = []
  readonly #open = new Set<Readable>()
  #description: string | undefined

  constructor(artifacts: ArtifactStore) {
    this.#artifacts = artifacts
  }

  field(name: string, value: string, truncated: boolean): void {
    if (truncated) this.#fail(invalid(name, 'is too long: see the setting jobBodyLimit'))
    else if (this.#description !== undefined) this.#fail(invalid(name, 'is there twice'))
    else this.#description = value
  }

  file(part: string, bytes: Readable): void {
    // busboy reports a body that ends inside of a part by this event alone: the stream itself would stay open.
    bytes.on('error', error => bytes.destroy(error))
    const role = FILES.find(file => file === part)
    if (role === undefined && part !== OVERLAY) {
      const known = [DESCRIPTION, ...FILES, OVERLAY].join(', ')
      this.#fail(invalid(part, `is not known; known: ${known}`))
    } else if (role !== undefined && this.#names.has(role)) {
      this.#fail(invalid(part, 'is there twice'))
    } else {
      const name = this.#store(part, bytes)
      if (role === undefined) this.#overlays.push(name)
      else this.#names.set(role, name)
    }
  }

  tooManyParts(): void {
    this.#fail(fault('JOB_INVALID', { where: 'the form', reason: `has more than ${LIMITS.parts} parts` }))
  }

  /** The job, once every file is stored. */
  async request(): Promise<JobRequest> {
    const files = await Promise.all(Array.from(this.#names, async ([role, name]) => [role, await name]))
    const overlays = await Promise.all(this.#overlays)
    this.failure.signal.throwIfAborted()
    if (this.#description === undefined) throw invalid(DESCRIPTION, 'is missing')
    return parseJobJson(parseDescription(this.#description), {
      ...Object.fromEntries(files),
      overlays: overlays.filter(name => name !== null),
    })
  }

  /** Remove stored files; running uploads are aborted first. */
  async discard(): Promise<void> {
    for (const bytes of this.#open) bytes.destroy(new Error('the form is not read any further'))
    const stored = await Promise.all([...this.#names.values(), ...this.#overlays])
    await this.#artifacts.discard(stored.filter(name => name !== null))
  }

  async #store(role: string, bytes: Readable): Promise<string | null> {
    this.#open.add(bytes)
    try {
      const { name } = await this.#artifacts.receiveForJob(role, bytes)
      return name
    } catch (thrown) {
      this.#fail(thrown)
      return null
    } finally {
      this.#open.delete(bytes)
    }
  }

  #fail(error: unknown): void {
    this.failure.abort(error)
  }
}

/**
 * Read a form. Its files become artifacts of the job to come, which `Boot.submit` takes over; when this throws, nothing of
 * them is left.
 *
 * @param source the body
 * @param contentType with the boundary
 * @param descriptionLimit bytes of the part `job`
 * @throws JOB_INVALID, HTTP_REQUEST when it is no form, and what `ArtifactStore.receiveForJob` throws
 */
export async function receiveForm(
  source: AsyncIterable<Uint8Array>,
  contentType: string,
  artifacts: ArtifactStore,
  descriptionLimit: number,
): Promise<JobRequest> {
  const form = new Form(artifacts)
  const parser = createParser(contentType, descriptionLimit)
  parser.on('field', (name, value, _nameTruncated, truncated) => form.field(name, value, truncated))
  parser.on('file', (name, bytes) => form.file(name, bytes))
  parser.on('partsLimit', () => form.tooManyParts())
  try {
    await pipeline(source, parser, { signal: form.failure.signal })
    return await form.request()
  } catch (thrown) {
    await form.discard()
    throw form.failure.signal.aborted ? form.failure.signal.reason : notAForm(thrown)
  }
}

function createParser(contentType: string, fieldSize: number): BusboyInstance {
  try {
    return new Busboy({
      headers: { 'content-type': contentType },
      limits: { ...LIMITS, fieldSize },
      isPartAFile: name => name !== DESCRIPTION,
    })
  } catch (thrown) {
    throw notAForm(thrown)
  }
}

function notAForm(thrown: unknown): unknown {
  if (thrown instanceof FauxbootError || !(thrown instanceof Error)) return thrown
  return fault('HTTP_REQUEST', { reason: `the form cannot be read: ${thrown.message}` }, thrown)
}

const invalid = (part: string, reason: string): FauxbootError =>
  fault('JOB_INVALID', { where: `part ${JSON.stringify(String(part).slice(0, 80))}`, reason })

function parseDescription(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch (thrown) {
    throw invalid(DESCRIPTION, `is not JSON: ${thrown instanceof Error ? thrown.message : String(thrown)}`)
  }
}
