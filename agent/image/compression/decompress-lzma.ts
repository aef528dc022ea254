/** `.lzma` files (LZMA specification, "LZMA file format"): properties, dictionary, size, one stream, no checksum. */
import { fault } from '../../errors.js'
import { ByteReader, hex } from '../byte-reader.js'
import type { BoundedOutput } from './bounded-output.js'
import { LzmaDecoder, LzmaError } from './lzma-decoder.js'

const HEADER_BYTES = 13
const MAX_PROPERTIES = 9 * 5 * 5
const UNKNOWN_SIZE = 0xffff_ffff_ffff_ffffn

/** Decode up to the size that the header says, or else up to the end marker, which must be there. */
async function run(decoder: LzmaDecoder, end: number, output: BoundedOutput): Promise<void> {
  let turnAt = output.size
  for (;;) {
    // a stream of known size may have an end marker all the same: then the range coder is not settled yet
    if (output.size === end && decoder.settled) return
    const before = output.size
    if (!decoder.step()) {
      if (decoder.settled && (before === end || end === Number.POSITIVE_INFINITY)) return
      throw new LzmaError(`it ends after ${hex(before)} bytes of output`, decoder.offset)
    }
    if (output.size > end) throw new LzmaError('it goes on beyond its size', decoder.offset)
    if (output.size < turnAt) continue
    turnAt = output.size + 0x1_0000
    await output.yieldIfDue()
  }
}

/** Undo one `.lzma` file. */
export async function decodeLzmaFile(bytes: Uint8Array, output: BoundedOutput): Promise<number> {
  const file = new ByteReader(bytes, output.what)
  file.need(0, HEADER_BYTES, 'lzma header')
  const packed = file.u8(0, 'properties')
  if (packed >= MAX_PROPERTIES) throw file.malformed(0, 'properties', `less than ${MAX_PROPERTIES}`, `${packed}`)
  const properties = { lc: packed % 9, lp: Math.floor(packed / 9) % 5, pb: Math.floor(packed / 45) }
  const dictionary = file.u32le(1, 'dictionary size')
  const size = file.u64le(5, 'unpacked size')
  if (size !== UNKNOWN_SIZE && size > BigInt(output.limit - output.size)) throw output.tooLarge()
  const end = size === UNKNOWN_SIZE ? Number.POSITIVE_INFINITY : output.size + Number(size)
  try {
    const decoder = new LzmaDecoder(bytes, HEADER_BYTES, properties, Math.max(dictionary, 4096), output)
    await run(decoder, end, output)
    return decoder.offset
  } catch (error) {
    if (!(error instanceof LzmaError)) throw error
    const reason = `${error.message}, at ${hex(error.offset)}`
    throw fault('DECOMPRESS_FAILED', { what: output.what, format: 'lzma', reason }, error)
  }
}
