/** The first stage in the image of an SD card, on its way to a board that runs an older one. */

import { createHash } from 'node:crypto'
import { open } from 'node:fs/promises'
import { Readable } from 'node:stream'
import { fault } from '../../agent/errors.js'
import { decodeLabel, HEAD_BYTES, SECTOR, type SlotLabel, slotsOf } from '../../agent/image/card/card-layout.js'
import { fileChunks, fileError } from './local-file.js'

/** The content of a slot. */
export interface CardImage extends SlotLabel {
  readonly path: string
  /** offset of the content in the file, bytes */
  readonly offset: number
  /** lower-case hex */
  readonly sha256: string
}

/**
 * Find the first stage in an image that `fauxboot image` has made, and measure it.
 *
 * @param path of `sd.img`
 * @throws CLI_FILE if the file holds no slot; the signal's reason
 */
export async function measureCardImage(path: string, signal?: AbortSignal): Promise<CardImage> {
  const slots = slotsOf(await readPart(path, 0, SECTOR))
  const remedy = 'give it the sd.img that `fauxboot image` makes for a board with an SD card'
  if (slots === null)
    throw fault('CLI_FILE', { file: path, reason: `is no image of an SD card with two slots: ${remedy}` })
  const { offset } = slots.a
  const label = decodeLabel(await readPart(path, offset, HEAD_BYTES))
  if (label === null) throw fault('CLI_FILE', { file: path, reason: `its first slot holds no first stage: ${remedy}` })
  const hash = createHash('sha256')
  for await (const chunk of contentOf(path, offset, label.size)) {
    signal?.throwIfAborted()
    hash.update(chunk)
  }
  return { path, offset, ...label, sha256: hash.digest('hex') }
}

/**
 * The content as a stream.
 *
 * @param onBytes hears how many bytes have left
 */
export function streamCardImage({ path, offset, size }: CardImage, onBytes: (sent: number) => void): Readable {
  let sent = 0
  return Readable.from(
    (async function* measured() {
      for await (const chunk of contentOf(path, offset, size)) {
        sent += chunk.length
        onBytes(sent)
        yield chunk
      }
    })(),
  )
}

async function* contentOf(path: string, offset: number, size: number): AsyncGenerator<Uint8Array> {
  let left = size
  for await (const chunk of fileChunks(path, offset)) {
    const part = chunk.subarray(0, left)
    left -= part.length
    yield part
    if (left === 0) return
  }
  throw fault('CLI_FILE', { file: path, reason: `ends ${left} bytes before the end of its first slot` })
}

async function readPart(path: string, offset: number, size: number): Promise<Uint8Array> {
  try {
    const file = await open(path)
    try {
      const { buffer, bytesRead } = await file.read(Buffer.alloc(size), 0, size, offset)
      return buffer.subarray(0, bytesRead)
    } finally {
      await file.close()
    }
  } catch (thrown) {
    throw fileError(path, thrown)
  }
}
