/** Files on disks: `load`, `ls`, `size` and their names for one filesystem, `fstype`. */

import { deviceText } from '../../disk/block-text.js'
import { filesystemOf, mountable, type Place, placeOf } from '../../disk/device-partition.js'
import { loadFile } from '../../disk/load-file.js'
import type { DirectoryEntry } from '../../hardware/storage.js'
import { bareHex, parseHex, wholeHex } from '../../lib/numbers.js'
import { type Call, type Command, type Machine, USAGE } from '../../machine/machine.js'
import { defaultAddress } from '../../net/net-settings.js'

/** U-Boot tells a missing device from a wrong one. */
const NO_DEVICE = (kind: string): string => `** No device specified **\nCouldn't find partition ${kind} <NULL>\n`

/** @param filesystem that the command reads: `any`, `fat`, `ext4` */
async function load(machine: Machine, call: Call, filesystem: string): Promise<number> {
  const [, kind, device, addressText, typed, length = '0', offset = '0'] = call.args
  if (kind === undefined) return USAGE
  if (device === undefined) {
    machine.out.write(`${NO_DEVICE(kind)}Can't set block device\n`)
    return 1
  }
  const address = addressText === undefined ? defaultAddress(machine) : wholeHex(addressText)
  if (address === null) return USAGE
  const path = typed ?? machine.env.get('bootfile')
  if (path === undefined) {
    machine.out.write('** No boot file defined **\n')
    return 1
  }
  const range = { length: parseHex(length), offset: parseHex(offset) }
  return loadFile(machine, call, { kind, device, filesystem, path, address, ...range })
}

const DOTS: readonly DirectoryEntry[] = ['.', '..'].map(name => ({ name, directory: true, link: false, size: 0 }))

async function list(machine: Machine, call: Call, filesystem: string): Promise<number> {
  const { out, storage } = machine
  const [, kind, device, path = '/'] = call.args
  if (kind === undefined) return USAGE
  if (device === undefined) {
    out.write(NO_DEVICE(kind))
    return 1
  }
  const place = await mountable(machine, kind, device, filesystem)
  if (place === null) return 1
  const entries = await storage.list(place.device, place.partition?.number ?? 0, path)
  if (entries === null) return 1
  // The root directory of FAT is the only one without entries for itself and its parent.
  const dots = filesystemOf(place) === 'fat' && /^[/.]*$/.test(path) ? [] : DOTS
  const shown = [...dots, ...entries]
  const directories = shown.filter(({ directory }) => directory).length
  for (const { name, directory, link, size } of shown) {
    if (directory) out.write(`            ${name}/\n`)
    else out.write(`${link ? '    <SYM>' : ` ${String(size).padStart(8)}`}   ${name}\n`)
  }
  out.write(`\n${shown.length - directories} file(s), ${directories} dir(s)\n\n`)
  return 0
}

async function size(machine: Machine, call: Call, filesystem: string): Promise<number> {
  const [, kind, device, path] = call.args
  if (kind === undefined || device === undefined || path === undefined) return USAGE
  const place = await mountable(machine, kind, device, filesystem)
  if (place === null) return 1
  const bytes = await machine.storage.size(place.device, place.partition?.number ?? 0, path)
  if (bytes === null) return 1
  machine.env.set('filesize', bareHex(bytes), { origin: 'program' })
  return 0
}

async function fstype(machine: Machine, call: Call): Promise<number> {
  const { out, env } = machine
  const [, kind, device, variable] = call.args
  if (kind === undefined || device === undefined) return USAGE
  const place = await placeOf(machine, kind, device)
  if (place === null) return 1
  const found = filesystemOf(place)
  if (found === null) return 1
  if (variable === undefined) out.write(`${found}\n`)
  else for (const refusal of env.set(variable, found)) out.write(`${refusal}\n`)
  return 0
}

/** The head of a partition's file system. */
async function headOf({ storage }: Machine, { device, partition }: Place, { signal }: Call): Promise<Buffer> {
  const pieces: Uint8Array[] = [new Uint8Array(0)]
  const sink = (chunk: Uint8Array): void => void pieces.push(chunk)
  await storage.read(device, partition?.number ?? 0, '', { offset: 0, length: HEAD_BYTES }, sink, signal)
  const head = Buffer.alloc(HEAD_BYTES)
  Buffer.concat(pieces).copy(head)
  return head
}

/** Bytes that hold the boot sector of FAT, and the superblock of ext4 at 1024. */
const HEAD_BYTES = 2048

/** What a boot sector of FAT says of its file system: fields of FAT32 lie elsewhere (Microsoft's fatgen103). */
function fatFacts(head: Buffer): { readonly bits: number; readonly label: string; readonly serial: string } {
  const fat32 = head.readUInt16LE(22) === 0
  const at = fat32 ? 67 : 39
  const serial = head.readUInt32LE(at).toString(16).toUpperCase().padStart(8, '0')
  const bits = fat32 ? 32 : head.toString('latin1', at + 15, at + 20) === 'FAT12' ? 12 : 16
  return { bits, label: head.toString('latin1', at + 4, at + 15), serial: `${serial.slice(0, 4)}-${serial.slice(4)}` }
}

async function fatinfo(machine: Machine, call: Call): Promise<number> {
  const { out } = machine
  const [, kind, device] = call.args
  if (kind === undefined || device === undefined) {
    out.write('usage: fatinfo <interface> [<dev[:part]>]\n')
    return 0
  }
  const place = await placeOf(machine, kind, device)
  if (place === null) return 1
  const { number } = place.device
  if (filesystemOf(place) !== 'fat') {
    out.write(`\n** Unable to use ${kind} ${number}:${place.partition?.number ?? 0} for fatinfo **\n`)
    return 1
  }
  const { bits, label } = fatFacts(await headOf(machine, place, call))
  out.write(`Interface:  ${kind}\n  Device ${number}: ${deviceText(place.device)}Filesystem: FAT${bits} "${label}"\n`)
  return 0
}

/** Bytes of ext4's UUID, from the start of the partition. */
const EXT4_UUID = [1024 + 104, 1024 + 120] as const

async function fsuuid(machine: Machine, call: Call): Promise<number> {
  const { out, env } = machine
  const [, kind, device, variable] = call.args
  if (kind === undefined || device === undefined) return USAGE
  const place = await placeOf(machine, kind, device)
  if (place === null) return 1
  const filesystem = filesystemOf(place)
  if (filesystem !== 'fat' && filesystem !== 'ext4') return 1
  const head = await headOf(machine, place, call)
  const id = head.toString('hex', ...EXT4_UUID).replace(/^(.{8})(.{4})(.{4})(.{4})/, '$1-$2-$3-$4-')
  const value = filesystem === 'fat' ? fatFacts(head).serial : id
  if (variable === undefined) out.write(`${value}\n`)
  else for (const refusal of env.set(variable, value)) out.write(`${refusal}\n`)
  return 0
}

const LOAD_ARGUMENTS = '<interface> [<dev[:part]> [<addr> [<filename> [bytes [pos]]]]]\n'

const LOAD_USAGE =
  `${LOAD_ARGUMENTS}    - Load binary file 'filename' from partition 'part' on device\n` +
  "       type 'interface' instance 'dev' to address 'addr' in memory.\n" +
  "      'bytes' gives the size to load in bytes.\n" +
  "      If 'bytes' is 0 or omitted, the file is read until the end.\n" +
  "      'pos' gives the file byte position to start reading from.\n" +
  "      If 'pos' is 0 or omitted, the file is read from the start."

const FATLOAD_USAGE =
  `${LOAD_ARGUMENTS}    - Load binary file 'filename' from 'dev' on 'interface'\n` +
  "      to address 'addr' from dos filesystem.\n" +
  "      'pos' gives the file position to start loading from.\n" +
  "      If 'pos' is omitted, 0 is used. 'pos' requires 'bytes'.\n" +
  "      'bytes' gives the size to load. If 'bytes' is 0 or omitted,\n" +
  '      the load stops on end of file.\n' +
  "      If either 'pos' or 'bytes' are not aligned to\n" +
  '      ARCH_DMA_MINALIGN then a misaligned buffer warning will\n' +
  '      be printed and performance will suffer for the load.'

const extLoadUsage = (filesystem: string): string =>
  "<interface> [<dev[:part]> [addr [filename [bytes [pos]]]]]\n    - load binary file 'filename' from 'dev' on 'interface'\n" +
  `      to address 'addr' from ${filesystem}`

const LS_USAGE =
  "<interface> [<dev[:part]> [directory]]\n    - List files in directory 'directory' of partition 'part' on\n" +
  "      device type 'interface' instance 'dev'."

const LS_OF = "\n    - list files from 'dev' on 'interface' in a 'directory'"
const FATLS_USAGE = `<interface> [<dev[:part]>] [directory]${LS_OF}`
const EXTLS_USAGE = `<interface> <dev[:part]> [directory]${LS_OF}`

const SIZE_OF = "<interface> <dev[:part]> <filename>\n    - Find file 'filename' from 'dev' on 'interface'\n      "
const SIZE_USAGE = `${SIZE_OF}determine its size, and store in the 'filesize' variable.`
const OTHER_SIZE_USAGE = `${SIZE_OF}and determine its size.`

type Verb = (machine: Machine, call: Call, filesystem: string) => Promise<number>
type Row = readonly [name: string, verb: Verb, filesystem: string, maxArgs: number, summary: string, usage: string]

const LIST_SUMMARY = 'list files in a directory (default /)'
const SIZE_SUMMARY = "determine a file's size"

const ROWS: readonly Row[] = [
  ['ext2load', load, 'ext4', 7, 'load binary file from a Ext2 filesystem', extLoadUsage('ext2 filesystem.')],
  ['ext2ls', list, 'ext4', 4, LIST_SUMMARY, EXTLS_USAGE],
  ['ext4load', load, 'ext4', 7, 'load binary file from a Ext4 filesystem', extLoadUsage('ext4 filesystem')],
  ['ext4ls', list, 'ext4', 4, LIST_SUMMARY, EXTLS_USAGE],
  ['ext4size', size, 'ext4', 4, SIZE_SUMMARY, OTHER_SIZE_USAGE],
  ['fatload', load, 'fat', 7, 'load binary file from a dos filesystem', FATLOAD_USAGE],
  ['fatls', list, 'fat', 4, LIST_SUMMARY, FATLS_USAGE],
  ['fatsize', size, 'fat', 4, SIZE_SUMMARY, OTHER_SIZE_USAGE],
  ['load', load, 'any', 7, 'load binary file from a filesystem', LOAD_USAGE],
  ['ls', list, 'any', 4, LIST_SUMMARY, LS_USAGE],
  ['size', size, 'any', 4, SIZE_SUMMARY, SIZE_USAGE],
]

export const fileCommands: readonly Command[] = [
  ...ROWS.map(([name, verb, filesystem, maxArgs, summary, usage]) => ({
    name,
    maxArgs,
    summary,
    usage,
    run: (machine: Machine, call: Call) => verb(machine, call, filesystem),
  })),
  {
    name: 'fstype',
    maxArgs: 4,
    repeatable: true,
    summary: 'Look up a filesystem type',
    usage:
      '<interface> <dev>:<part>\n- print filesystem type\n' +
      'fstype <interface> <dev>:<part> <varname>\n- set environment variable to filesystem type\n',
    run: fstype,
  },
  {
    name: 'fstypes',
    maxArgs: 1,
    repeatable: true,
    summary: 'List supported filesystem types',
    usage: '',
    run({ out }) {
      out.write('Supported filesystems: fat, ext4, btrfs, squashfs, erofs, exfat\n')
      return 0
    },
  },
  {
    name: 'fsuuid',
    maxArgs: 4,
    repeatable: true,
    summary: 'Look up a filesystem UUID',
    usage:
      '<interface> <dev>:<part>\n    - print filesystem UUID\n' +
      'fsuuid <interface> <dev>:<part> <varname>\n    - set environment variable to filesystem UUID\n',
    run: fsuuid,
  },
  {
    name: 'fatinfo',
    maxArgs: 3,
    repeatable: true,
    summary: 'print information about filesystem',
    usage: "<interface> [<dev[:part]>]\n    - print information about filesystem from 'dev' on 'interface'",
    run: fatinfo,
  },
]
