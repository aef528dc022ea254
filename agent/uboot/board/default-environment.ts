/**
 * The default environment. Addresses are Allwinner's, as `include/configs/sunxi-common.h` spreads them over the first
 * 64 MiB of DRAM: on a Cubieboard4, whose DRAM starts at 0x20000000, they are those of its own U-Boot, and on the others
 * those that LAVA's device types use.
 */

import { bareHex } from '../lib/numbers.js'

/** Bytes from the start of DRAM. */
const ADDRESSES: Readonly<Record<string, number>> = {
  fdt_addr_r: 0x300_0000,
  fdtoverlay_addr_r: 0x330_0000,
  kernel_addr_r: 0x200_0000,
  loadaddr: 0x200_0000,
  pxefile_addr_r: 0x320_0000,
  ramdisk_addr_r: 0x340_0000,
  scriptaddr: 0x310_0000,
}

export interface EnvironmentFacts {
  /** first address of DRAM */
  readonly dramStart: number
  /** the running kernel's tree: its `compatible`, the most exact first */
  readonly compatible: readonly string[]
  /** of the first network interface; null if there is none */
  readonly mac: string | null
  /** bits per second */
  readonly baudrate: number
  /** seconds */
  readonly bootDelay: number
  /** as in `console=`: `ttyS0,115200`; empty if unknown */
  readonly console: string
}

/** `allwinner,sun9i-a80` gives `allwinner` and `sun9i-a80`. */
function vendorAndPart(compatible: string | undefined): readonly [string, string] {
  const [vendor = '', part = ''] = compatible?.split(',') ?? []
  return [vendor, part]
}

/** Variables by name. `bootcmd` does nothing: after its countdown, a board waits for its lab. */
export function defaultEnvironment(facts: EnvironmentFacts): Readonly<Record<string, string>> {
  const { dramStart, compatible, mac, baudrate, bootDelay, console } = facts
  const [vendor, board] = vendorAndPart(compatible[0])
  const [, soc] = vendorAndPart(compatible.at(-1))
  const addresses = Object.entries(ADDRESSES).map(([name, offset]) => [name, `0x${bareHex(dramStart + offset)}`])
  const optional = { board, board_name: board, console, ethaddr: mac ?? '', soc, vendor }
  return {
    // Labs give their boards MAC addresses: U-Boot lets them with CONFIG_ENV_OVERWRITE.
    '.flags': 'ethaddr:ma',
    arch: 'arm',
    baudrate: String(baudrate),
    bootcmd: 'true',
    bootcmd_pxe: 'dhcp; if pxe get; then pxe boot; fi',
    bootdelay: String(bootDelay),
    // Ramdisk and device tree stay in the first 160 MiB, as on any sunxi board.
    bootm_size: '0xa000000',
    cpu: 'armv7',
    stderr: 'serial',
    stdin: 'serial',
    stdout: 'serial',
    ...Object.fromEntries(addresses),
    ...Object.fromEntries(Object.entries(optional).filter(([, value]) => value !== '')),
  }
}
