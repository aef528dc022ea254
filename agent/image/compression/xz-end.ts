/** Whether an xz file breaks off (xz file format 1.1.0): what can be told without decompressing it. */

/** Where the flags of a stream are in its header; its footer repeats them before its magic, `YZ`. */
const FLAGS_AT = 6
const FOOTER_MAGIC = [0x59, 0x5a] as const

/**
 * Whether an xz file holds the footer of no stream, so that its first stream cannot be whole. False where that is not
 * certain: a stream that is whole may be followed by anything.
 *
 * @param bytes that start with the magic of xz
 */
export function xzBreaksOff(bytes: Uint8Array): boolean {
  const footer = [bytes[FLAGS_AT], bytes[FLAGS_AT + 1], ...FOOTER_MAGIC]
  const last = footer.length - 1
  // From the end: that is where the footer of a whole file is, but for padding.
  for (let at = bytes.lastIndexOf(FOOTER_MAGIC[1]); at >= last; at = bytes.lastIndexOf(FOOTER_MAGIC[1], at - 1)) {
    if (footer.every((byte, i) => bytes[at - last + i] === byte)) return false
  }
  return true
}
