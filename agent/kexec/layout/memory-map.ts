/** The memory map: from `/proc/iomem`, from a device tree, or typed by a person. */

import { fault } from '../../errors.js'
import type { Fdt, FdtNode } from '../../image/fdt/fdt.js'
import { cellsOf, propString, readRegs } from '../../image/fdt/fdt-query.js'
import { RAM_BASE_ALIGNMENT } from './decompressor.js'
import { normalize, type Range } from './ranges.js'

/** `kernel/resource.c` prints first and last byte in hex; deeper entries are indented by two spaces per level. */
const IOMEM_LINE = /^\s*([0-9a-f]{1,16})-([0-9a-f]{1,16}) : (.*)$/i

/** kexec-tools takes both for RAM, too. The alias is what Keystone's kernel shows below 4 GiB. */
const RAM_NAMES = new Set(['System RAM', 'System RAM (boot alias)'])

/**
 * RAM as the running kernel sees it.
 *
 * @param text contents of `/proc/iomem`
 * @param what name of the map, for messages
 * @returns sorted ranges; neighbours are joined
 * @throws MAP_SYNTAX for a line of another form; MAP_ZEROS if the kernel hides the addresses
 *   (no CAP_SYS_ADMIN); MAP_EMPTY if no line is System RAM
 */
export function parseIomem(text: string, what = '/proc/iomem'): Range[] {
  const all: Range[] = []
  const ram: Range[] = []
  for (const [index, line] of text.split('\n').entries()) {
    if (line.trim() === '') continue
    const fields = IOMEM_LINE.exec(line)
    const range = fields === null ? null : inclusiveRange(`0x${fields[1]}`, `0x${fields[2]}`)
    if (fields === null || range === null) {
      throw fault('MAP_SYNTAX', { what, found: quote(line), line: index + 1, expected: 'START-END : NAME in hex' })
    }
    all.push(range)
    if (RAM_NAMES.has((fields[3] ?? '').trim())) ram.push(range)
  }
  if (all.length > 0 && all.every(range => range.start === 0 && range.end === 1)) throw fault('MAP_ZEROS', { what })
  if (ram.length === 0) throw fault('MAP_EMPTY', { what })
  return normalize(ram)
}

/** Ranges of memory that a tree may list. Kernels take some hundred; a tree has room for half a million, which take seconds. */
const MOST_RANGES = 4096

/**
 * The ranges that the `reg` of nodes list, in their order.
 *
 * @param parent its cells count
 * @throws FORMAT_VALUE for more than 4096 ranges, or a malformed property
 */
export function rangesOf(nodes: readonly FdtNode[], parent: { addressCells: number; sizeCells: number }): Range[] {
  const ranges: Range[] = []
  for (const node of nodes) {
    for (const { address, size } of readRegs(node, parent.addressCells, parent.sizeCells)) {
      if (ranges.length === MOST_RANGES) {
        const expected = `at most ${MOST_RANGES} ranges`
        throw fault('FORMAT_VALUE', { what: 'device tree', where: `${node.name} reg`, expected, found: 'more' })
      }
      ranges.push({ start: Number(address), end: Number(address + size) })
    }
  }
  return ranges
}

/**
 * RAM as a device tree lists it (Devicetree Specification v0.4 section 3.4): the `reg` of each enabled memory node.
 *
 * @returns sorted ranges; none if the tree has no memory node, no `reg`, or only sizes of zero, as in trees that rely on
 *   the boot loader
 * @throws FORMAT_VALUE
 */
export function ramFromFdt(fdt: Fdt): Range[] {
  return normalize(rangesOf(memoryNodes(fdt), cellsOf(fdt.root)))
}

/** The enabled memory nodes of a tree, found by `device_type` like the kernel does, or by name if that is missing. */
export function memoryNodes(fdt: Fdt): FdtNode[] {
  return fdt.root.children.filter(node => {
    const status = propString(node, 'status') ?? 'okay'
    return isMemory(node) && (status === 'okay' || status === 'ok')
  })
}

function isMemory(node: FdtNode): boolean {
  return propString(node, 'device_type') === 'memory' || /^memory(@|$)/.test(node.name)
}

/** RAM without its small holes: firmware keeps those, and a device tree that covers them is not wrong. */
export function withHolesFilled(ram: readonly Range[]): Range[] {
  const grown: { start: number; end: number }[] = []
  for (const { start, end } of ram) {
    const last = grown.at(-1)
    if (last !== undefined && start - last.end <= RAM_BASE_ALIGNMENT) last.end = end
    else grown.push({ start, end })
  }
  return grown
}

const RAM_OPTION = /^(0x)?([0-9a-f]+)-(0x)?([0-9a-f]+)$/i
const RAM_OPTION_SIZED = /^((?:0x)?[0-9a-f]+)\+(0x[0-9a-f]+|[0-9]+)([KMG]?)$/i
/** The suffixes of the kernel's `memparse`, upper case. */
export const UNIT_FACTORS: Readonly<Record<string, number>> = { '': 1, K: 2 ** 10, M: 2 ** 20, G: 2 ** 30 }

/**
 * RAM as typed by a person.
 *
 * @param text `START-END` in hex with or without `0x`, the last byte included as in iomem, or `START+SIZE` with the
 *   size in decimal or hex and a unit: `0x40000000+1G`
 * @throws MAP_SYNTAX, MAP_RANGE
 */
export function parseRamOption(text: string): Range {
  const [, , first, , last] = RAM_OPTION.exec(text) ?? []
  if (Number(`0x${last}`) < Number(`0x${first}`)) throw fault('MAP_RANGE', { what: '--ram', found: text.slice(0, 80) })
  const range = pairOption(text) ?? sizedOption(text)
  if (range !== null) return range
  throw fault('MAP_SYNTAX', {
    what: '--ram',
    found: quote(text),
    line: 1,
    expected: 'START-END or START+SIZE, such as 40000000-7fffffff or 0x40000000+1G',
  })
}

function pairOption(text: string): Range | null {
  const fields = RAM_OPTION.exec(text)
  return fields === null ? null : inclusiveRange(`0x${fields[2]}`, `0x${fields[4]}`)
}

function sizedOption(text: string): Range | null {
  const fields = RAM_OPTION_SIZED.exec(text)
  if (fields === null) return null
  const [, from = '', count = '', unit = ''] = fields
  const start = Number(/^0x/i.test(from) ? from : `0x${from}`)
  const end = start + Number(count) * (UNIT_FACTORS[unit.toUpperCase()] ?? 1)
  return start < end && Number.isSafeInteger(end) ? { start, end } : null
}

/** Null if the end lies before the start, or is too large for an exact number. */
function inclusiveRange(first: string, last: string): Range | null {
  const start = Number(first)
  const end = Number(last) + 1
  return start < end && Number.isSafeInteger(end) ? { start, end } : null
}

/** Text quoted, and short enough for a message. */
function quote(text: string): string {
  return JSON.stringify(text.slice(0, 80))
}
