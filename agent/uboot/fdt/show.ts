/** `fdt print`, `list`, `get`, `header`: the contents of the working tree. */

import { type FdtBlob, type FdtEvent, fdtError } from '../../image/fdt/fdt-blob.js'
import type { FDT_HEADER } from '../../image/fdt/fdt-format.js'
import { bareHex, parseDecimal, parseHex } from '../lib/numbers.js'
import { type Machine, USAGE } from '../machine/machine.js'
import type { FdtSubcommand } from './subcommand.js'
import { showValue, storeValue } from './value.js'
import { readTree } from './working-tree.js'

/** Levels that U-Boot prints. */
const DEEPEST = 32

/** Bytes of the largest value that is shown. U-Boot has no limit, and shows the kernel of a FIT for half an hour. */
const LARGEST_SHOWN = 1024 * 1024

/** Bytes of a value to show: `fdt_max_dump` may lower the limit. */
function longestShown(machine: Machine): number {
  const limit = machine.env.get('fdt_max_dump')
  return limit === undefined ? LARGEST_SHOWN : Math.min(LARGEST_SHOWN, parseHex(limit))
}

/** A node's own lines and its children's, down to `depth` levels below it. */
function showNode(machine: Machine, tree: FdtBlob, node: number, depth: number, working: number): number {
  const longest = longestShown(machine)
  const lines: string[] = []
  let level = 0
  // Where a damaged tree has an end in place of a node, the level falls below that of the root.
  const line = (text: string) => level <= depth && lines.push(`${'\t'.repeat(Math.max(level, 0))}${text}\n`)
  const show: { readonly [Kind in FdtEvent['kind']]: (event: FdtEvent) => void } = {
    begin(event) {
      line(`${(event.kind === 'begin' && event.name) || '/'} {`)
      level++
    },
    end() {
      level--
      line('};')
    },
    nop: () => line('/* NOP */'),
    property(event) {
      if (event.kind !== 'property') return
      const { name, value, offset } = event.property
      line(value.length === 0 ? `${name};` : `${name} = ${showValue(value, working + offset, longest)};`)
    },
  }
  for (const event of tree.walk(node)) {
    show[event.kind](event)
    if (level >= DEEPEST) {
      machine.out.write(`${lines.join('')}Nested too deep, aborting.\n`)
      return 1
    }
  }
  machine.out.write(lines.join(''))
  return 0
}

/** A property that must be there. */
function getProperty(tree: FdtBlob, node: number, name: string) {
  const property = tree.property(node, name)
  if (property === null) throw fdtError('fdt_getprop():', 'FDT_ERR_NOTFOUND')
  return property
}

const print =
  (depth: number) =>
  (machine: Machine, [, , path = '/', name]: readonly string[], working: number): number => {
    const tree = readTree(machine, working)
    const node = tree.node(path)
    if (name === undefined) return showNode(machine, tree, node, depth, working)
    const { value, offset } = getProperty(tree, node, name)
    const shown = showValue(value, working + offset, longestShown(machine))
    machine.out.write(value.length === 0 ? `${path} ${name}\n` : `${name} = ${shown}\n`)
    return 0
  }

/** Store a result in a variable; an empty text deletes it, as for all commands of U-Boot. Refusals are printed. */
function store(machine: Machine, variable: string, value: string): number {
  const refusals = machine.env.set(variable, value || null, { origin: 'program' })
  for (const refusal of refusals) machine.out.write(`${refusal}\n`)
  return 0
}

function getValue(machine: Machine, variable: string, value: Uint8Array, index: string | undefined): number {
  const text = storeValue(value, index === undefined ? null : parseDecimal(index))
  if (text === null) machine.out.write('error: unprintable value\n')
  return typeof text === 'string' ? store(machine, variable, text) : 1
}

function get(machine: Machine, args: readonly string[], working: number): number {
  const [, , what = '', variable, path, name, index] = args
  if (variable === undefined || path === undefined) return USAGE
  const kind = what.slice(0, 1)
  if (name === undefined && kind !== 's') return USAGE
  const tree = readTree(machine, working)
  const node = tree.node(path)
  if (name === undefined) return store(machine, variable, String([...tree.children(node)].length))
  if (kind === 'n') {
    const child = [...tree.children(node)][parseHex(name)]
    if (child !== undefined) return store(machine, variable, child.name)
    machine.out.write('libfdt node not found\n')
    return 1
  }
  const { value, offset } = getProperty(tree, node, name)
  if (kind === 'v') return getValue(machine, variable, value, index)
  if (kind === 'a') return store(machine, variable, bareHex(working + offset))
  if (kind === 's') return store(machine, variable, bareHex(value.length))
  return USAGE
}

type HeaderField = keyof typeof FDT_HEADER

/** Words of the header by the names of C, in the order of the header. */
const MEMBERS: readonly { readonly name: string; readonly field: HeaderField; readonly decimal?: boolean }[] = [
  { name: 'magic', field: 'magic' },
  { name: 'totalsize', field: 'totalSize' },
  { name: 'off_dt_struct', field: 'structure' },
  { name: 'off_dt_strings', field: 'strings' },
  { name: 'off_mem_rsvmap', field: 'reservations' },
  { name: 'version', field: 'version', decimal: true },
  { name: 'last_comp_version', field: 'compatible', decimal: true },
  { name: 'boot_cpuid_phys', field: 'bootCpu' },
  { name: 'size_dt_strings', field: 'stringsSize' },
  { name: 'size_dt_struct', field: 'structureSize' },
]

/** Values start at the third tab stop. */
const COLUMN = 24
const TAB = 8

function member(name: string, value: string): string {
  const label = `${name}:`
  return `${label}${'\t'.repeat(Math.ceil((COLUMN - label.length) / TAB))}${value}\n`
}

function header(machine: Machine, args: readonly string[], working: number): number {
  const tree = readTree(machine, working)
  if (args.length === 5) {
    const [, , verb = '', variable = '', name] = args
    const found = MEMBERS.find(row => row.name === name)
    if (!verb.startsWith('g') || found === undefined) return 1
    return store(machine, variable, bareHex(tree.header(found.field)))
  }
  const lines = MEMBERS.map(({ name, field, decimal }) => {
    const value = tree.header(field)
    const text = decimal ? String(value) : `0x${bareHex(value)}`
    return member(name, field === 'totalSize' ? `${text} (${value})` : text)
  })
  const count = `0x${bareHex(tree.reservations().length)}`
  machine.out.write(`${lines.join('')}${member('number mem_rsv', count)}\n`)
  return 0
}

export const showSubcommands: readonly FdtSubcommand[] = [
  { prefix: 'g', run: get },
  { prefix: 'p', run: print(DEEPEST) },
  { prefix: 'l', run: print(1) },
  { prefix: 'h', run: header },
]
