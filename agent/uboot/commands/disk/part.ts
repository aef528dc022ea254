/** Partitions: `part` and `read`. */

import { tableText } from '../../disk/block-text.js'
import { deviceOf, lookUp } from '../../disk/device-partition.js'
import type { Partition } from '../../hardware/storage.js'
import { bareHex, parseHex } from '../../lib/numbers.js'
import { LoadTarget } from '../../machine/load-target.js'
import { type Call, type Command, type Machine, USAGE } from '../../machine/machine.js'

/** Store a value in a variable, or print it if none is named. */
function deliver(machine: Machine, value: string, variable: string | undefined): number {
  if (variable === undefined) {
    machine.out.write(`${value}\n`)
    return 0
  }
  const refusals = machine.env.set(variable, value)
  for (const refusal of refusals) machine.out.write(`${refusal}\n`)
  return refusals.length === 0 ? 0 : 1
}

async function uuid(machine: Machine, [kind, device, variable]: readonly string[]): Promise<number> {
  if (kind === undefined || device === undefined) return USAGE
  const place = await lookUp(machine, kind, device)
  return place === null ? 1 : deliver(machine, place.partition?.uuid ?? '', variable)
}

async function list(machine: Machine, words: readonly string[]): Promise<number> {
  const flags = words.filter(word => word.startsWith('-'))
  const [kind, number, variable] = words.filter(word => !word.startsWith('-'))
  if (kind === undefined || number === undefined || flags.some(flag => flag !== '-bootable')) return USAGE
  if (flags.length > 0 && variable === undefined) return USAGE
  const device = await deviceOf(machine, kind, number)
  if (device === null) return 1
  if (variable !== undefined) {
    const wanted = device.partitions.filter(({ bootable }) => bootable || flags.length === 0)
    const value = wanted.map(partition => bareHex(partition.number)).join(' ')
    // No partitions, no variable: scripts ask with `env exists`.
    if (value !== '') return deliver(machine, value, variable)
    machine.env.set(variable, null)
    return 0
  }
  const table = tableText(device)
  machine.out.write(table ?? `## Unknown partition table type 0\n`)
  return table === null ? 1 : 0
}

/** Facts about a partition, named by number, UUID or name. */
const PROPERTIES: Readonly<Record<string, (partition: Partition) => string>> = {
  start: ({ start }) => bareHex(start),
  size: ({ size }) => bareHex(size),
  number: ({ number }) => `0x${bareHex(number)}`,
  name: ({ name }) => name,
}

async function property(machine: Machine, verb: string, words: readonly string[]): Promise<number> {
  const [kind, number, part, variable] = words
  const tell = PROPERTIES[verb]
  if (tell === undefined || kind === undefined || number === undefined || part === undefined) return USAGE
  const device = await deviceOf(machine, kind, number)
  if (device === null) return 1
  const byNumber = verb === 'number' ? Number.NaN : Number.parseInt(part, 16)
  const found =
    device.partitions.find(({ name, uuid }) => name === part || uuid.toLowerCase() === part.toLowerCase()) ??
    device.partitions.find(partition => partition.number === byNumber)
  return found === undefined ? 1 : deliver(machine, tell(found), variable)
}

function types(machine: Machine): number {
  machine.out.write('Supported partition tables: EFI, DOS\n')
  return 0
}

function part(machine: Machine, call: Call): Promise<number> | number {
  const [, verb = '', ...words] = call.args
  if (verb === 'uuid') return uuid(machine, words)
  if (verb === 'list') return list(machine, words)
  if (verb === 'types') return types(machine)
  return Object.hasOwn(PROPERTIES, verb) ? property(machine, verb, words) : USAGE
}

const SECTOR = 512

/** `read`: blocks of a partition into memory, without a word. */
async function read(machine: Machine, call: Call): Promise<number> {
  const [, kind, name, address, from, many] = call.args
  if (kind === undefined || name === undefined || address === undefined || from === undefined || many === undefined)
    return USAGE
  const place = await lookUp(machine, kind, name)
  if (place === null) return 1
  const [block, count] = [parseHex(from), parseHex(many)]
  const say = (what: string): number => {
    machine.out.write(`read ${what}\n`)
    return 1
  }
  const { device, partition } = place
  if (partition !== null && block + count > partition.size) return say('out of range')
  const target = new LoadTarget(machine, parseHex(address), `${kind} ${name} block ${bareHex(block)}`)
  const range = { offset: block * SECTOR, length: count * SECTOR }
  const sink = (chunk: Uint8Array): void => target.write(chunk)
  await machine.storage.read(device, partition?.number ?? 0, '', range, sink, call.signal)
  return target.received === range.length ? 0 : say('error')
}

export const partCommands: readonly Command[] = [
  {
    name: 'read',
    maxArgs: 6,
    summary: 'Load binary data from a partition',
    usage: '<interface> <dev[:part|#partname]> addr blk# cnt',
    run: read,
  },
  {
    name: 'part',
    maxArgs: 64,
    repeatable: true,
    summary: 'disk partition related commands',
    usage:
      'uuid <interface> <dev>:<part>\n    - print partition UUID\n' +
      'part uuid <interface> <dev>:<part> <varname>\n    - set environment variable to partition UUID\n' +
      "part list <interface> <dev>\n    - print a device's partition table\n" +
      'part list <interface> <dev> [flags] <varname>\n    - set environment variable to the list of partitions\n' +
      '      flags can be -bootable (list only bootable partitions)\n' +
      'part start <interface> <dev> <part> <varname>\n' +
      '    - set environment variable to the start of the partition (in blocks)\n' +
      '      part can be either partition number, UUID or name\n' +
      'part size <interface> <dev> <part> <varname>\n' +
      '    - set environment variable to the size of the partition (in blocks)\n' +
      '      part can be either partition number, UUID or name\n' +
      'part number <interface> <dev> <part> <varname>\n' +
      '    - set environment variable to the partition number using the partition UUID or name\n' +
      '      part must be specified as partition UUID or name\n' +
      'part name <interface> <dev> <part> <varname>\n' +
      '    - set environment variable to the partition name using the partition number\n' +
      '      part must be specified as partition number\n' +
      'part set <interface> <dev> type\n    - set partition type for a device\n' +
      'part types\n    - list supported partition table types',
    run: part,
  },
]
