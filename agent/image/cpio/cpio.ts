/** cpio `newc` archives: what the kernel unpacks as an initramfs. */

export type { CpioEntry } from './cpio-format.js'
export { cpioChunks, packCpio } from './cpio-pack.js'
export { isCpio, parseCpio } from './cpio-parse.js'
