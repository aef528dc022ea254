/** The two files on an SD card that make a real U-Boot boot the first stage, silently. */

import type { Board, SdCard } from '../boards/board.js'

/** Paths in the boot partition. */
export const BOOT_FILES = {
  kernel: 'vmlinuz',
  initramfs: 'initramfs',
  extlinux: 'extlinux/extlinux.conf',
} as const

/**
 * extlinux.conf (U-Boot, doc/develop/distro.rst and doc/README.pxe): kernel, ramdisk, device tree, command line.
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
  append ${cmdline}
`
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
    bootcmd: `sysboot mmc 0:1 any \${scriptaddr} /${BOOT_FILES.extlinux}`,
    ...sd.environment.variables,
  }
  return Object.entries(variables)
    .map(([name, value]) => `${name}=${value}\n`)
    .sort()
    .join('')
}
