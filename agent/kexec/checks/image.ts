/** Checks of the files of a job: kernel, ramdisk, their wrappers, and what is appended to them. */

import type { CompressionFormat } from '../../image/compression/compression.js'
import { xzBreaksOff } from '../../image/compression/xz-end.js'
import { cpioBreaksOff } from '../../image/cpio/cpio-end.js'
import { isFdt } from '../../image/fdt/fdt.js'
import { formatSize, hex } from '../layout/ranges.js'
import type { Check, Remark } from './check.js'

const OVERWRITTEN = 'ramdisk or device tree overwritten by the decompressor'

export const IMAGE_CHECKS: readonly Check[] = [
  {
    check: 'arm64-kernel',
    symptom: 'kexec_load fails, or silence after the jump',
    severity: 'fatal',
    examine: ({ kernel }) =>
      kernel.format === 'arm64-Image'
        ? {
            message: 'arm64 kernels are recognised, but fauxboot cannot start them yet',
            remedy: 'send a 32-bit ARM zImage',
          }
        : null,
  },
  {
    check: 'kernel-uimage',
    symptom: 'the first 64 bytes of the kernel are not code: garbage header',
    severity: 'info',
    examine: ({ kernelWrapped }) =>
      kernelWrapped ? { message: 'the kernel was taken out of its uImage; both CRCs match', remedy: '' } : null,
  },
  {
    check: 'text-offset-assumed',
    symptom: OVERWRITTEN,
    severity: 'warning',
    examine: ({ kernel }) =>
      kernel.textOffsetSource === 'assumed'
        ? {
            message: `the zImage states no TEXT_OFFSET, neither in a tag nor in its code; assuming ${hex(kernel.textOffset)}, the largest in use`,
            remedy: 'nothing, unless the kernel was built with a larger TEXT_OFFSET',
          }
        : null,
  },
  {
    check: 'text-offset-code',
    symptom: OVERWRITTEN,
    severity: 'info',
    examine: ({ kernel }) =>
      kernel.textOffsetSource === 'arm' || kernel.textOffsetSource === 'thumb2'
        ? { message: `TEXT_OFFSET ${hex(kernel.textOffset)} was read from the decompressor's instructions`, remedy: '' }
        : null,
  },
  {
    check: 'kernel-size-bounded',
    symptom: OVERWRITTEN,
    severity: 'warning',
    examine: ({ kernel }) =>
      kernel.exact
        ? null
        : {
            message: `the zImage has no size tag; assuming that it unpacks to at most ${formatSize(kernel.edata)}, with ${formatSize(kernel.bss)} of bss`,
            remedy: 'send a kernel of Linux 4.15 or later, which states its size',
          },
  },
  {
    check: 'appended-dtb',
    symptom: 'the device tree is ignored: one appended to the zImage overrides the one that is passed',
    severity: 'info',
    examine: ({ zimage, tree }) =>
      zimage?.appendedDtb
        ? {
            message:
              tree?.source === 'appended'
                ? `the device tree appended to the zImage (${zimage.appendedDtb.length} bytes) is passed like any other`
                : `the device tree appended to the zImage (${zimage.appendedDtb.length} bytes) was cut off, so that it does not override the one that is passed`,
            remedy: '',
          }
        : null,
  },
  {
    check: 'kernel-trailing',
    symptom: 'the decompressor takes what follows the zImage for a device tree',
    severity: 'info',
    examine: ({ zimage }) =>
      zimage !== null && zimage.trailing > 0
        ? { message: `${zimage.trailing} bytes after the zImage were cut off`, remedy: '' }
        : null,
  },
  {
    check: 'ramdisk-uimage',
    symptom: 'ramdisk: "invalid magic at start of compressed archive"',
    severity: 'info',
    examine: ({ ramdisk }) =>
      ramdisk.some(piece => piece.wrapped)
        ? { message: 'the ramdisk was taken out of its uImage; both CRCs match', remedy: '' }
        : null,
  },
  {
    check: 'ramdisk-magic',
    symptom: 'ramdisk: "invalid magic at start of compressed archive"',
    severity: 'warning',
    examine: ({ ramdisk }) =>
      ramdisk.flatMap(({ bytes, format }, index) =>
        format !== null || isFdt(bytes)
          ? []
          : [
              {
                message: `part ${index + 1} of the ramdisk starts with ${startOf(bytes)}, which is neither cpio nor a compression that kernels know`,
                remedy:
                  'send a cpio archive (newc), plain or compressed; a disk image needs root=/dev/ram0 and a kernel with BLK_DEV_RAM',
              },
            ],
      ),
  },
  {
    check: 'ramdisk-truncated',
    symptom: 'ramdisk: "Initramfs unpacking failed", or files that the target misses without a word',
    severity: 'warning',
    examine: ({ ramdisk }) =>
      ramdisk.flatMap(({ bytes, format }, index) =>
        format !== null && BREAKS_OFF[format]?.(bytes) ? [truncatedRamdisk(index, format)] : [],
      ),
  },
  {
    check: 'dtb-elsewhere',
    symptom: 'the device tree is ignored: the kernel passes on the last segment that starts with d00dfeed',
    severity: 'fatal',
    examine: ({ ramdisk }) =>
      ramdisk.flatMap(({ bytes }, index) =>
        isFdt(bytes)
          ? [
              {
                message: `part ${index + 1} of the ramdisk starts with d00dfeed: it is a device tree`,
                remedy: 'send the device tree as dtb, and a cpio archive as ramdisk',
              },
            ]
          : [],
      ),
  },
]

function startOf(bytes: Uint8Array): string {
  return Buffer.from(bytes.subarray(0, 4)).toString('hex') || 'nothing'
}

/** Of the other formats, only decompressing them would tell. */
const BREAKS_OFF: Readonly<Partial<Record<CompressionFormat | 'cpio', (bytes: Uint8Array) => boolean>>> = {
  cpio: cpioBreaksOff,
  xz: xzBreaksOff,
}

/** What is said of a part of the ramdisk that is not whole; the kernel unpacks what there is of an uncompressed one. */
export function truncatedRamdisk(index: number, format: CompressionFormat | 'cpio'): Remark {
  const [where, effect] =
    format === 'cpio'
      ? ['cpio archive', 'the target misses the files from there on, and may print nothing about it']
      : [`${format} stream`, 'the target prints "Initramfs unpacking failed" and may find no init']
  return {
    message: `part ${index + 1} of the ramdisk ends in the middle of its ${where}: ${effect}`,
    remedy: 'copy the file again, whole',
  }
}
