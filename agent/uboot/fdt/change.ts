/** `fdt set`, `mknode`, `rm`, `bootcpu`, `rsvmem`: changes of the working tree. */

import type { FdtEditor } from '../../image/fdt/fdt-edit.js'
import { bareHex, parseHex } from '../lib/numbers.js'
import { type Machine, USAGE } from '../machine/machine.js'
import type { FdtSubcommand } from './subcommand.js'
import { parseValue, VALUE_LIMIT } from './value.js'
import { readTree, writeTree } from './working-tree.js'

/** Read the working tree, change it, and put it back unless the change failed. */
function edit(machine: Machine, working: number, change: (tree: FdtEditor) => void): number {
  const tree = readTree(machine, working)
  change(tree)
  writeTree(machine, working, tree)
  return 0
}

/** 64 bits, unlike other numbers: a tree may be about more memory than the machine has. */
const parseWide = (text: string): bigint => {
  const [digits = ''] = /^[0-9a-fA-F]+/.exec(text.replace(/^0[xX]/, '')) ?? []
  return BigInt.asUintN(64, BigInt(`0x${digits || '0'}`))
}

function set(machine: Machine, [, , path, name, ...words]: readonly string[], working: number): number {
  if (path === undefined || name === undefined) return USAGE
  const tree = readTree(machine, working)
  const node = tree.node(path)
  const old = tree.property(node, name)?.value ?? new Uint8Array()
  if (words.length > 0 && old.length > VALUE_LIMIT) {
    machine.out.write(`prop (${old.length}) doesn't fit in scratchpad!\n`)
    return 1
  }
  const parsed = words.length === 0 ? { value: new Uint8Array() } : parseValue(words, old)
  if ('error' in parsed) {
    machine.out.write(`${parsed.error}\n`)
    return 1
  }
  tree.setProperty(node, name, parsed.value)
  writeTree(machine, working, tree)
  return 0
}

function makeNode(machine: Machine, [, , path, name]: readonly string[], working: number): number {
  if (path === undefined || name === undefined) return USAGE
  return edit(machine, working, tree => tree.addNode(tree.node(path), name))
}

function remove(machine: Machine, [, , path, name]: readonly string[], working: number): number {
  if (path === undefined) return USAGE
  return edit(machine, working, tree => {
    const node = tree.node(path)
    if (name === undefined) tree.deleteNode(node)
    else tree.deleteProperty(node, name)
  })
}

function bootCpu(machine: Machine, args: readonly string[], working: number): number {
  const [, , id] = args
  if (id === undefined || args.length > 3) return USAGE
  return edit(machine, working, tree => tree.setHeader('bootCpu', parseHex(id)))
}

const wide = (value: bigint) => value.toString(16).padStart(16, '0')

function showReservations(machine: Machine, working: number): number {
  const rows = readTree(machine, working)
    .reservations()
    .map(({ address, size }, i) => `    ${bareHex(i)}\t${wide(address)}\t${wide(size)}\n`)
  machine.out.write(`index\t\t   start\t\t    size\n${'-'.repeat(48)}\n${rows.join('')}`)
  return 0
}

function reservations(machine: Machine, [, , verb = '', first, second]: readonly string[], working: number): number {
  if (verb.startsWith('p')) return showReservations(machine, working)
  if (verb.startsWith('a') && first !== undefined && second !== undefined) {
    return edit(machine, working, tree => tree.addReservation(parseWide(first), parseWide(second)))
  }
  if (verb.startsWith('d') && first !== undefined) {
    return edit(machine, working, tree => tree.deleteReservation(parseHex(first)))
  }
  return USAGE
}

export const changeSubcommands: readonly FdtSubcommand[] = [
  { prefix: 'mk', run: makeNode },
  { prefix: 'se', run: set },
  { prefix: 'rm', run: remove },
  { prefix: 'boo', run: bootCpu },
  { prefix: 'rs', run: reservations },
]
