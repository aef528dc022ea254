/** Device trees in the machine's memory: the working tree that `fdt` edits and `bootm` passes on. */

import { FauxbootError } from '../../errors.js'
import { checkFdtHeader, FDT_PROBE_BYTES, fdtDataEnd, fdtError, fdtVersions } from '../../image/fdt/fdt-blob.js'
import { FdtEditor } from '../../image/fdt/fdt-edit.js'
import { bareHex } from '../lib/numbers.js'
import type { Machine } from '../machine/machine.js'

/** Versions that libfdt of U-Boot reads. */
const VERSIONS = { oldest: 2, newest: 17 } as const
/** Most bytes of a tree that `fdt` works on, a FIT too. Each command copies it, and a board copies 100 MB a second. */
const LARGEST = 32 * 1024 * 1024

/**
 * Read the tree at an address; it shares nothing with the memory.
 *
 * @param most bytes of it
 * @throws FDT_EDIT if there is none; UBOOT_MEMORY outside DRAM
 */
export function readTree(machine: Machine, address: number, most = LARGEST): FdtEditor {
  const header = machine.memory.read(address, FDT_PROBE_BYTES)
  const error = checkFdtHeader(header) ?? (fdtDataEnd(header) > most ? 'FDT_ERR_TRUNCATED' : null)
  if (error !== null) throw fdtError('fdt_check_header():', error)
  return new FdtEditor(machine.memory.read(address, fdtDataEnd(header)))
}

/**
 * Put a tree back, or somewhere else.
 *
 * @throws UBOOT_MEMORY when all that its total size asks for is not DRAM
 */
export function writeTree(machine: Machine, address: number, tree: FdtEditor): void {
  // An empty read: the slack after the tree must be DRAM too.
  machine.memory.read(address + tree.header('totalSize'), 0)
  machine.memory.write(address, tree.bytes.subarray(0, tree.end))
}

/** Whether there is a tree at an address. @throws UBOOT_MEMORY */
export function isTree(machine: Machine, address: number): boolean {
  return checkFdtHeader(machine.memory.read(address, FDT_PROBE_BYTES)) === null
}

/** The same, but prints U-Boot's message if there is no tree. */
export function validTree(machine: Machine, address: number): boolean {
  const header = machine.memory.read(address, FDT_PROBE_BYTES)
  const error = checkFdtHeader(header)
  if (error === null) return true
  const { version, compatible } = fdtVersions(header)
  const old = version < VERSIONS.oldest ? ` - too old, fdt ${version} < ${VERSIONS.oldest}` : ''
  const young = compatible > VERSIONS.newest ? ` - too new, fdt ${compatible} > ${VERSIONS.newest}` : ''
  const why = error === 'FDT_ERR_BADVERSION' ? old + young : ''
  machine.out.write(`libfdt fdt_check_header(): ${error}${why}\n`)
  return false
}

/**
 * Make the tree at an address the working one. `bootm` and `bootz` do it too.
 *
 * @param address 0 if there is none
 */
export function setWorkingTree(machine: Machine, address: number, { quiet = false } = {}): void {
  if (!quiet) machine.out.write(`Working FDT set to ${bareHex(address)}\n`)
  machine.state.workingFdt = address === 0 ? null : address
  machine.env.set('fdtaddr', bareHex(address), { origin: 'program' })
}

/** The error that libfdt would have given, without its call; others are passed on. */
export function editErrorOf(thrown: unknown): string {
  if (thrown instanceof FauxbootError && thrown.code === 'FDT_EDIT') return String(thrown.details.error)
  throw thrown
}
