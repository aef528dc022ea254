/**
 * The device tree for the target: the job's, plus what a boot loader must add (Linux
 * `Documentation/arch/arm/booting.rst`; `/chosen` of the Devicetree Specification v0.4 section 3.6).
 */

import { type Fdt, type FdtNode, writeFdt } from '../../image/fdt/fdt.js'
import {
  cellsOf,
  childNode,
  encodeNumber,
  encodeString,
  ensureNode,
  findNode,
  propString,
  propStrings,
  removeProperty,
  setProperty,
} from '../../image/fdt/fdt-query.js'
import { memoryNodes, ramFromFdt, rangesOf } from './memory-map.js'
import { normalize, type Range, subtract } from './ranges.js'

/** Left in `/chosen` by the previous boot: stale addresses, and seeds that must not be used twice. */
const STALE_PROPERTIES: readonly RegExp[] = [
  /^bootargs$/,
  /^linux,initrd-/,
  /^linux,usable-memory-range$/,
  /^linux,elfcorehdr$/,
  /^linux,uefi-/,
  /^kaslr-seed$/,
  /^rng-seed$/,
]

export interface DtbInput {
  /** modified in place */
  readonly fdt: Fdt
  /** what the target may use; a tree that lists other memory is changed */
  readonly memory: readonly Range[]
  readonly cmdline: string
  /** where the ramdisk will be; null without one */
  readonly initrd: Range | null
  /** passed to the target in `/chosen/fauxboot,job` */
  readonly jobId?: string
  /** `02:02:c3:99:67:87` by alias (`ethernet0`), or by path for a node that has another alias in the running tree */
  readonly macAddresses?: Readonly<Record<string, string>>
}

/**
 * Prepare a tree for the target, and write it without padding.
 *
 * @returns its bytes; their number does not depend on the addresses of the ramdisk
 * @throws FORMAT_VALUE if an address does not fit into the root's cells
 */
export function prepareDtb(input: DtbInput): Uint8Array {
  const { fdt, memory, cmdline, initrd, jobId, macAddresses = {} } = input
  setMemory(fdt, memory)
  setMacAddresses(fdt, macAddresses)
  const chosen = ensureNode(fdt, '/chosen')
  for (const name of [...chosen.properties.keys()]) {
    if (STALE_PROPERTIES.some(pattern => pattern.test(name))) removeProperty(chosen, name)
  }
  setProperty(chosen, 'bootargs', encodeString(cmdline))
  if (initrd !== null) {
    const { addressCells } = cellsOf(fdt.root)
    setProperty(chosen, 'linux,initrd-start', encodeNumber(initrd.start, addressCells))
    setProperty(chosen, 'linux,initrd-end', encodeNumber(initrd.end, addressCells))
  }
  if (jobId !== undefined) setProperty(chosen, 'fauxboot,job', encodeString(jobId))
  return writeFdt(fdt, { slack: 0 })
}

/**
 * Write `local-mac-address` for every alias `ethernetN`, as U-Boot does at each boot (`fdt_fixup_ethernet` in
 * `boot/fdt_support.c`); `mac-address` only where the tree has it. Without it, a driver may choose a random address,
 * and the target gets another DHCP lease at each boot.
 */
function setMacAddresses(fdt: Fdt, addresses: Readonly<Record<string, string>>): void {
  const aliases = childNode(fdt.root, 'aliases')
  for (const alias of aliases?.properties.keys() ?? []) {
    if (aliases === null || !/^ethernet\d+$/.test(alias)) continue
    const path = propString(aliases, alias) ?? ''
    const address = addresses[alias] ?? addresses[path]
    const node = findNode(fdt, path)
    if (address === undefined || node === null) continue
    const bytes = new Uint8Array(Buffer.from(address.replaceAll(':', ''), 'hex'))
    setProperty(node, 'local-mac-address', bytes)
    if (node.properties.has('mac-address')) setProperty(node, 'mac-address', bytes)
  }
}

/** Write the target's memory into the first node, as U-Boot does, except ranges that do not fit into the root's cells. */
function setMemory(fdt: Fdt, memory: readonly Range[]): void {
  const listed = ramFromFdt(fdt)
  if (subtract(listed, memory).length === 0 && subtract(memory, listed).length === 0) return
  const { addressCells, sizeCells } = cellsOf(fdt.root)
  const fits = (value: number, cells: number) => value < 2 ** (32 * cells)
  const ranges = memory.filter(({ start, end }) => fits(end - 1, addressCells) && fits(end - start, sizeCells))
  const [node = addMemoryNode(fdt, ranges[0]?.start ?? 0), ...others] = memoryNodes(fdt)
  const cells = ranges.flatMap(({ start, end }) => [
    encodeNumber(start, addressCells),
    encodeNumber(end - start, sizeCells),
  ])
  setProperty(node, 'reg', new Uint8Array(Buffer.concat(cells)))
  fdt.root.children = fdt.root.children.filter(child => !others.includes(child))
}

function addMemoryNode(fdt: Fdt, start: number): FdtNode {
  const node: FdtNode = { name: `memory@${start.toString(16)}`, properties: new Map(), children: [] }
  setProperty(node, 'device_type', encodeString('memory'))
  fdt.root.children.push(node)
  return node
}

/**
 * Memory that a tree reserves: its reserve map, and the regions of `/reserved-memory` that have an address. Boot loaders
 * also reserve the ramdisk; that entry is left out, because the previous boot's ramdisk is gone.
 *
 * @returns sorted; call this before `prepareDtb`, which removes the address of the old ramdisk
 */
export function reservedMemory(fdt: Fdt): Range[] {
  const old = oldRamdisk(fdt)
  const map = fdt.reservations
    .map(({ address, size }) => ({ start: Number(address), end: Number(address + size) }))
    .filter(range => old === null || range.start < old.start - PAGE || range.end > old.end + PAGE)
  const node = childNode(fdt.root, 'reserved-memory')
  const regions = node === null ? [] : rangesOf(node.children, cellsOf(node))
  return normalize([...map, ...regions])
}

/** Boot loaders round the ramdisk's reservation to pages. */
const PAGE = 0x1000

function oldRamdisk(fdt: Fdt): Range | null {
  const chosen = childNode(fdt.root, 'chosen')
  const start = addressOf(chosen?.properties.get('linux,initrd-start'))
  const end = addressOf(chosen?.properties.get('linux,initrd-end'))
  return start === null || end === null ? null : { start, end }
}

/** One or two cells, regardless of the root's cells: boot loaders differ. */
function addressOf(bytes: Uint8Array | undefined): number | null {
  if (bytes === undefined || (bytes.length !== 4 && bytes.length !== 8)) return null
  return Number(`0x${Buffer.from(bytes).toString('hex')}`)
}

/** The board that a tree is for: `model` and `compatible` of its root. */
export function boardOf(fdt: Fdt): { readonly model: string | null; readonly compatible: readonly string[] } {
  return {
    model: propStrings(fdt.root, 'model')?.[0] ?? null,
    compatible: propStrings(fdt.root, 'compatible') ?? [],
  }
}
