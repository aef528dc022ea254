/** Step 4: the bytes that were verified go to the kernel. */

import { createHash } from 'node:crypto'
import { fault } from '../../errors.js'
import { yieldToEventLoop } from '../../event-loop.js'
import type { Plan, PlanSegment } from '../../kexec/layout/plan.js'
import type { ArtifactStore } from '../artifacts/artifact-store.js'
import type { JobContext } from './job-context.js'
import type { BootImage, BootImages } from './unpack.js'

/** Bytes that are digested between two turns of the event loop: 20 ms on a slow core. */
const A_TURN = 2 * 1024 * 1024

/** @throws VERIFY_SHA256; the reason of `signal` */
async function checkDigest({ role, bytes, sha256 }: BootImage, signal: AbortSignal): Promise<void> {
  const hash = createHash('sha256')
  for (let offset = 0; offset < bytes.length; offset += A_TURN) {
    signal.throwIfAborted()
    hash.update(bytes.subarray(offset, offset + A_TURN))
    await yieldToEventLoop()
  }
  const found = hash.digest('hex')
  if (found !== sha256) throw fault('VERIFY_SHA256', { what: `${role} in memory`, expected: sha256, found })
}

/** Whether a segment is a view of a verified image and not an unchecked copy. */
const isViewOf = ({ data }: PlanSegment, { bytes }: BootImage): boolean =>
  data.buffer === bytes.buffer &&
  data.byteOffset >= bytes.byteOffset &&
  data.byteOffset + data.length <= bytes.byteOffset + bytes.length

/** What the segments are taken from. */
interface VerifiedSegments {
  readonly segments: readonly PlanSegment[]
  /** bytes whose digest was computed again */
  readonly read: number
}

/**
 * Make sure that the bytes that are loaded have the digests that were verified. An unchanged file is mapped anew,
 * so what this process may have written to its own copy of a page is not loaded either. Every other image is read, and its digest
 * computed again, in the very buffer that is loaded. The device tree comes from the planner and has no digest.
 *
 * @returns the segments to be loaded
 * @throws VERIFY_SHA256; INTERNAL if a segment is not part of a verified image; the reason of `signal`
 */
export async function verifiedSegments(
  segments: readonly PlanSegment[],
  images: readonly BootImage[],
  artifacts: Pick<ArtifactStore, 'unchanged'>,
  signal: AbortSignal,
): Promise<VerifiedSegments> {
  const stray = segments.find(segment => segment.kind !== 'dtb' && !images.some(image => isViewOf(segment, image)))
  if (stray !== undefined) {
    throw fault('INTERNAL', {
      doing: 'checking digests',
      reason: `the ${stray.kind} to load is not the one that was verified`,
    })
  }
  const fresh = new Map<BootImage, Uint8Array>()
  let read = 0
  for (const image of images) {
    const bytes = image.name === null ? null : await artifacts.unchanged(image.name)
    if (bytes !== null) fresh.set(image, bytes)
    else {
      await checkDigest(image, signal)
      read += image.bytes.length
    }
  }
  const anew = (segment: PlanSegment): PlanSegment => {
    const image = images.find(image => isViewOf(segment, image))
    const bytes = image && fresh.get(image)
    if (image === undefined || bytes === undefined) return segment
    const offset = segment.data.byteOffset - image.bytes.byteOffset
    return { ...segment, data: bytes.subarray(offset, offset + segment.data.length) }
  }
  return { segments: segments.map(anew), read }
}

/** Unload the image. A failure is logged and hides no other error. */
export async function unloadAfterFailure({ job, deps }: Pick<JobContext, 'job' | 'deps'>): Promise<void> {
  try {
    await deps.kexec.unload()
  } catch (thrown) {
    job.log('error', `the image may still be loaded: ${thrown instanceof Error ? thrown.message : String(thrown)}`)
  }
}

/**
 * Load a plan. After a failure nothing is loaded.
 *
 * @throws VERIFY_SHA256, KEXEC_*, INTERNAL; the reason of the signal, which is also looked at when the load is done
 */
export async function loadPlan(context: JobContext, plan: Plan, { kernel, ramdisk }: BootImages): Promise<void> {
  const { signal } = context
  const { kexec } = context.deps
  const started = performance.now()
  const { segments, read } = await verifiedSegments(plan.segments, [kernel, ...ramdisk], context.artifacts, signal)
  const took = `${Math.round(performance.now() - started)} ms`
  const told = read === 0 ? 'the verified files have not changed' : `digests of ${read} bytes computed again`
  context.job.log('info', `${told} (${took})`)
  // A failed load would leave an earlier image loaded.
  await kexec.unload()
  try {
    const buffers = segments.map(({ data, mem, memsz, kind }) => ({ buffer: data, mem, memsz, kind }))
    const checked = performance.now()
    await kexec.load(plan.entry, buffers, plan.flags)
    context.job.log('info', `kexec_load took ${Math.round(performance.now() - checked)} ms`)
    if (!(await kexec.loaded())) {
      throw fault('KEXEC_ARGUMENT', {
        call: 'kexec_load',
        reason: 'it succeeded, but the kernel reports that nothing is loaded',
      })
    }
    signal.throwIfAborted()
  } catch (thrown) {
    await unloadAfterFailure(context)
    throw thrown
  }
}
