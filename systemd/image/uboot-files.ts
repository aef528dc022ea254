/** The two texts that tell a real U-Boot what to boot, and to be quiet about it. */

import type { Board, SdCard } from '../boards/board.js'

/** Names of files in the boot partition. */
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
 * The environment that replaces U-Boot's built-in one. Its own "Hit any key" must not appear: a lab that watches the
 * line takes the first one that it sees, and there is to be just the agent's.
 *
 * @param board its console's speed goes in
 * @param sd the card's addresses go in
 * @returns lines of `name=value` as mkenvimage reads them
 */
export function ubootEnvironment(board: Board, sd: SdCard): string {
  const variables: Record<string, string> = {
    // -2: boot at once, and do not even look whether a key was pressed.
    bootdelay: '-2',
    // The built-in environment starts USB here.
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
