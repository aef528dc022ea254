/** Constants of the flattened device tree (Devicetree Specification v0.4, sections 5.1 to 5.4). Words are big-endian. */

export const FDT_MAGIC = 0xd00d_feed

/** Version 17 added the size of the structure block to version 16. */
export const FDT_VERSION = { oldest: 16, written: 17 } as const

/** Offsets of the header's words. */
export const FDT_HEADER = {
  magic: 0,
  totalSize: 4,
  structure: 8,
  strings: 12,
  reservations: 16,
  version: 20,
  compatible: 24,
  bootCpu: 28,
  stringsSize: 32,
  structureSize: 36,
} as const

export const FDT_HEADER_BYTES = { 16: 36, 17: 40 } as const
export const FDT_TOKEN = { beginNode: 1, endNode: 2, property: 3, nop: 4, end: 9 } as const
export const FDT_RESERVATION_BYTES = 16

/** The depth at which Linux stops (`drivers/of/fdt.c`). */
export const FDT_MAX_DEPTH = 64
/** The specification allows 31 characters, but real trees have longer names. This bounds the work for a bad blob. */
export const FDT_MAX_NAME = 255

/**
 * Bytes of the largest tree that is read, but for a FIT, which holds kernels. The largest of Linux has 0.3 MiB, and a 32-bit
 * kernel maps 2 MiB at its start.
 */
export const FDT_MAX_BYTES = 4 * 1024 * 1024
/** Nodes, properties, gaps and reservations of the largest tree; the largest of Linux has some 15,000. This bounds the time. */
export const FDT_MAX_ITEMS = 65_536

/** Round up to a multiple of `to`. */
export const align = (value: number, to: number): number => Math.ceil(value / to) * to
