/** zstd (RFC 8878), decoded by the reference decoder in WebAssembly. */
import { fault } from '../../errors.js'
import { ByteReader, hex } from '../byte-reader.js'
import type { BoundedOutput } from './bounded-output.js'
import { readZstdFrame, skippableSize } from './zstd-frame.js'

/** The decoder holds input and output of a frame in its own memory of at most 2 GiB. */
const MAX_FRAME = 0x4000_0000
/** The same for a stream, which is there to save memory: beside these, the decoder's own memory, and a copy of the output. */
const MAX_STREAMED_FRAME = 0x200_0000

/** Decompress one zstd frame, and skip the skippable frames after it. */
export async function decodeZstdFrame(bytes: Uint8Array, output: BoundedOutput): Promise<number> {
  const file = new ByteReader(bytes, output.what)
  const frame = readZstdFrame(file)
  const known = frame.contentSize
  if (known !== null) output.check(known)
  const capacity = known ?? Math.min(frame.bound, output.room)
  const most = output.streams ? MAX_STREAMED_FRAME : MAX_FRAME
  if (frame.size + capacity > most) {
    const found = `a frame of ${hex(capacity)} bytes`
    const expected = `up to ${hex(most)} bytes, packed and unpacked together; the program zstd has no such limit`
    throw fault('FORMAT_UNSUPPORTED', { what: output.what, where: '0x0', found, expected })
  }
  if (frame.bound > 0) {
    const { ZSTDDecoder } = await import('zstddec')
    const decoder = new ZSTDDecoder()
    await decoder.init()
    // If the library fails, it does not throw, but returns no bytes. Its streaming mode never ends on a corrupt frame, so
    // this decodes in one call.
    const unpacked = decoder.decode(bytes.subarray(0, frame.size), capacity)
    if (known !== null ? unpacked.length !== known : unpacked.length === 0) {
      const reason = known === null && frame.bound > capacity ? `corrupt, or more than ${capacity} bytes` : 'corrupt'
      throw fault('DECOMPRESS_FAILED', { what: output.what, format: 'zstd', reason })
    }
    output.adopt(unpacked)
    await output.yieldIfDue()
  }
  let end = frame.size
  for (let size = skippableSize(file, end); size > 0; size = skippableSize(file, end)) end += size
  return end
}
