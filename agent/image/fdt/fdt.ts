/** Flattened device trees (Devicetree Specification v0.4, chapter 5): parsing and writing. */
export { isFdt, parseFdt } from './fdt-parse.js'
export type { Fdt, FdtNode } from './fdt-tree.js'
export { writeFdt } from './fdt-write.js'
