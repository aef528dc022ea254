/** `mmc 0:1`: which device and partition is meant. */

import type { BlockDevice, Partition } from '../hardware/storage.js'
import type { Machine } from '../machine/machine.js'

/** What a name leads to. */
export interface Place {
  readonly device: BlockDevice
  /** null for the whole device */
  readonly partition: Partition | null
}

/** A hexadecimal number of `<dev[:part]>`; null for other text. */
const number16 = (text: string): number | null => (/^[0-9a-fA-F]{1,4}$/.test(text) ? Number.parseInt(text, 16) : null)

/** The device of a number, or null. */
export async function deviceOf(machine: Machine, kind: string, number: string): Promise<BlockDevice | null> {
  const wanted = number16(number)
  return (await machine.storage.devices(kind)).find(device => device.number === wanted) ?? null
}

/** The partition of a device by number, or `auto` for the bootable one; undefined if it does not exist. */
function partitionOf({ partitions }: BlockDevice, text: string | undefined): Partition | null | undefined {
  const [first] = partitions
  if (text === undefined) return first ?? null
  if (text === 'auto') return partitions.find(({ bootable }) => bootable) ?? first
  const wanted = number16(text)
  return wanted === 0 ? null : partitions.find(({ number }) => number === wanted)
}

/** The same as {@link placeOf}, with one line less when it fails. @returns null after the error was printed */
export async function lookUp(machine: Machine, kind: string, name: string): Promise<Place | null> {
  const { out } = machine
  const [, deviceText = '', separator, partText] = /^([^:#]*)([:#])?(.*)$/.exec(name) ?? []
  const device = await deviceOf(machine, kind, deviceText)
  if (device === null) {
    out.write(`** Bad device specification ${kind} ${deviceText} **\n`)
    return null
  }
  if (separator === '#' && !device.partitions.some(part => part.name === partText)) {
    const bad = `** Bad device specification ${kind} ${name} **\n`
    out.write(`Could not find "${partText}" partition\n${bad}${bad}`)
    return null
  }
  const partition =
    separator === '#'
      ? device.partitions.find(part => part.name === partText)
      : partitionOf(device, separator === undefined ? undefined : partText)
  if (partition === undefined) {
    const table = device.partitions.length > 0
    out.write(table ? `** Invalid partition ${partText} **\n` : `** No partition table - ${kind} ${deviceText} **\n`)
    return null
  }
  return { device, partition }
}

/**
 * Find the device and partition that an interface and `<dev[:part]>` name.
 *
 * @returns null, after printing the error, if they do not exist
 */
export async function placeOf(machine: Machine, kind: string, name: string): Promise<Place | null> {
  const place = await lookUp(machine, kind, name)
  if (place === null) machine.out.write(`Couldn't find partition ${kind} ${name}\n`)
  return place
}

/** U-Boot's name of a filesystem that it knows, by the name of Linux. */
const FILESYSTEMS: Readonly<Record<string, string>> = {
  vfat: 'fat',
  ext2: 'ext4',
  ext3: 'ext4',
  ext4: 'ext4',
  btrfs: 'btrfs',
  squashfs: 'squashfs',
  erofs: 'erofs',
  exfat: 'exfat',
}

/** The file system's name in U-Boot; null if unknown. A device without partitions is examined when it is read. */
export function filesystemOf({ partition }: Place): string | null {
  return partition === null ? null : (FILESYSTEMS[partition.filesystem ?? ''] ?? null)
}

/**
 * Find a partition whose file system a command can read.
 *
 * @param wanted `fat`, `ext4`, or `any`
 * @returns null if there is none; of those, only a missing partition is printed
 */
export async function mountable(machine: Machine, kind: string, name: string, wanted: string): Promise<Place | null> {
  const place = await placeOf(machine, kind, name)
  if (place === null) return null
  const found = filesystemOf(place)
  const family = wanted === 'ext2' ? 'ext4' : wanted
  // All of a disk may hold a file system, unless it has partitions.
  if (place.partition === null) return place.device.partitions.length === 0 ? place : null
  return found === family || (family === 'any' && found !== null) ? place : null
}
