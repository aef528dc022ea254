/** Step 1: every file of a job goes into the artifact store. */

import { fetchHttp } from '../../transfer/http/fetch.js'
import { showUrl } from '../../transfer/url.js'
import type { ArtifactReference, FileRange } from '../jobs/job.js'
import { referencesOf } from '../jobs/job-record.js'
import { advanceClock } from './clock.js'
import type { JobContext } from './job-context.js'
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
async function fetchUrl(context: JobContext, role: string, url: string): Promise<string> {
  const { job, artifacts, counters, signal } = context
  const { stallSeconds, retries, maxRedirects } = context.deps.config.fetch
  const tell = thinProgress((received, size) => job.events.append({ type: 'progress', role, received, size }))
  let before = 0
  return artifacts.makeJobFile({ role, what: showUrl(url), job: job.id, digest: false }, async file => {
    const { sha256 } = await fetchHttp(url, file, {
      signal,
      limit: await artifacts.limit(),
      stallSeconds,
      retries,
      maxRedirects,
      advanceClock: (to, server) => advanceClock(job, context.deps.clock, to, server),
      onProgress: (received, size) => {
        counters.fetchedBytes += Math.max(0, received - before)
        before = received
        job.noteArtifact(role, { received, size })
        tell(received, size)
      },
      onRetry: (attempt, error) => job.log('warning', `${role}: ${error.problem}; further attempt ${attempt}`),
    })
    return sha256
  })
}

/** @returns the name of the file in the store */
async function nameOf(
  context: JobContext,
  role: string,
  { url, part, artifact = '' }: ArtifactReference,
): Promise<string> {
  if (url !== undefined) return fetchUrl(context, role, url)
  return part === undefined ? artifact : context.artifacts.addFileRange({ role, job: context.job.id, part })
}

const showPart = ({ path, offset, size }: FileRange): string => `${path}: ${size} bytes at 0x${offset.toString(16)}`

async function fetchFile(context: JobContext, role: string, reference: ArtifactReference): Promise<JobFile> {
  const { url, part, artifact = '' } = reference
  const source = url !== undefined ? showUrl(url) : part !== undefined ? showPart(part) : artifact
  context.job.noteArtifact(role, { source })
  if (url !== undefined) context.job.log('info', `${role}: fetching ${source}`)
  const name = await nameOf(context, role, reference)
  const { size, sha256 } = await context.artifacts.facts(name)
  context.job.noteArtifact(role, { received: size, size, sha256 })
  context.job.log('info', `${role}: ${size} bytes, sha256 ${sha256}`)
  return { role, reference, name, size, sha256 }
}

/**
 * Fetch files from URLs and look up uploaded ones, one after the other. If the sizes that the job states cannot fit, none is
 * fetched.
 *
 * @throws ARTIFACT_TOO_LARGE; the errors of `fetchHttp` and of the artifact store
 */
export async function fetchFiles(context: JobContext): Promise<JobFiles> {
  const { kernel, ramdisk, dtb, overlays, modules } = context.request
  const stated = referencesOf(context.request).map(({ reference: { url, size } }) => (url && size) || 0)
  await context.artifacts.checkRoom(
    'the files of the job',
    stated.reduce((sum, size) => sum + size, 0),
  )
  const fetch = async (role: string, reference: ArtifactReference): Promise<JobFile> => {
    context.signal.throwIfAborted()
    return fetchFile(context, role, reference)
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
