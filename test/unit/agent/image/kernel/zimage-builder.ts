/** Builds zImages for tests: header, code, tag table, payload, appended DTB, each as wanted, broken ones too. */

export interface ZImageParts {
  /** bytes from `start` to `end`; at least 0x1000 */
  size?: number
  /** absolute address in the header; `end` follows from it */
  start?: number
  /** in place of `start + size` */
  end?: number
  magic?: number
  endian?: number
  /** words of the tag from the count on; null: no tag table and no extension magic */
  tag?: readonly number[] | null
  /** entries before the kernel-size tag, each from its count on */
  otherTags?: readonly (readonly number[])[]
  /** bytes from the start; the table is written there */
  tagOffset?: number
  /** decompressed size, written little-endian to `edataOffset` */
  edata?: number
  /** bytes from the start; by default at the end of the payload, as the kernel's build has it */
  edataOffset?: number
  /** bss of the kernel, in the tag made by default */
  bss?: number
  /** TEXT_OFFSET in the tag made by default */
  textOffset?: number
  /** decompressor's heap in the tag made by default */
  mallocSize?: number
  thumb?: boolean
  /** ARM words, or Thumb-2 halfwords when `thumb`, at 0x40 */
  code?: readonly number[]
  /** compressed kernel, at `payloadOffset` */
  payload?: Uint8Array
  payloadOffset?: number
  appendedDtb?: Uint8Array
  /** bytes after everything else */
  trailing?: Uint8Array
}

const CODE_OFFSET = 0x40
const ARM_NOP = 0xe1a0_0000
const KERNEL_SIZE_TAG = 0x5a53_4c4b

/** A zImage like Debian's by default: a tag with six words, TEXT_OFFSET 0x208000, no payload. */
export function buildZImage(parts: ZImageParts = {}): Uint8Array {
  const { size = 0x4000, start = 0, thumb = false, tagOffset = 0x800, payloadOffset = 0x900 } = parts
  const payload = parts.payload ?? new Uint8Array()
  const edataOffset = parts.edataOffset ?? Math.min(payloadOffset + payload.length, size - 4)
  const dtb = parts.appendedDtb ?? new Uint8Array()
  const trailing = parts.trailing ?? new Uint8Array()
  const bytes = new Uint8Array(size + dtb.length + trailing.length)
  const view = new DataView(bytes.buffer)
  const words = (offset: number, values: readonly number[]) => {
    for (const [i, value] of values.entries()) view.setUint32(offset + i * 4, value, true)
  }
  words(0, Array<number>(8).fill(ARM_NOP))
  if (thumb) words(0x1c, [0xe24f_f003])
  const end = parts.end ?? start + size
  words(0x24, [parts.magic ?? 0x016f_2818, start, end, parts.endian ?? 0x0403_0201])
  const code = parts.code ?? []
  for (const [i, value] of code.entries()) {
    if (thumb) view.setUint16(CODE_OFFSET + i * 2, value, true)
    else view.setUint32(CODE_OFFSET + i * 4, value, true)
  }
  if (parts.payload !== undefined) bytes.set(parts.payload, payloadOffset)
  if (parts.tag !== null) {
    const { bss = 0x6_0000, textOffset = 0x20_8000, mallocSize = 0x1_0000 } = parts
    const tag = parts.tag ?? [6, KERNEL_SIZE_TAG, edataOffset, bss, textOffset, mallocSize]
    words(0x34, [0x4545_4545, tagOffset])
    words(tagOffset, [...(parts.otherTags ?? []).flat(), ...tag, 0])
    if (edataOffset + 4 <= size) view.setUint32(edataOffset, parts.edata ?? 0x100_0000, true)
  }
  bytes.set(dtb, size)
  bytes.set(trailing, size + dtb.length)
  return bytes
}
