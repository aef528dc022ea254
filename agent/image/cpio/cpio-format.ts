/** The `newc` archive (Linux `Documentation/driver-api/early-userspace/buffer-format.rst`), as initramfs uses it. */

export interface CpioEntry {
  /** path without a slash in front */
  readonly name: string
  /** with the bits of the file's type, as `stat(2)` has it: 0o100644, 0o40755, 0o120777 */
  readonly mode: number
  /** contents of a file, target of a symbolic link */
  readonly data?: Uint8Array
  /** seconds since 1970 */
  readonly mtime?: number
  readonly uid?: number
  readonly gid?: number
  /** of a device node */
  readonly rdevMajor?: number
  readonly rdevMinor?: number
  /** two or more for hard links, which share `ino`; only the last of them carries the data */
  readonly nlink?: number
  readonly ino?: number
}

/** Bits of the mode that say what a file is. */
export const CPIO_FILE_TYPE = { mask: 0o170_000, regular: 0o100_000, directory: 0o040_000 } as const

/** Six digits of magic, then thirteen fields of eight hex digits. */
export const CPIO_MAGIC = '070701'
/** The same with a checksum in the last field. */
export const CPIO_CRC_MAGIC = '070702'
export const CPIO_FIELDS = [
  'ino',
  'mode',
  'uid',
  'gid',
  'nlink',
  'mtime',
  'fileSize',
  'devMajor',
  'devMinor',
  'rdevMajor',
  'rdevMinor',
  'nameSize',
  'check',
] as const
export type CpioHeader = Record<(typeof CPIO_FIELDS)[number], number>

export const CPIO_HEADER_BYTES = CPIO_MAGIC.length + 8 * CPIO_FIELDS.length
/** Name of the entry that ends an archive. */
export const CPIO_TRAILER = 'TRAILER!!!'
/** Name and data end on a multiple of four bytes, an archive on one of 512. */
export const CPIO_ALIGNMENT = { entry: 4, archive: 512 } as const
/** PATH_MAX of Linux, with the NUL: the kernel takes no longer name. */
export const CPIO_MAX_NAME = 4096

/** Zeros from `size` to the next multiple of `to`, bytes. */
export const padding = (size: number, to: number): number => (to - (size % to)) % to
