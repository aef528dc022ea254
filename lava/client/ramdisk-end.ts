/** Whether a ramdisk breaks off, where only decompressing it tells. The planner looks at the other formats itself. */

import { FauxbootError } from '../../agent/errors.js'
import { decompress, detectCompression } from '../../agent/image/compression/compression.js'
import { isUImage, parseUImage } from '../../agent/image/uboot/uimage.js'
import { truncatedRamdisk } from '../../agent/kexec/checks/image.js'
import type { Finding } from '../../agent/kexec/layout/plan.js'

/** Output that no board of this kind could hold: what is larger is not looked at to its end. */
const LIMIT = 4 * 2 ** 30

/** Formats that this process decompresses itself, without a program. */
const FORMATS: readonly unknown[] = ['gzip', 'zstd', 'lz4']

/**
 * Decompress a ramdisk, and say if it ends too early. Only its first stream is looked at: anything may follow.
 *
 * @returns null where there is nothing to say, or where that is not certain
 * @throws the reason of the signal
 */
export async function ramdiskEnd(file: Uint8Array, signal?: AbortSignal): Promise<Finding | null> {
  try {
    const bytes = isUImage(file) ? parseUImage(file, 'ramdisk').data : file
    const format = detectCompression(bytes)
    if (format === null || !FORMATS.includes(format)) return null
    const breaksOff = await decompressed(bytes, signal)
    return breaksOff ? { check: 'ramdisk-truncated', severity: 'warning', ...truncatedRamdisk(0, format) } : null
  } catch (thrown) {
    signal?.throwIfAborted()
    // Another kind of damage, for which the planner or the board has words.
    if (thrown instanceof FauxbootError) return null
    throw thrown
  }
}

async function decompressed(bytes: Uint8Array, signal?: AbortSignal): Promise<boolean> {
  try {
    await decompress(bytes, { limit: LIMIT, trailing: 'ignore', signal, sink: async () => undefined })
    return false
  } catch (thrown) {
    if (!(thrown instanceof FauxbootError)) throw thrown
    // zlib's own words for it.
    return thrown.code === 'FORMAT_TRUNCATED' || thrown.details.reason === 'unexpected end of file'
  }
}
