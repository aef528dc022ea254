/** The two files on an SD card that make a real U-Boot choose a slot and boot the first stage in it, silently. */

import { RECORDS, SECTOR, SLOT_PARTITIONS } from '../../agent/image/card/card-layout.js'
import { RECORD_BYTES } from '../../agent/image/card/card-record.js'
import type { Board, SdCard } from '../boards/board.js'

/** Paths in a slot. */
export const BOOT_FILES = {
  kernel: 'vmlinuz',
  initramfs: 'initramfs',
  extlinux: 'extlinux/extlinux.conf',
} as const

/**
 * extlinux.conf (U-Boot, doc/develop/distro.rst and doc/README.pxe): kernel, ramdisk, device tree, command line. U-Boot puts
 * its variables into the last words, which tell the first stage where it came from.
 *
 * @param dtb file name of the board's device tree
 * @param cmdline of the first stage
 */
export function extlinuxConf(dtb: string, cmdline: string): string {
  return `default fauxboot
label fauxboot
  kernel /${BOOT_FILES.kernel}
  initrd /${BOOT_FILES.initramfs}
  fdt /${dtb}
  append ${cmdline} fauxboot.slot=\${slot} fauxboot.trial=\${trial}
`
}

const block = (offset: number): string => `0x${(offset / SECTOR).toString(16)}`

/** Read a record to `scriptaddr`; fails if the card does. */
const read = (offset: number): string => `mmc read \${scriptaddr} ${block(offset)} 1`

/** Set a variable from a record; fails if the record is damaged, and then the variable stays as it is. */
const take = (offset: number, name: string): string =>
  `${read(offset)} && env import -c \${scriptaddr} 0x${RECORD_BYTES.toString(16)} ${name}`

const bootFrom = (partition: number): string => `sysboot mmc 0:${partition} any \${scriptaddr} /${BOOT_FILES.extlinux}`

/**
 * The choice of a slot, as commands. The boot loader uses a trial up before it boots it: a first stage that hangs is not
 * tried again. It then reads the record back, because a worn-out card ignores writes without an error, and that slot
 * would be tried forever.
 */
const SLOT_COMMANDS: Readonly<Record<string, string>> = {
  bootcmd: 'mmc dev 0; run read_records; run try_slot; run boot_slot; run other_slot; run boot_slot',
  read_records: 'setenv slot a; run read_trial; if run read_chosen; then true; else run read_copy; fi',
  read_trial: take(RECORDS.trial, 'trial'),
  read_chosen: take(RECORDS.chosen, 'slot'),
  read_copy: take(RECORDS.chosenCopy, 'slot'),
  try_slot:
    'setenv chosen ${slot}; setenv tried ${trial}; if test "${tried}" = a -o "${tried}" = b; then ' +
    'if run use_trial_up; then setenv slot ${tried}; setenv trial 1; run boot_slot; fi; fi; ' +
    'setenv slot ${chosen}; setenv trial',
  use_trial_up:
    `${read(RECORDS.noTrial)} && mmc write \${scriptaddr} ${block(RECORDS.trial)} 1 && ` +
    'mw.b ${scriptaddr} 0 0x200 && setenv trial && run read_trial && test "${trial}" = none',
  boot_slot: `if test "\${slot}" = b; then ${bootFrom(SLOT_PARTITIONS.b)}; else ${bootFrom(SLOT_PARTITIONS.a)}; fi`,
  other_slot: 'if test "${slot}" = b; then setenv slot a; else setenv slot b; fi',
}

/**
 * The environment that replaces U-Boot's built-in one. The real U-Boot must not print "Hit any key": a lab reacts to the
 * first one that it sees, which must be the agent's.
 *
 * @param board gives the console's speed
 * @param sd gives the addresses
 * @returns lines of `name=value`, the input of mkenvimage
 */
export function ubootEnvironment(board: Board, sd: SdCard): string {
  const variables: Record<string, string> = {
    // -2: boot at once, without checking for a key.
    bootdelay: '-2',
    // The built-in value starts USB.
    preboot: '',
    baudrate: String(board.console.baud),
    stdin: 'serial',
    stdout: 'serial',
    stderr: 'serial',
    ...SLOT_COMMANDS,
    ...sd.environment.variables,
  }
  return Object.entries(variables)
    .map(([name, value]) => `${name}=${value}\n`)
    .sort()
    .join('')
}
