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

/** Types of GPT partitions, UEFI 2.10 table 5.7 and the Discoverable Partitions Specification (root, 32-bit ARM). */
const GPT_TYPES = {
  uuid_gpt_esp: 'c12a7328-f81f-11d2-ba4b-00a0c93ec93b',
  uuid_gpt_system: '69dad710-2ce4-4e3c-b16c-21a1d49abed3',
}

/** What `gpt write` would make of a card: two parts of the boot loader, the EFI system partition, and the rest. */
const PARTITIONS = [
  'name=loader1,start=8k,size=32k,uuid=${uuid_gpt_loader1};',
  'name=loader2,size=984k,uuid=${uuid_gpt_loader2};',
  'name=esp,size=128M,bootable,uuid=${uuid_gpt_esp};',
  'name=system,size=-,uuid=${uuid_gpt_system};',
].join('')

/** What DFU would write to DRAM: name, kind, address, size. */
const dfuParts = (address: (name: string) => string): string =>
  [
    `kernel ram ${address('kernel_addr_r')} 0x1000000`,
    `fdt ram ${address('fdt_addr_r')} 0x100000`,
    `ramdisk ram ${address('ramdisk_addr_r')} 0x4000000`,
  ].join(';')

/**
 * For UEFI, which is not here: scripts that call them read why. The names are U-Boot's, so that scripts of a lab that set or
 * run one of them do the same as on the real board.
 */
const EFI = {
  boot_efi_binary:
    'load ${devtype} ${devnum}:${distro_bootpart} ${kernel_addr_r} efi/boot/bootarm.efi; ' +
    'bootefi ${kernel_addr_r} ${fdt_addr_r}',
  boot_efi_bootmgr: 'bootefi bootmgr ${fdt_addr_r}',
  efi_dtb_prefixes: '/ /dtb/ /dtb/current/',
  load_efi_dtb: 'load ${devtype} ${devnum}:${distro_bootpart} ${fdt_addr_r} ${prefix}${efi_fdtfile}',
  scan_dev_for_efi:
    'if test -e ${devtype} ${devnum}:${distro_bootpart} efi/boot/bootarm.efi; then run boot_efi_binary; fi',
}

/**
 * What only U-Boot for Allwinner's chips sets. Its names for board and chip are the same on all of them; `fdtfile` tells them
 * apart, and is what `fdtdir` of a pxelinux menu looks for. The scripts look for a menu, and then for a script, on the cards
 * in turn and on the network; nothing runs them by itself.
 */
function sunxiVariables(board: string, soc: string, dfu: string): Readonly<Record<string, string>> {
  const chip = soc.slice(soc.indexOf('-') + 1)
  const model = board.startsWith(`${chip}-`) ? board.slice(chip.length + 1) : board
  return {
    ...EFI,
    ...GPT_TYPES,
    board: 'sunxi',
    board_name: 'sunxi',
    boot_a_script:
      'load ${devtype} ${devnum}:${distro_bootpart} ${scriptaddr} ${prefix}${script}; source ${scriptaddr}',
    boot_extlinux: 'sysboot ${devtype} ${devnum}:${distro_bootpart} any ${scriptaddr} ${prefix}${boot_syslinux_conf}',
    boot_prefixes: '/ /boot/',
    boot_script_dhcp: 'boot.scr.uimg',
    boot_scripts: 'boot.scr.uimg boot.scr',
    boot_syslinux_conf: 'extlinux/extlinux.conf',
    boot_targets: 'fel mmc_auto pxe dhcp ',
    bootcmd_dhcp: 'if dhcp ${scriptaddr} ${boot_script_dhcp}; then source ${scriptaddr}; fi',
    bootcmd_fel: 'if test -n ${fel_booted} && test -n ${fel_scriptaddr}; then source ${fel_scriptaddr}; fi',
    bootcmd_mmc0: 'devnum=0; run mmc_boot',
    bootcmd_mmc1: 'devnum=1; run mmc_boot',
    bootcmd_mmc_auto: 'run bootcmd_mmc0; run bootcmd_mmc1',
    dfu_alt_info_ram: dfu,
    distro_bootcmd: 'for target in ${boot_targets}; do run bootcmd_${target}; done',
    fdtfile: `allwinner/${soc}-${model}.dtb`,
    mmc_boot: 'if mmc dev ${devnum}; then devtype=mmc; run scan_dev_for_boot_part; fi',
    partitions: PARTITIONS,
    scan_dev_for_boot:
      'for prefix in ${boot_prefixes}; do run scan_dev_for_extlinux; run scan_dev_for_scripts; done; run scan_dev_for_efi',
    scan_dev_for_boot_part:
      'part list ${devtype} ${devnum} -bootable devplist; env exists devplist || setenv devplist 1; ' +
      'for distro_bootpart in ${devplist}; do run scan_dev_for_boot; done; setenv devplist',
    scan_dev_for_extlinux:
      'if test -e ${devtype} ${devnum}:${distro_bootpart} ${prefix}${boot_syslinux_conf}; then run boot_extlinux; fi',
    scan_dev_for_scripts:
      'for script in ${boot_scripts}; do ' +
      'if test -e ${devtype} ${devnum}:${distro_bootpart} ${prefix}${script}; then run boot_a_script; fi; done',
    soc: 'sunxi',
  }
}

/** Variables by name. `bootcmd` does nothing: after its countdown, a board waits for its lab. */
export function defaultEnvironment(facts: EnvironmentFacts): Readonly<Record<string, string>> {
  const { dramStart, compatible, mac, baudrate, bootDelay, console } = facts
  const [vendor, board] = vendorAndPart(compatible[0])
  const [maker, soc] = vendorAndPart(compatible.at(-1))
  const address = (name: string): string => `0x${bareHex(dramStart + (ADDRESSES[name] ?? 0))}`
  const addresses = Object.keys(ADDRESSES).map(name => [name, address(name)])
  const sunxi = maker === 'allwinner' && board !== ''
  const named = sunxi ? sunxiVariables(board, soc, dfuParts(address)) : { board, board_name: board, soc, vendor }
  const optional = { ...named, console, ethaddr: mac ?? '' }
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
