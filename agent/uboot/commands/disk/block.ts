/** Block devices by kind: `mmc`, `usb`, `scsi`, `virtio`. Linux finds them; starting and scanning only look again. */

import { deviceText, tableText } from '../../disk/block-text.js'
import type { BlockDevice } from '../../hardware/storage.js'
import { bareHex, parseHex } from '../../lib/numbers.js'
import { sizeText } from '../../lib/size-text.js'
import { LoadTarget } from '../../machine/load-target.js'
import { type Call, type Command, type Machine, USAGE } from '../../machine/machine.js'

/** A subcommand of a kind. @returns `$?` */
type Verb = (machine: Machine, kind: string, words: readonly string[], call: Call) => Promise<number>

const SECTOR = 512

function currentNumber({ state }: Machine, kind: string): number {
  return state.currentDevices.get(kind) ?? 0
}

async function find(machine: Machine, kind: string, number: number): Promise<BlockDevice | null> {
  return (await machine.storage.devices(kind)).find(device => device.number === number) ?? null
}

/** All devices with their three lines. */
const info: Verb = async (machine, kind) => {
  const { out } = machine
  const devices = await machine.storage.devices(kind)
  for (const device of devices) out.write(`Device ${device.number}: ${deviceText(device)}`)
  return 0
}

/** `usb storage` */
const storageInfo: Verb = async (machine, kind) => {
  const { out } = machine
  const devices = await machine.storage.devices(kind)
  if (devices.length === 0) {
    out.write("No storage devices, perhaps not 'usb start'ed..?\n")
    return 1
  }
  for (const device of devices) out.write(`  Device ${device.number}: ${deviceText(device)}`)
  return 0
}

/** Show the current device, or choose another. */
const select: Verb = async (machine, kind, [word]) => {
  const { out } = machine
  const number = word === undefined ? currentNumber(machine, kind) : parseHex(word)
  const device = await find(machine, kind, number)
  if (word === undefined && device === null) {
    out.write(`\nno ${kind} devices available\n`)
    return 1
  }
  out.write(`\nDevice ${number}: ${device === null ? 'unknown device\n' : deviceText(device)}`)
  if (device === null) return 1
  if (word === undefined) return 0
  machine.state.currentDevices.set(kind, number)
  out.write('... is now current device\n')
  return 0
}

/** Partition tables of all devices, or of one. */
const parts: Verb = async (machine, kind, [word]) => {
  const { out } = machine
  const devices = await machine.storage.devices(kind)
  const wanted = word === undefined ? devices : devices.filter(({ number }) => number === parseHex(word))
  const tables = wanted.flatMap(device => tableText(device) ?? [])
  if (tables.length > 0) out.write(tables.join('\n'))
  else if (word === undefined) out.write(`\nno ${kind} partition table available\n`)
  else out.write(`\n${kind} device ${parseHex(word)} not available\n`)
  return tables.length > 0 ? 0 : 1
}

/** Blocks into memory: `read addr blk# cnt`. */
const read: Verb = async (machine, kind, words, call) => {
  const [address, block, count] = words.map(parseHex)
  const { out, storage } = machine
  if (address === undefined || block === undefined || count === undefined) return USAGE
  const number = currentNumber(machine, kind)
  const device = await find(machine, kind, number)
  if (device === null) {
    out.write(`\nno ${kind} devices available\n`)
    return 1
  }
  out.write(`\n${kind.toUpperCase()} read: dev # ${number}, block # ${block}, count ${count} ... `)
  const target = new LoadTarget(machine, address, `${kind} ${number} block ${bareHex(block)}`)
  const range = { offset: block * SECTOR, length: count * SECTOR }
  await storage.read(device, 0, '', range, chunk => target.write(chunk), call.signal)
  const blocks = Math.floor(target.received / SECTOR)
  const complete = blocks === count
  out.write(`${blocks} blocks read: ${complete ? 'OK' : 'ERROR'}\n`)
  return complete ? 0 : 1
}

/** What would change a disk: it is the first stage's, and stays as it is. */
const refuse: Verb = async machine => {
  machine.out.write('## fauxboot: disks are only read\n')
  return 1
}

/** Linux has done it already. */
const nothing: Verb = async () => 0

const usbStart: Verb = async (machine, kind) => {
  const { out } = machine
  const devices = await machine.storage.devices(kind)
  if (devices.length === 0) return 0
  out.write(`starting USB...\n       scanning usb for storage devices... ${devices.length} Storage Device(s) found\n`)
  return 0
}

const scsiScan: Verb = async (machine, kind) => {
  const { out } = machine
  out.write('scanning bus for devices...\n')
  for (const device of await machine.storage.devices(kind))
    out.write(`  Device ${device.number}: ${deviceText(device)}`)
  return 0
}

const mmcName = ({ node, number, removable }: BlockDevice): string =>
  `${node}: ${number}${removable ? ' (SD)' : ' (eMMC)'}`

const mmcList: Verb = async (machine, kind) => {
  for (const device of await machine.storage.devices(kind)) machine.out.write(`${mmcName(device)}\n`)
  return 0
}

const mmcSelect: Verb = async (machine, kind, [word]) => {
  const { out } = machine
  const number = word === undefined ? currentNumber(machine, kind) : parseHex(word)
  if ((await find(machine, kind, number)) === null) {
    out.write(
      word === undefined
        ? 'No MMC device available\n'
        : `MMC Device ${number} not found\nno mmc device at slot ${number}\n`,
    )
    return 1
  }
  machine.state.currentDevices.set(kind, number)
  out.write(`switch to partitions #0, OK\nmmc${number} is current device\n`)
  return 0
}

const mmcInfo: Verb = async (machine, kind) => {
  const device = await find(machine, kind, currentNumber(machine, kind))
  if (device === null) {
    machine.out.write('No MMC device available\n')
    return 1
  }
  const { node, product, removable, size } = device
  machine.out.write(`Device: ${node}\nName: ${product} \nRd Block Len: ${SECTOR}\n${removable ? 'SD' : 'MMC'} card\n`)
  machine.out.write(`Capacity: ${sizeText(size)}\n`)
  return 0
}

const mmcRescan: Verb = async (machine, kind) =>
  (await find(machine, kind, currentNumber(machine, kind))) === null ? 1 : 0

interface Kind {
  readonly kind: string
  readonly maxArgs: number
  readonly summary: string
  readonly usage: string
  readonly verbs: Readonly<Record<string, Verb>>
}

const READ_WRITE = { read, write: refuse }

const KINDS: readonly Kind[] = [
  {
    kind: 'mmc',
    maxArgs: 29,
    summary: 'MMC sub system',
    usage:
      'info - display info of the current MMC device\nmmc read addr blk# cnt\nmmc write addr blk# cnt\n' +
      'mmc erase blk# cnt\nmmc rescan [mode]\nmmc part - lists available partition on current mmc device\n' +
      'mmc dev [dev] [part] [mode] - show or set current mmc device [partition] and set mode\n' +
      '  - the required speed mode is passed as the index from the following list\n' +
      '    [MMC_LEGACY, MMC_HS, SD_HS, MMC_HS_52, MMC_DDR_52, UHS_SDR12, UHS_SDR25,\n' +
      '    UHS_SDR50, UHS_DDR50, UHS_SDR104, MMC_HS_200, MMC_HS_400, MMC_HS_400_ES]\n' +
      'mmc list - lists available devices\n',
    verbs: {
      info: mmcInfo,
      list: mmcList,
      dev: mmcSelect,
      part: (machine, kind, _, call) => parts(machine, kind, [bareHex(currentNumber(machine, kind))], call),
      rescan: mmcRescan,
      erase: refuse,
      ...READ_WRITE,
    },
  },
  {
    kind: 'scsi',
    maxArgs: 5,
    summary: 'SCSI sub-system',
    usage:
      'info  - show available SCSI devices\nscsi scan  - (re-)scan SCSI bus\n' +
      'scsi device [dev] - show or set current device\n' +
      'scsi part [dev] - print partition table of one or all SCSI devices\n' +
      "scsi read addr blk# cnt - read `cnt' blocks starting at block `blk#'\n     to memory address `addr'\n" +
      "scsi write addr blk# cnt - write `cnt' blocks starting at block\n     `blk#' from memory address `addr'\nscsi erase blk# cnt - erase `cnt' blocks starting at block `blk#'",
    verbs: { reset: scsiScan, scan: scsiScan, info, dev: select, device: select, part: parts, ...READ_WRITE },
  },
  {
    kind: 'usb',
    maxArgs: 5,
    summary: 'USB sub-system',
    usage:
      'start - start (scan) USB controller\nusb reset - reset (rescan) USB controller\n' +
      'usb stop [f] - stop USB [f]=force stop\nusb tree - show USB device tree\n' +
      'usb info [dev] - show available USB devices\n' +
      'usb test [dev] [port] [mode] - set USB 2.0 test mode\n' +
      "    (specify port 0 to indicate the device's upstream port)\n" +
      '    Available modes: J, K, S[E0_NAK], P[acket], F[orce_Enable]\n' +
      'usb storage - show details of USB storage devices\nusb dev [dev] - show or set current USB storage device\n' +
      'usb part [dev] - print partition table of one or all USB storage    devices\n' +
      "usb read addr blk# cnt - read `cnt' blocks starting at block `blk#'\n    to memory address `addr'\n" +
      "usb write addr blk# cnt - write `cnt' blocks starting at block `blk#'\n    from memory address `addr'",
    verbs: {
      start: usbStart,
      reset: usbStart,
      stop: nothing,
      tree: storageInfo,
      info: storageInfo,
      storage: storageInfo,
      dev: select,
      device: select,
      part: parts,
      ...READ_WRITE,
    },
  },
  {
    kind: 'virtio',
    maxArgs: 8,
    summary: 'virtio block devices sub-system',
    usage:
      'scan - initialize virtio bus\nvirtio info - show all available virtio block devices\n' +
      'virtio device [dev] - show or set current virtio block device\n' +
      'virtio part [dev] - print partition table of one or all virtio block devices\n' +
      "virtio read addr blk# cnt - read `cnt' blocks starting at block\n     `blk#' to memory address `addr'\n" +
      "virtio write addr blk# cnt - write `cnt' blocks starting at block\n     `blk#' from memory address `addr'",
    verbs: { scan: nothing, info, dev: select, device: select, part: parts, ...READ_WRITE },
  },
]

const kindCommands: readonly Command[] = KINDS.map(({ kind, maxArgs, summary, usage, verbs }) => ({
  name: kind,
  maxArgs,
  repeatable: true,
  summary,
  usage,
  run(machine: Machine, call: Call) {
    const [, word = '', ...words] = call.args
    const verb = Object.hasOwn(verbs, word) ? verbs[word] : undefined
    return verb === undefined ? USAGE : verb(machine, kind, words, call)
  },
}))

export const blockCommands: readonly Command[] = [
  ...kindCommands,
  {
    name: 'mmcinfo',
    maxArgs: 1,
    summary: 'display MMC info',
    usage: '- display info of the current MMC device',
    run: (machine, call) => mmcInfo(machine, 'mmc', [], call),
  },
]
