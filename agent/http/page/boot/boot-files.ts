/** What dropped files are: their content decides, and their name where the content does not. */

import { detectCompression } from '../../../image/compression/compression.js'
import { isCpio } from '../../../image/cpio/cpio.js'
import { isFdt, parseFdt } from '../../../image/fdt/fdt.js'
import { childNode } from '../../../image/fdt/fdt-query.js'
import { isArm64Image } from '../../../image/kernel/arm64-image.js'
import { isZImage } from '../../../image/kernel/zimage.js'
import { isUImage } from '../../../image/uboot/uimage.js'

/** Parts of a job. */
export const ROLES = ['kernel', 'ramdisk', 'dtb', 'overlay', 'modules'] as const
export type Role = (typeof ROLES)[number]

/** `bundle`: a ZIP with a job and its files; `lava` and `json`: the description of a job, whose files the board fetches. */
export type FileKind = Role | 'bundle' | 'lava' | 'json'

export interface BootFile {
  readonly name: string
  readonly role: Role
  readonly bytes: Uint8Array
}

const startsWith = (bytes: Uint8Array, text: string, at = 0): boolean =>
  [...text].every((char, index) => bytes[at + index] === char.charCodeAt(0))

/** Offset of the type in a uImage's header, and the value of a ramdisk's. */
const UIMAGE_TYPE = { offset: 30, ramdisk: 3 }
/** Offset of the magic in a tar archive (POSIX.1, ustar). */
const TAR_MAGIC = 257
/** No description of a job is longer. */
const LONGEST_JOB = 1024 * 1024

const CONTENTS: readonly (readonly [(bytes: Uint8Array, name: string) => boolean, FileKind])[] = [
  [bytes => startsWith(bytes, 'PK\x03\x04'), 'bundle'],
  [bytes => isUImage(bytes) && bytes[UIMAGE_TYPE.offset] === UIMAGE_TYPE.ramdisk, 'ramdisk'],
  [bytes => isUImage(bytes) || isZImage(bytes) || isArm64Image(bytes), 'kernel'],
  [isOverlay, 'overlay'],
  [isFdt, 'dtb'],
  [bytes => startsWith(bytes, 'ustar', TAR_MAGIC), 'modules'],
  [(bytes, name) => isCpio(bytes) && !/modules/i.test(name), 'ramdisk'],
  [(bytes, name) => /\.json$/i.test(name) || startsWith(bytes, '{'), 'json'],
  [(bytes, name) => /\.ya?ml$/i.test(name) && bytes.length <= LONGEST_JOB, 'lava'],
]

const NAMES: readonly (readonly [RegExp, FileKind])[] = [
  [/modules|\.tar\b|\.tgz$/i, 'modules'],
  [/\.dtbo/i, 'overlay'],
  [/\.dtb/i, 'dtb'],
  [/initr|ramdisk|rootfs|cpio/i, 'ramdisk'],
  [/vmlinu|image|kernel/i, 'kernel'],
]

/**
 * What a file is.
 *
 * @returns null if neither its content nor its name tells
 */
export function kindOf(name: string, bytes: Uint8Array): FileKind | null {
  const byContent = CONTENTS.find(([fits]) => fits(bytes, name))?.[1]
  if (byContent !== undefined) return byContent
  const byName = NAMES.find(([pattern]) => pattern.test(name))?.[1]
  // A compressed file without a telling name is most often a ramdisk.
  return byName ?? (detectCompression(bytes) === null ? null : 'ramdisk')
}

function isOverlay(bytes: Uint8Array): boolean {
  if (!isFdt(bytes)) return false
  const { root } = parseFdt(bytes, 'device tree')
  return root.children.some(node => childNode(node, '__overlay__') !== null)
}

/** Files with one more: all roles but overlays have a single file, which a new one replaces. */
export function withFile(files: readonly BootFile[], file: BootFile): BootFile[] {
  return [...files.filter(({ role }) => role !== file.role || role === 'overlay'), file]
}
