/** `dm tree` and `pinmux`: the devices that this U-Boot has, as its driver model would show them. */

import { type Call, type Command, type Machine, USAGE } from '../../machine/machine.js'

interface Device {
  readonly uclass: string
  readonly driver: string
  readonly name: string
  readonly children: readonly Device[]
}

/** Kinds of disks in the order in which U-Boot looks for them. */
const DISKS = ['mmc', 'usb', 'scsi', 'virtio'] as const

async function devicesOf({ network, storage }: Machine): Promise<readonly Device[]> {
  const serial = { uclass: 'serial', driver: 'linux_tty', name: 'console', children: [] }
  const nets = (await network.devices()).map(({ name }) => ({
    uclass: 'ethernet',
    driver: 'linux_net',
    name,
    children: [],
  }))
  const disks = (await Promise.all(DISKS.map(kind => storage.devices(kind)))).flat()
  const blocks = disks.map(({ kind, number, partitions }) => ({
    uclass: 'blk',
    driver: 'linux_blk',
    name: `${kind}#${number}`,
    children: partitions.map(part => ({
      uclass: 'partition',
      driver: 'blk_partition',
      name: `${kind}#${number}:${part.number}`,
      children: [],
    })),
  }))
  return [serial, ...nets, ...blocks]
}

const HEAD =
  ' Class     Seq    Probed  Driver                Name\n-----------------------------------------------------------\n'

/** Rows of a level of the tree; numbers count the devices of a class. */
function rows(devices: readonly Device[], indent: string, counts: Map<string, number>): string {
  return devices
    .map(({ uclass, driver, name, children }, at) => {
      const number = counts.get(uclass) ?? 0
      counts.set(uclass, number + 1)
      const last = at === devices.length - 1
      const row = ` ${uclass.padEnd(10)} ${String(number).padStart(3)}  [ + ]   ${driver.padEnd(20)}  `
      return `${row}${indent}${last ? '`' : '|'}-- ${name}\n${rows(children, `${indent}${last ? ' ' : '|'}   `, counts)}`
    })
    .join('')
}

async function tree(machine: Machine): Promise<number> {
  const root = ` root         0  [ + ]   ${'root_driver'.padEnd(20)}  root_driver\n`
  machine.out.write(`${HEAD}${root}${rows(await devicesOf(machine), '', new Map())}`)
  return 0
}

/** The kernel of the first stage has muxed the pins: there is no controller to ask. */
function pinmux({ out }: Machine, { args: [, verb, word] }: Call): number {
  if (verb === 'list') {
    out.write(`| ${'Device'.padEnd(30)}| ${'Driver'.padEnd(30)}| Parent\n`)
    return 0
  }
  if (verb === 'dev') {
    out.write(word === undefined ? 'Pin-controller device is not set!\n' : `Can't get the pin-controller: ${word}!\n`)
    return word === undefined ? USAGE : 1
  }
  if (verb !== 'status') return USAGE
  if (word === '-a') return 0
  out.write(word === undefined ? 'pin-controller device not selected\n' : `${word} not found\n`)
  return 1
}

export const deviceCommands: readonly Command[] = [
  {
    name: 'dm',
    maxArgs: 4,
    repeatable: true,
    summary: 'Driver model low level access',
    usage: 'tree   Dump tree of driver model devices',
    run: (machine, { args: [, verb] }) => (verb === 'tree' ? tree(machine) : USAGE),
  },
  {
    name: 'pinmux',
    maxArgs: 64,
    repeatable: true,
    summary: 'show pin-controller muxing',
    usage:
      'list                     - list UCLASS_PINCTRL devices\n' +
      'pinmux dev [pincontroller-name] - select pin-controller device\n' +
      'pinmux status [-a | pin-name]   - print pin-controller muxing [for all | for pin-name]\n',
    run: pinmux,
  },
]
