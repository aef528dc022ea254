/** Decompression from memory to memory, piece by piece: neither is held a second time as a whole. */

import { type CompressionFormat, decompress } from '../../image/compression/compression.js'
import type { MemoryPart } from '../hardware/boot-target.js'
import type { Machine } from '../machine/machine.js'

/** Bytes of packed data that are read: the largest kernels and ramdisks have half as many. */
const MOST_PACKED = 64 * 1024 * 1024

export interface UnpackOptions {
  /** name of the data, for errors */
  readonly what: string
  /** most bytes of output */
  readonly limit: number
  /** recognised by its magic by default */
  readonly format?: CompressionFormat
  readonly signal?: AbortSignal
}

/**
 * Decompress a part of memory; what follows the packed data is ignored. When this fails, the target holds what came before
 * the failure, as in a real U-Boot.
 *
 * @param piece of it, 64 MiB are read at most
 * @param target address of the output
 * @returns bytes of output
 * @throws as `decompress`; UBOOT_MEMORY, UBOOT_MEMORY_FULL
 */
export async function unpackMemory(
  { memory }: Machine,
  { address, size }: MemoryPart,
  target: number,
  options: UnpackOptions,
): Promise<number> {
  const packed = memory.read(address, Math.min(size, MOST_PACKED))
  let done = 0
  const sink = async (bytes: Uint8Array): Promise<void> => {
    memory.write(target + done, bytes)
    done += bytes.length
  }
  await decompress(packed, { ...options, trailing: 'ignore', sink })
  return done
}
