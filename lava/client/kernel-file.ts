/** A kernel file, which may be compressed. The planner itself removes the header of a uImage. */

import { decompress, detectCompression } from '../../agent/image/compression/compression.js'
import { readJobInput } from './local-file.js'

/**
 * Read a kernel, and decompress it if its magic shows a compression.
 *
 * @param limit bytes of the file, and of the decompressed kernel
 * @throws CLI_FILE; DECOMPRESS_FAILED, FORMAT_TOO_LARGE
 */
export async function readKernel(path: string, limit: number): Promise<Uint8Array> {
  const bytes = await readJobInput(path, limit)
  return detectCompression(bytes) === null ? bytes : decompress(bytes, { limit, what: path })
}
