/**
 * Partition tables: MBR with logical partitions, and GPT (UEFI specification 2.10 sections 5.2 and 5.3). Only what Linux
 * does not show in sysfs is read here: type, flags, identifiers.
 */

const SECTOR = 512
const MBR_SIGNATURE = 0xaa55
const GPT_SIGNATURE = 'EFI PART'
/** Entries and logical partitions that are looked at, at most: what Linux itself knows. */
const MOST_PARTITIONS = 128
/** "Legacy BIOS bootable", which U-Boot takes for bootable, too. */
const GPT_BOOTABLE = 4
/** Types of MBR entries that hold further partitions. */
const EXTENDED: readonly number[] = [0x05, 0x0f, 0x85]
const PROTECTIVE = 0xee

/** Reads bytes of the disk; fewer where it ends. */
export type SectorReader = (offset: number, length: number) => Buffer

export interface TableEntry {
  readonly number: number
  /** in sectors */
  readonly start: number
  readonly size: number
  readonly table: 'dos' | 'efi'
  readonly type: string
  readonly uuid: string
  readonly name: string
  readonly bootable: boolean
}

/** A GUID as text: its first three parts are little-endian. */
function guidText(bytes: Buffer): string {
  const hex = (part: Buffer): string => part.toString('hex')
  const swapped = [bytes.subarray(0, 4), bytes.subarray(4, 6), bytes.subarray(6, 8)].map(part =>
    hex(Buffer.from(part).reverse()),
  )
  return [...swapped, hex(bytes.subarray(8, 10)), hex(bytes.subarray(10, 16))].join('-')
}

function gptEntries(read: SectorReader): readonly TableEntry[] {
  const header = read(SECTOR, SECTOR)
  if (header.length < 92 || header.toString('latin1', 0, 8) !== GPT_SIGNATURE) return []
  const table = Number(header.readBigUInt64LE(72)) * SECTOR
  const count = Math.min(MOST_PARTITIONS, header.readUInt32LE(80))
  const length = header.readUInt32LE(84)
  if (length < 128 || length > SECTOR || !Number.isSafeInteger(table)) return []
  const bytes = read(table, count * length)
  return Array.from({ length: Math.floor(bytes.length / length) }, (_, index) =>
    gptEntry(bytes.subarray(index * length, (index + 1) * length), index + 1),
  ).filter(entry => entry !== null)
}

function gptEntry(bytes: Buffer, number: number): TableEntry | null {
  const type = bytes.subarray(0, 16)
  if (type.every(byte => byte === 0)) return null
  const start = Number(bytes.readBigUInt64LE(32))
  return {
    number,
    start,
    size: Number(bytes.readBigUInt64LE(40)) - start + 1,
    table: 'efi',
    type: guidText(type),
    uuid: guidText(bytes.subarray(16, 32)),
    name: bytes.toString('utf16le', 56, 128).replace(/\0.*/s, ''),
    bootable: (bytes.readUInt8(48) & GPT_BOOTABLE) !== 0,
  }
}

interface MbrEntry {
  readonly type: number
  readonly start: number
  readonly size: number
  readonly bootable: boolean
}

/** The four entries of a boot record; empty without one. */
function mbrEntries(sector: Buffer): readonly MbrEntry[] {
  if (sector.length < SECTOR || sector.readUInt16LE(510) !== MBR_SIGNATURE) return []
  return [446, 462, 478, 494].map(at => ({
    type: sector.readUInt8(at + 4),
    start: sector.readUInt32LE(at + 8),
    size: sector.readUInt32LE(at + 12),
    bootable: sector.readUInt8(at) === 0x80,
  }))
}

function dosEntries(read: SectorReader): readonly TableEntry[] {
  const first = read(0, SECTOR)
  const primary = mbrEntries(first)
  const disk = primary.length > 0 ? first.readUInt32LE(440).toString(16).padStart(8, '0') : ''
  const entry = ({ type, start, size, bootable }: MbrEntry, number: number): TableEntry => ({
    number,
    start,
    size,
    table: 'dos',
    type: type.toString(16).padStart(2, '0'),
    uuid: `${disk}-${number.toString(16).padStart(2, '0')}`,
    name: '',
    bootable,
  })
  const found = primary.flatMap((row, index) => (row.type === 0 || row.size === 0 ? [] : [entry(row, index + 1)]))
  const extended = primary.find(({ type }) => EXTENDED.includes(type))
  if (extended === undefined) return found
  return [...found, ...logicalEntries(read, extended.start).map((row, index) => entry(row, 5 + index))]
}

/** Logical partitions: a chain of boot records, which may be bent into a ring. */
function logicalEntries(read: SectorReader, base: number): readonly MbrEntry[] {
  const found: MbrEntry[] = []
  let at = base
  while (found.length < MOST_PARTITIONS) {
    const [row, next] = mbrEntries(read(at * SECTOR, SECTOR))
    if (row === undefined || row.type === 0) break
    found.push({ ...row, start: at + row.start })
    if (next === undefined || next.size === 0) break
    at = base + next.start
  }
  return found
}

/** The partitions of a disk; empty without a table. */
export function readPartitionTable(read: SectorReader): readonly TableEntry[] {
  const protective = mbrEntries(read(0, SECTOR)).some(({ type }) => type === PROTECTIVE)
  return protective ? gptEntries(read) : dosEntries(read)
}

/**
 * What a partition holds, by the magic numbers of its filesystem.
 *
 * @param head at least its first 2 KiB
 * @returns the name that `blkid` uses; null if unknown
 */
export function filesystemName(head: Buffer): string | null {
  // linux/magic.h: EXT4_SUPER_MAGIC, in the superblock at 1024.
  if (head.length >= 1082 && head.readUInt16LE(1080) === 0xef53) return 'ext4'
  if (head.toString('latin1', 0, 4) === 'hsqs') return 'squashfs'
  if (head.toString('latin1', 3, 11) === 'EXFAT   ') return 'exfat'
  const fat = /^FAT(12|16|32) +$/
  if (fat.test(head.toString('latin1', 54, 62)) || fat.test(head.toString('latin1', 82, 90))) return 'vfat'
  return null
}
