/** xz, decoded by XZ Embedded in WebAssembly. */
import { fault } from '../../errors.js'
import { ByteReader } from '../byte-reader.js'
import type { BoundedOutput } from './bounded-output.js'
import { readXzStream } from './xz-stream.js'

const PIECE_BYTES = 0x1_0000

/** Hands out the bytes piece by piece as the decoder asks for them. */
function piecesOf(bytes: Uint8Array): ReadableStream<Uint8Array> {
  let offset = 0
  return new ReadableStream(
    {
      pull(controller) {
        if (offset < bytes.length) controller.enqueue(bytes.subarray(offset, offset + PIECE_BYTES))
        else controller.close()
        offset += PIECE_BYTES
      },
    },
    { highWaterMark: 0 },
  )
}

/** Undo one xz stream. */
export async function decodeXzStream(bytes: Uint8Array, output: BoundedOutput): Promise<number> {
  const stream = readXzStream(new ByteReader(bytes, output.what))
  output.reserve(stream.unpackedSize)
  const { default: library } = await import('xz-decompress')
  const reader = new library.XzReadableStream(piecesOf(bytes.subarray(0, stream.size))).getReader()
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
      // the library decodes one stream at a time: one that is left without a word holds up all others
      await reader.cancel(error)
      throw error
    }
  }
}
