/** Block devices and partition tables as U-Boot prints them. */

import type { BlockDevice, Partition } from '../hardware/storage.js'

const SECTOR = 512

/** The capacity in MB and GB, each with one decimal, cut off as U-Boot does. */
function capacityText(size: number): string {
  const sectors = Math.floor(size / SECTOR)
  if (sectors === 0) return 'not available'
  const mb = Math.floor((sectors * 10) / 2048)
  const gb = Math.floor(mb / 1024)
  const tenths = (value: number): string => `${Math.floor(value / 10)}.${value % 10}`
  return `${tenths(mb)} MB = ${tenths(gb)} GB (${sectors} x ${SECTOR})`
}

function identityText({ kind, vendor, product }: BlockDevice): string {
  if (kind === 'virtio') return `${vendor} VirtIO Block Device`
  if (kind === 'scsi') return `(0:0) Vendor: ${vendor} Prod.: ${product} Rev: `
  if (kind === 'sata') return `Model: ${product} Firm:  Ser#: `
  return `Vendor: ${vendor} Rev:  Prod: ${product}`
}

/** Three lines that describe a device. */
export function deviceText(device: BlockDevice): string {
  return (
    `${identityText(device)}\n            Type: ${device.removable ? 'Removable ' : ''}Hard Disk\n` +
    `            Capacity: ${capacityText(device.size)}\n`
  )
}

/** The disk's signature and the number, joined as in Linux: `1234abcd-01`. */
const dosRow = ({ number, start, size, uuid, type, bootable }: Partition): string =>
  `${String(number).padStart(3)}\t${String(start).padEnd(10)}\t${String(size).padEnd(10)}\t${uuid}\t` +
  `${type.padStart(2, '0')}${/^(0?5|0?f|85)$/i.test(type) ? ' Extd' : ''}${bootable ? ' Boot' : ''}\n`

const block = (value: number): string => `0x${value.toString(16).padStart(8, '0')}`

const efiRow = ({ number, start, size, uuid, name, type, bootable }: Partition): string =>
  `${String(number).padStart(3)}\t${block(start)}\t${block(start + size - 1)}\t"${name}"\n` +
  `\tattrs:\t0x000000000000000${bootable ? 4 : 0}\n\ttype:\t${type.toLowerCase()}\n\tguid:\t${uuid.toLowerCase()}\n`

/** A partition table, or null. */
export function tableText({ kind, number, partitions }: BlockDevice): string | null {
  const [first] = partitions
  if (first === undefined) return null
  const efi = first.table === 'efi'
  const columns = efi
    ? 'Part\tStart LBA\tEnd LBA\t\tName\n\tAttributes\n\tType GUID\n\tPartition GUID\n'
    : 'Part\tStart Sector\tNum Sectors\tUUID\t\tType\n'
  return (
    `\nPartition Map for ${kind} device ${number}  --   Partition Type: ${efi ? 'EFI' : 'DOS'}\n\n` +
    `${columns}${partitions.map(efi ? efiRow : dosRow).join('')}`
  )
}
