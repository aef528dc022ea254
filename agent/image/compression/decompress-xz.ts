/** xz, decoded by XZ Embedded in WebAssembly. */
import { fault } from '../../errors.js'
import { ByteReader } from '../byte-reader.js'
import type { BoundedOutput } from './bounded-output.js'
import { readXzStream } from './xz-stream.js'

const CHUNK_BYTES = 0x1_0000

/** A stream of the bytes, read in chunks as the decoder needs them. */
function chunksOf(bytes: Uint8Array): ReadableStream<Uint8Array> {
  let offset = 0
  return new ReadableStream(
    {
      pull(controller) {
        if (offset < bytes.length) controller.enqueue(bytes.subarray(offset, offset + CHUNK_BYTES))
        else controller.close()
        offset += CHUNK_BYTES
      },
    },
    { highWaterMark: 0 },
  )
}

/** Decompress one xz stream. */
export async function decodeXzStream(bytes: Uint8Array, output: BoundedOutput): Promise<number> {
  const stream = readXzStream(new ByteReader(bytes, output.what))
  output.expect(stream.unpackedSize)
  const { default: library } = await import('xz-decompress')
  const reader = new library.XzReadableStream(chunksOf(bytes.subarray(0, stream.size))).getReader()
  for (;;) {
    const next = await reader.read().catch((cause: unknown) => {
      const reason = 'corrupt: its data, a check or the index is wrong'
      throw fault('DECOMPRESS_FAILED', { what: output.what, format: 'xz', reason }, cause)
    })
    if (next.done) return stream.size
    try {
      output.push(next.value)
      await output.yieldIfDue()
    } catch (error) {
      // The library decodes one stream at a time: an abandoned one would block all others.
      await reader.cancel(error)
      throw error
    }
  }
}
