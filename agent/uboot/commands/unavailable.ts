/**
 * Commands of U-Boot that cannot work here. They are known, so that a script or a person reads why, and `Unknown command`
 * remains what a typing error gets.
 */

import type { Command } from '../machine/machine.js'
import { UNAVAILABLE_USAGE } from './unavailable-usage.js'

const NO_UEFI = 'there is no UEFI here; boot a kernel with bootz, booti or bootm'
const READ_ONLY = 'disks are only read: they belong to the first stage'
const NO_SERIAL_LOAD = 'no file comes over the console; load it with tftpboot, wget or from a disk'
const NO_GADGET = 'the board is no USB device here; load files with tftpboot or wget'
const NO_FLASH = 'flash memory belongs to the first stage'
const NO_BUS = 'the kernel of the first stage owns the bus'

type Row = readonly [name: string, summary: string, why: string]

const ROWS: readonly Row[] = [
  ['bootefi', 'Boots an EFI payload from memory', NO_UEFI],
  ['bootvx', 'Boot vxWorks from an ELF image', 'only Linux can be started'],
  ['dfu', 'Device Firmware Upgrade', NO_GADGET],
  ['efidebug', 'Configure UEFI environment', NO_UEFI],
  ['ext4write', 'create a file in the root directory', READ_ONLY],
  ['fastboot', 'run as a fastboot usb or udp device', NO_GADGET],
  ['fatmkdir', 'create a directory', READ_ONLY],
  ['fatrm', 'delete a file', READ_ONLY],
  ['fatwrite', 'write file into a dos filesystem', READ_ONLY],
  ['gpt', 'GUID Partition Table', READ_ONLY],
  ['gzwrite', 'unzip and write memory to block device', READ_ONLY],
  ['ln', 'Create a symbolic link', READ_ONLY],
  ['loadb', 'load binary file over serial line (kermit mode)', NO_SERIAL_LOAD],
  ['loads', 'load S-Record file over serial line', NO_SERIAL_LOAD],
  ['loadx', 'load binary file over serial line (xmodem mode)', NO_SERIAL_LOAD],
  ['loady', 'load binary file over serial line (ymodem mode)', NO_SERIAL_LOAD],
  ['mkdir', 'create a directory', READ_ONLY],
  ['mtd', 'MTD utils', NO_FLASH],
  ['mtdparts', 'define flash/nand partitions', NO_FLASH],
  ['mv', 'rename/move a file/directory', READ_ONLY],
  ['nand', 'NAND sub-system', NO_FLASH],
  ['pci', 'list and access PCI Configuration Space', NO_BUS],
  ['rm', 'delete a file', READ_ONLY],
  ['save', 'save file to a filesystem', READ_ONLY],
  ['sf', 'SPI flash sub-system', NO_FLASH],
  ['ubi', 'ubi commands', NO_FLASH],
  ['ums', 'Use the UMS [USB Mass Storage]', NO_GADGET],
  ['write', 'Store binary data to a partition', READ_ONLY],
]

export const unavailableCommands: readonly Command[] = ROWS.map(([name, summary, why]) => ({
  name,
  maxArgs: 64,
  summary,
  usage: UNAVAILABLE_USAGE[name] ?? '',
  run({ out }) {
    out.write(`## fauxboot: ${name}: ${why}\n`)
    return 1
  },
}))
