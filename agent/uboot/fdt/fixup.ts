/** `fdt memory`, `chosen`, `boardsetup`, `apply`, `checksign`: what a boot does to a tree, one by one. */

import { FauxbootError } from '../../errors.js'
import { parseFdt, writeFdt } from '../../image/fdt/fdt.js'
import type { FdtBlob } from '../../image/fdt/fdt-blob.js'
import { FdtEditor } from '../../image/fdt/fdt-edit.js'
import { applyOverlay } from '../../image/fdt/fdt-overlay.js'
import { encodeNumber, encodeString } from '../../image/fdt/fdt-query.js'
import { macAddressesOf } from '../env/mac-addresses.js'
import { parseHex } from '../lib/numbers.js'
import { type Machine, USAGE } from '../machine/machine.js'
import type { FdtSubcommand } from './subcommand.js'
import { stringsOf } from './value.js'
import { editErrorOf, readTree, validTree, writeTree } from './working-tree.js'

/** Cells of an address or a size below the root (Devicetree Specification v0.4, section 2.3.5). */
function rootCells(tree: FdtBlob, name: '#address-cells' | '#size-cells', missing: number): 1 | 2 {
  const value = tree.property(0, name)?.value
  const cells = value?.length === 4 ? Buffer.from(value).readUInt32BE(0) : missing
  return cells === 2 ? 2 : 1
}

const addressCells = (tree: FdtBlob) => rootCells(tree, '#address-cells', 2)

/**
 * Say where memory is: one range.
 *
 * @throws FDT_EDIT
 */
function fixMemory(tree: FdtEditor, start: number, size: number): void {
  const node = tree.ensureChild(0, 'memory')
  tree.setProperty(node, 'device_type', encodeString('memory'))
  if (start === 0 && size === 0) return
  const reg = [encodeNumber(start, addressCells(tree)), encodeNumber(size, rootCells(tree, '#size-cells', 1))]
  tree.setProperty(node, 'reg', Buffer.concat(reg))
}

/**
 * What U-Boot writes into `/chosen` at each boot: the command line, and who boots. A real one adds the address of its
 * SMBIOS table; none exists here, and a kernel would believe the address.
 *
 * @throws FDT_EDIT
 */
function fixChosen(tree: FdtEditor, machine: Machine): void {
  const node = tree.ensureChild(0, 'chosen')
  const bootargs = machine.env.get('bootargs')
  if (bootargs !== undefined) tree.setProperty(node, 'bootargs', Buffer.from(`${bootargs}\0`, 'latin1'))
  const version = machine.board.version.replace(/^U-Boot (\S+).*$/, '$1')
  tree.setProperty(node, 'u-boot,version', encodeString(version))
}

/**
 * Where the ramdisk is: the last reservation of its start is replaced.
 *
 * @param start address of the first byte
 * @param end as U-Boot gives it to the kernel; equal to `start`: there is no ramdisk
 * @throws FDT_EDIT
 */
function fixRamdisk(tree: FdtEditor, start: number, end: number): void {
  if (start === end) return
  const old = tree.reservations().findIndex(({ address }) => address === BigInt(start))
  if (old !== -1) tree.deleteReservation(old)
  tree.addReservation(BigInt(start), BigInt(end - start))
  const chosen = tree.ensureChild(0, 'chosen')
  const cells = addressCells(tree)
  tree.setProperty(chosen, 'linux,initrd-start', encodeNumber(start, cells))
  tree.setProperty(chosen, 'linux,initrd-end', encodeNumber(end, cells))
}

/** Give the interfaces of the aliases `ethernet0`, `ethernet1`... the addresses of `ethaddr`, `eth1addr`... */
function fixEthernet(tree: FdtEditor, machine: Machine): void {
  const aliases = tree.child(0, 'aliases')
  if (aliases === null) return
  const paths = [...tree.properties(aliases)].flatMap(({ name, value }) => {
    const [path] = stringsOf(value) ?? []
    return !/^ethernet\d+$/.test(name) || path === undefined ? [] : [{ alias: name, path }]
  })
  const addresses = macAddressesOf(machine.env)
  for (const { alias, path } of paths) {
    const address = addresses[alias]
    if (address === undefined) continue
    const mac = Buffer.from(address.replaceAll(':', ''), 'hex')
    for (const name of ['mac-address', 'local-mac-address']) {
      const node = tree.node(path)
      if (name === 'local-mac-address' || tree.property(node, name) !== null) tree.setProperty(node, name, mac)
    }
  }
}

function memory(machine: Machine, args: readonly string[], working: number): number {
  const [, , start, size] = args
  if (start === undefined || size === undefined || args.length > 4) return USAGE
  const tree = readTree(machine, working)
  fixMemory(tree, parseHex(start), parseHex(size))
  writeTree(machine, working, tree)
  return 0
}

function chosen(machine: Machine, args: readonly string[], working: number): number {
  if (args.length !== 2 && args.length !== 4) return USAGE
  const [, , start = '0', size] = args
  const tree = readTree(machine, working)
  fixChosen(tree, machine)
  const first = parseHex(start)
  fixRamdisk(tree, first, size === undefined ? first : first + parseHex(size) - 1)
  writeTree(machine, working, tree)
  return 0
}

function boardSetup(machine: Machine, _args: readonly string[], working: number): number {
  const tree = readTree(machine, working)
  fixEthernet(tree, machine)
  writeTree(machine, working, tree)
  return 0
}

/** libfdt's error for an overlay that cannot be applied. */
function overlayError({ code }: FauxbootError): string {
  return code === 'FDT_OVERLAY_BASE' ? 'FDT_ERR_NOTFOUND' : 'FDT_ERR_BADOVERLAY'
}

/** Apply an overlay; the working tree is as it was when that fails, where a real U-Boot leaves it unusable. */
function apply(machine: Machine, args: readonly string[], working: number): number {
  const [, , where] = args
  if (where === undefined || args.length !== 3) return USAGE
  const address = parseHex(where)
  if (!validTree(machine, address)) return 1
  const base = readTree(machine, working)
  try {
    const merged = writeFdt(applyOverlay(parseFdt(base.trimmed()), parseFdt(readTree(machine, address).trimmed())))
    writeTree(machine, working, FdtEditor.open(merged, base.header('totalSize')))
    return 0
  } catch (thrown) {
    if (!(thrown instanceof FauxbootError)) throw thrown
    const error = thrown.code === 'FDT_EDIT' ? editErrorOf(thrown) : overlayError(thrown)
    machine.out.write(`failed on fdt_overlay_apply(): ${error}\n`)
    if (base.child(0, '__symbols__') === null) {
      machine.out.write("base fdt does did not have a /__symbols__ node\nmake sure you've compiled with -@\n")
    } else {
      machine.out.write(`${thrown.message}\n`)
    }
    return 1
  }
}

/** The configurations of a FIT, and that nothing checks their signatures: there are no keys here. */
function checkSignatures(machine: Machine, [, , keys]: readonly string[], working: number): number {
  if (keys !== undefined && !validTree(machine, parseHex(keys))) return 1
  const tree = readTree(machine, working)
  const configurations = tree.child(0, 'configurations')
  const name = configurations === null ? null : tree.property(configurations, 'default')
  const [wanted = ''] = (name && stringsOf(name.value)) ?? []
  const configuration = configurations === null || name === null ? null : tree.child(configurations, wanted)
  if (configuration === null) {
    machine.out.write('Could not find configuration node: FDT_ERR_NOTFOUND\n')
    return 1
  }
  for (const child of tree.children(configuration)) {
    if (child.name.startsWith('signature')) machine.out.write(`${child.name} of ${wanted}: not checked\n`)
  }
  return 0
}

export const fixupSubcommands: readonly FdtSubcommand[] = [
  { prefix: 'me', run: memory },
  { prefix: 'boa', run: boardSetup },
  { prefix: 'cho', run: chosen },
  { prefix: 'che', run: checkSignatures },
  { prefix: 'ap', run: apply },
]
