/** A kernel as it lies on disk: perhaps compressed. The planner takes the header of a uImage off by itself. */

import { decompress, detectCompression } from '../../agent/image/compression/compression.js'
import { readInput } from './local-file.js'

/**
 * Read a kernel, unpacked when its magic says that it is compressed.
 *
 * @param limit bytes, of the file and of what it unpacks to
 * @throws CLI_FILE; DECOMPRESS_FAILED, FORMAT_TOO_LARGE
 */
export async function readKernel(path: string, limit: number): Promise<Uint8Array> {
  const bytes = await readInput(path, limit)
  return detectCompression(bytes) === null ? bytes : decompress(bytes, { limit, what: path })
}
