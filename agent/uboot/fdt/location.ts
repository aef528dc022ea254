/** `fdt addr`, `move`, `resize`: the address and size of the working tree. */

import { FdtEditor } from '../../image/fdt/fdt-edit.js'
import { hex8, parseHex } from '../lib/numbers.js'
import { type Machine, USAGE } from '../machine/machine.js'
import type { FdtSubcommand } from './subcommand.js'
import { editErrorOf, isTree, readTree, setWorkingTree, validTree, writeTree } from './working-tree.js'

/** The address of U-Boot's own tree, or null. */
function controlAddress(machine: Machine): number | null {
  const address = machine.env.get('fdtcontroladdr')
  return address === undefined ? null : parseHex(address)
}

function showAddress(machine: Machine, control: boolean): number {
  const address = control ? controlAddress(machine) : machine.state.workingFdt
  if (address === null) return 1
  // U-Boot's own tree need not lie in the DRAM that commands reach.
  if (!control && !validTree(machine, address)) return 1
  machine.out.write(`${control ? 'Control' : 'Working'} fdt: ${hex8(address)}\n`)
  return 0
}

/** Raise the total size of the tree at an address. */
function grow(machine: Machine, address: number, size: number, quiet: boolean): void {
  const tree = readTree(machine, address)
  const old = tree.header('totalSize')
  if (size < old) {
    if (!quiet) machine.out.write(`New length ${size} < existing length ${old}, ignoring\n`)
    return
  }
  try {
    writeTree(machine, address, FdtEditor.open(tree.bytes, size))
  } catch (thrown) {
    const error = editErrorOf(thrown)
    if (!quiet) machine.out.write(`libfdt fdt_open_into(): ${error}\n`)
  }
}

function address(machine: Machine, args: readonly string[]): number {
  const words = args.slice(2)
  const count = words.findIndex(word => !word.startsWith('-'))
  const options = count === -1 ? words : words.slice(0, count)
  const letters = new Set(options.flatMap(option => [...option.slice(1)]))
  if ([...letters].some(letter => letter !== 'c' && letter !== 'q')) return USAGE
  const [where, size] = words.slice(options.length)
  const [control, quiet] = [letters.has('c'), letters.has('q')]
  if (where === undefined) return showAddress(machine, control)
  const target = parseHex(where)
  if (!(quiet ? isTree : validTree)(machine, target)) return 1
  if (control) machine.env.set('fdtcontroladdr', where, { origin: 'program' })
  else setWorkingTree(machine, target, { quiet })
  if (size !== undefined) grow(machine, target, parseHex(size), quiet)
  return 0
}

function move(machine: Machine, [, , from, to, length]: readonly string[]): number {
  if (from === undefined || to === undefined) return USAGE
  machine.state.workingFdt = parseHex(from)
  if (!validTree(machine, machine.state.workingFdt)) {
    machine.state.workingFdt = null
    return 1
  }
  const tree = readTree(machine, machine.state.workingFdt)
  const old = tree.header('totalSize')
  const size = length === undefined ? old : parseHex(length)
  if (size < old) {
    const [longer, shorter] = [old, size].map(value => value.toString(16).toUpperCase())
    machine.out.write(`New length 0x${shorter} < existing length 0x${longer}, aborting.\n`)
    return 1
  }
  writeTree(machine, parseHex(to), FdtEditor.open(tree.bytes, size))
  setWorkingTree(machine, parseHex(to))
  return 0
}

function resize(machine: Machine, [, , extra = '0']: readonly string[], working: number): number {
  const tree = readTree(machine, working)
  tree.resize(working, parseHex(extra))
  writeTree(machine, working, tree)
  return 0
}

export const placeSubcommands: readonly FdtSubcommand[] = [
  { prefix: 'ad', unplaced: true, run: address },
  { prefix: 'mo', unplaced: true, run: move },
  { prefix: 're', run: resize },
]
