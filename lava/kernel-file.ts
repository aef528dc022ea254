/** A kernel as it lies on disk: perhaps compressed, perhaps a uImage, perhaps both. */

import { fault } from '../agent/errors.js'
import { decompress, detectCompression } from '../agent/image/compression.js'
import { isUImage, parseUImage } from '../agent/image/uimage.js'
import { readInput } from './local-file.js'

/** A uImage in gzip is two layers; nobody wraps a kernel more often. */
const LAYERS = 3

/**
 * Read a kernel and take its wrappings off, told by their magic.
 *
 * @param limit bytes, of the file and of what it unpacks to
 * @throws CLI_FILE; FORMAT_CRC and others for a uImage that is damaged; DECOMPRESS_FAILED, FORMAT_TOO_LARGE
 */
export async function readKernel(path: string, limit: number): Promise<Uint8Array> {
  let bytes = await readInput(path, limit)
  if (bytes.length === 0) throw fault('CLI_FILE', { file: path, reason: 'the file is empty' })
  for (let layer = 0; layer < LAYERS; layer++) {
    if (isUImage(bytes)) bytes = parseUImage(bytes, path).data
    else if (detectCompression(bytes) !== null) bytes = await decompress(bytes, { limit, what: path })
    else break
  }
  return bytes
}
