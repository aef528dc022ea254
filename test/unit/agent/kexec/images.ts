/** Kernels and ramdisks for tests of the planner. */

import { packCpio } from '../../../../agent/image/cpio/cpio.js'
import { buildZImage, type ZImageParts } from '../image/kernel/zimage-builder.js'

/** A kernel as large as Debian's, but of zeros. */
export function zImage(parts: ZImageParts = {}): Uint8Array {
  return buildZImage({ size: 0x100000, edata: 0x400000, bss: 0x20000, ...parts })
}

/** A cpio archive padded with zeros to a size. */
export function cpio(size = 0x2345): Uint8Array {
  const bytes = new Uint8Array(size)
  bytes.set(packCpio([{ name: 'init', mode: 0o100755, data: new Uint8Array([0x23, 0x21]) }]).subarray(0, size))
  return bytes
}

/** An arm64 Image: magic, text offset, size of memory. */
export function arm64Image({ size = 0x10000, textOffset = 0, imageSize = 0x20000 } = {}): Uint8Array {
  const bytes = new Uint8Array(size)
  const view = new DataView(bytes.buffer)
  view.setBigUint64(8, BigInt(textOffset), true)
  view.setBigUint64(16, BigInt(imageSize), true)
  view.setUint32(0x38, 0x644d5241, true)
  return bytes
}
