/** The first stage: every file of a job into the artifact store. */

import { fetchHttp } from '../../transfer/http/fetch.js'
import { showUrl } from '../../transfer/url.js'
import type { ArtifactReference, FilePart } from '../jobs/job.js'
import type { Stage } from './job-context.js'
import { thinProgress } from './progress.js'

/** A file of a job in the artifact store. */
export interface JobFile {
  /** `kernel`, `ramdisk`, `dtb`, `overlay0`, `modules` */
  readonly role: string
  readonly reference: ArtifactReference
  /** name in the artifact store */
  readonly name: string
  readonly size: number
  /** lower-case hex */
  readonly sha256: string
}

export interface JobFiles {
  readonly kernel: JobFile
  readonly ramdisk?: JobFile
  readonly dtb?: JobFile
  readonly overlays: readonly JobFile[]
  readonly modules?: JobFile
}

/** @returns the name of the file in the store */
async function fetchUrl(stage: Stage, role: string, url: string): Promise<string> {
  const { job, artifacts, counters, signal } = stage
  const { stallSeconds, retries, maxRedirects } = stage.deps.config.fetch
  const tell = thinProgress((received, size) => job.events.append({ type: 'progress', role, received, size }))
  let before = 0
  return artifacts.makeJobFile({ role, what: showUrl(url), job: job.id, digest: false }, async file => {
    const { sha256 } = await fetchHttp(url, file, {
      signal,
      limit: await artifacts.limit(),
      stallSeconds,
      retries,
      maxRedirects,
      onProgress: (received, size) => {
        counters.fetchedBytes += Math.max(0, received - before)
        before = received
        job.noteArtifact(role, { received, size })
        tell(received, size)
      },
      onRetry: (attempt, error) => job.log('warning', `${role}: ${error.message}; further attempt ${attempt}`),
    })
    return sha256
  })
}

/** @returns the name of the file in the store */
async function nameOf(stage: Stage, role: string, { url, part, artifact = '' }: ArtifactReference): Promise<string> {
  if (url !== undefined) return fetchUrl(stage, role, url)
  return part === undefined ? artifact : stage.artifacts.lend({ role, job: stage.job.id, part })
}

const showPart = ({ path, offset, size }: FilePart): string => `${path}: ${size} bytes at 0x${offset.toString(16)}`

async function fetchFile(stage: Stage, role: string, reference: ArtifactReference): Promise<JobFile> {
  const { url, part, artifact = '' } = reference
  const source = url !== undefined ? showUrl(url) : part !== undefined ? showPart(part) : artifact
  stage.job.noteArtifact(role, { source })
  if (url !== undefined) stage.job.log('info', `${role}: fetching ${source}`)
  const name = await nameOf(stage, role, reference)
  const { size, sha256 } = await stage.artifacts.facts(name)
  stage.job.noteArtifact(role, { received: size, size, sha256 })
  stage.job.log('info', `${role}: ${size} bytes, sha256 ${sha256}`)
  return { role, reference, name, size, sha256 }
}

/**
 * Fetch what is at URLs and find what was uploaded, one file after the other.
 *
 * @throws the errors of `fetchHttp` and of the artifact store
 */
export async function fetchFiles(stage: Stage): Promise<JobFiles> {
  const { kernel, ramdisk, dtb, overlays, modules } = stage.request
  const fetch = async (role: string, reference: ArtifactReference): Promise<JobFile> => {
    stage.signal.throwIfAborted()
    return fetchFile(stage, role, reference)
  }
  const files = {
    kernel: await fetch('kernel', kernel),
    ramdisk: ramdisk && (await fetch('ramdisk', ramdisk)),
    dtb: dtb && (await fetch('dtb', dtb)),
    overlays: [] as JobFile[],
    modules: modules && (await fetch('modules', modules)),
  }
  for (const [index, overlay] of overlays.entries()) files.overlays.push(await fetch(`overlay${index}`, overlay))
  return files
}
