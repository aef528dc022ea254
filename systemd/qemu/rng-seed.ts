/**
 * Random bytes for the kernel of an emulated board, in its device tree. A board without a source of randomness waits for the
 * first program that needs some until its timers have jittered enough, which took 25 s in QEMU. The machine
 * `virt` has such bytes in its own tree.
 */

import { randomBytes } from 'node:crypto'
import { parseFdt, writeFdt } from '../../agent/image/fdt/fdt.js'
import { ensureNode, setProperty } from '../../agent/image/fdt/fdt-query.js'

/** What the kernel takes as full entropy (`crng_init` in drivers/char/random.c). */
const SEED_BYTES = 32

/**
 * @param dtb a device tree blob
 * @param what its name, for errors
 * @returns it with a new `/chosen/rng-seed`, which the kernel erases when it has read it
 * @throws FORMAT_*
 */
export function withRngSeed(dtb: Uint8Array, what: string): Uint8Array {
  const fdt = parseFdt(dtb, what)
  setProperty(ensureNode(fdt, '/chosen'), 'rng-seed', randomBytes(SEED_BYTES))
  return writeFdt(fdt)
}
