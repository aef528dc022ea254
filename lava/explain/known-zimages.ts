/**
 * zImages that were measured or observed, recognised by their sizes. Their logs are explained exactly, although kexec-tools
 * prints neither TEXT_OFFSET nor anything about the decompressor's code.
 */

import type { DecompressorCode } from '../../agent/kexec/layout/plan.js'

export interface KnownZImage {
  readonly name: string
  /** bytes of the zImage */
  readonly size: number
  /** bytes of decompressed text and data */
  readonly edata: number
  readonly textOffset: number
  readonly code: DecompressorCode
}

/** Debian's armmp kernels: the same decompressor code in 6.1 and in 6.12, after an EFI header. */
const ARMMP = { restart: 0x10b4, gap: 0x900, wontOverwrite: 0x1228, checksMemory: true } as const
/** Its bss and its stack, above the zImage. */
const ARMMP_STACK = 0x1418

/** The A80's kernels of 2020, from the lines they printed, which do not reveal `wont_overwrite`. */
const A80 = { restart: 0xc0, wontOverwrite: 0xc0, stackEnd: null, checksMemory: false } as const

const KNOWN_ZIMAGES: readonly KnownZImage[] = [
  {
    name: 'Debian 12, 6.1.0-50-armmp',
    size: 0x532200,
    edata: 0x13a10b4,
    textOffset: 0x208000,
    code: { ...ARMMP, stackEnd: 0x532200 + ARMMP_STACK },
  },
  {
    name: 'Debian 13, 6.12.107-armmp',
    size: 0x5c4200,
    edata: 0x15b94a8,
    textOffset: 0x208000,
    code: { ...ARMMP, stackEnd: 0x5c4200 + ARMMP_STACK },
  },
  {
    name: 'Debian 13, 6.12.113-armmp',
    size: 0x5c7200,
    edata: 0x15b961c,
    textOffset: 0x208000,
    code: { ...ARMMP, stackEnd: 0x5c7200 + ARMMP_STACK },
  },
  {
    name: 'Linux 6.1.192 for QEMU virt, ARM code, built with DEBUG',
    size: 0x2722e8,
    edata: 0x779080,
    textOffset: 0x8000,
    code: { restart: 0xf4, gap: 0xc00, wontOverwrite: 0x390, stackEnd: 0x273300, checksMemory: true },
  },
  {
    name: 'sunxi_defconfig on the A80, 7 April 2020',
    size: 0x443ac0,
    edata: 0xb78080,
    textOffset: 0x8000,
    code: { ...A80, gap: 0xb00 },
  },
  {
    name: 'sunxi_defconfig on the A80, 8 April 2020, with more debugging',
    size: 0x444fc8,
    edata: 0xb77958,
    textOffset: 0x8000,
    code: { ...A80, gap: 0xc00 },
  },
]

/** The known zImage of these sizes. */
export function knownZImage(size: number, edata: number): KnownZImage | null {
  return KNOWN_ZIMAGES.find(known => known.size === size && known.edata === edata) ?? null
}
