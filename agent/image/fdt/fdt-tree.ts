/** A device tree in memory (Devicetree Specification v0.4, chapter 5). */

export interface FdtNode {
  /** with the unit address, `memory@40000000`; empty for the root */
  name: string
  /** views of the parsed blob; replace a value, do not write into it */
  properties: Map<string, Uint8Array>
  children: FdtNode[]
}

/** A range of memory that the kernel must not use (section 5.3). */
export interface FdtReservation {
  /** physical address */
  address: bigint
  /** bytes */
  size: bigint
}

export interface Fdt {
  root: FdtNode
  reservations: FdtReservation[]
  /** physical id of the CPU that boots */
  bootCpu: number
}
