/** Step 4: the bytes that were verified go to the kernel. */

import { createHash } from 'node:crypto'
import { fault } from '../../errors.js'
import { yieldToEventLoop } from '../../event-loop.js'
import type { Plan, PlanSegment } from '../../kexec/layout/plan.js'
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

/**
 * Check the digests again, in the very buffers of the segments. The device tree
 * comes from the planner and has no digest.
 *
 * @throws VERIFY_SHA256; INTERNAL if a segment is not part of a verified image; the reason of `signal`
 */
export async function checkSegments(
  segments: readonly PlanSegment[],
  images: readonly BootImage[],
  signal: AbortSignal,
): Promise<void> {
  const stray = segments.find(segment => segment.kind !== 'dtb' && !images.some(image => isViewOf(segment, image)))
  if (stray !== undefined) {
    throw fault('INTERNAL', {
      doing: 'checking digests',
      reason: `the ${stray.kind} to load is not the one that was verified`,
    })
  }
  for (const image of images) await checkDigest(image, signal)
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
  await checkSegments(plan.segments, [kernel, ...ramdisk], signal)
  context.job.log('info', `digests of the loaded bytes checked again in ${Math.round(performance.now() - started)} ms`)
  // A failed load would leave an earlier image loaded.
  await kexec.unload()
  try {
    const segments = plan.segments.map(({ data, mem, memsz, kind }) => ({ buffer: data, mem, memsz, kind }))
    const checked = performance.now()
    await kexec.load(plan.entry, segments, plan.flags)
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
