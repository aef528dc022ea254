/** Flattened device tree (Devicetree Specification v0.4, chapter 5): what callers need to read and write one. */
export { isFdt, parseFdt } from './fdt-parse.js'
export type { Fdt, FdtNode } from './fdt-tree.js'
export { writeFdt } from './fdt-write.js'
