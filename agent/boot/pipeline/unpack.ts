/** Step 2, continued: from the files of a job to the images that are planned and loaded. */

import { createHash } from 'node:crypto'
import { fault } from '../../errors.js'
import { type CompressionFormat, detectCompression } from '../../image/compression/compression.js'
import { decompressStream } from '../../image/compression/decompress-stream.js'
import { parseFdt, writeFdt } from '../../image/fdt/fdt.js'
import { applyOverlay } from '../../image/fdt/fdt-overlay.js'
import { unlessAborted } from '../../transfer/abort.js'
import type { JobFile, JobFiles } from './fetch.js'
import type { JobContext } from './job-context.js'
import { isReadyForTarget, modulesToCpio } from './modules.js'

/** Bytes that go into memory as they are, with the digest that they must still have when they are loaded. */
export interface BootImage {
  readonly role: string
  /** name in the artifact store; null for what was made in memory */
  readonly name: string | null
  readonly bytes: Uint8Array
  /** lower-case hex */
  readonly sha256: string
}

export interface BootImages {
  readonly kernel: BootImage
  /** the ramdisk and the modules, in this order */
  readonly ramdisk: readonly BootImage[]
  readonly dtb: BootImage | null
}

/** Write what a stream brings into a file of the job, and give the original's memory back. */
async function rewrite(
  context: JobContext,
  { role, name }: JobFile,
  what: string,
  chunks: AsyncIterable<Uint8Array>,
): Promise<BootImage> {
  const { artifacts, job, signal } = context
  const made = await artifacts.makeJobFile({ role, what, job: job.id, digest: true }, async file => {
    for await (const chunk of chunks) await unlessAborted(file.write(chunk), signal)
    return file.digest.digest('hex')
  })
  await artifacts.release(name, job.id)
  const { size, sha256 } = await artifacts.facts(made)
  job.log('info', `${what}: ${size} bytes`)
  return { role, name: made, bytes: await artifacts.bytes(made), sha256 }
}

async function asItIs({ artifacts }: JobContext, { role, name, sha256 }: JobFile): Promise<BootImage> {
  return { role, name, bytes: await artifacts.bytes(name), sha256 }
}

/** Decompress; null if the file is not compressed. */
async function unpack(context: JobContext, file: JobFile, format: CompressionFormat | null): Promise<BootImage> {
  const image = await asItIs(context, file)
  if (format === null) return image
  const { signal, artifacts } = context
  const chunks = decompressStream(image.bytes, format, { what: file.role, limit: await artifacts.limit(), signal })
  return rewrite(context, file, `${file.role} unpacked (${format})`, chunks)
}

/** The compression that the job states, or the one that the magic shows. */
async function formatOf({ artifacts }: JobContext, { name, reference }: JobFile): Promise<CompressionFormat | null> {
  const { compression } = reference
  if (compression === undefined) return detectCompression(await artifacts.bytes(name))
  return compression === 'none' ? null : compression
}

/** Kernel and device trees: decompressed here, because no later step can do it. */
async function unpackFully(context: JobContext, file: JobFile): Promise<BootImage> {
  return unpack(context, file, await formatOf(context, file))
}

/** A ramdisk stays as it is, unless the job states a compression: the target unpacks it itself, and faster. */
async function unpackRamdisk(context: JobContext, file: JobFile): Promise<BootImage> {
  const { compression = 'none' } = file.reference
  return unpack(context, file, compression === 'none' ? null : compression)
}

async function unpackModules(context: JobContext, file: JobFile): Promise<BootImage> {
  const image = await asItIs(context, file)
  const { compression } = file.reference
  if (isReadyForTarget(image.bytes, { compression })) return image
  const { signal, artifacts } = context
  const chunks = modulesToCpio(image.bytes, { compression, limit: await artifacts.limit(), signal })
  return rewrite(context, file, 'modules as cpio', chunks)
}

/** The device tree with its overlays, in the order of the job; null when the job has neither. */
async function unpackTree(context: JobContext, { dtb, overlays }: JobFiles): Promise<BootImage | null> {
  const base = dtb === undefined ? null : await unpackFully(context, dtb)
  if (overlays.length === 0) return base
  const bytes = base?.bytes ?? (await context.deps.host.runningDtb())
  if (bytes === null) {
    throw fault('PLAN_INPUT', {
      reason: 'the job has overlays but no dtb, and the running kernel has no dtb to apply them to',
    })
  }
  let tree = parseFdt(bytes, base === null ? 'dtb of the running kernel' : 'dtb')
  for (const overlay of overlays) {
    context.signal.throwIfAborted()
    const image = await unpackFully(context, overlay)
    tree = applyOverlay(tree, parseFdt(image.bytes, overlay.role), overlay.role)
    context.job.log('info', `dtb: applied ${overlay.role}`)
  }
  const written = writeFdt(tree)
  return { role: 'dtb', name: null, bytes: written, sha256: createHash('sha256').update(written).digest('hex') }
}

/**
 * Turn the files of a job into the images that are loaded.
 *
 * @throws FORMAT_*, DECOMPRESS_FAILED, FDT_OVERLAY, ARTIFACT_TOO_LARGE, PLAN_INPUT; the reason of the signal
 */
export async function unpackFiles(context: JobContext, files: JobFiles): Promise<BootImages> {
  const step = async <T>(next: () => Promise<T>): Promise<T> => {
    context.signal.throwIfAborted()
    return next()
  }
  const { kernel, ramdisk, modules } = files
  const unpacked = {
    kernel: await step(() => unpackFully(context, kernel)),
    ramdisk: ramdisk && (await step(() => unpackRamdisk(context, ramdisk))),
    modules: modules && (await step(() => unpackModules(context, modules))),
    dtb: await step(() => unpackTree(context, files)),
  }
  return {
    kernel: unpacked.kernel,
    ramdisk: [unpacked.ramdisk, unpacked.modules].filter(image => image !== undefined),
    dtb: unpacked.dtb,
  }
}
