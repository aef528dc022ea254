import t from 'tap'
import { defaultEnvironment } from '../../../../../agent/uboot/board/default-environment.js'

const CUBIEBOARD4 = {
  dramStart: 0x2000_0000,
  compatible: ['cubietech,a80-cubieboard4', 'allwinner,sun9i-a80'],
  mac: '02:00:00:00:00:01',
  baudrate: 115_200,
  bootDelay: 2,
  console: 'ttyS0,115200',
}

t.test("a Cubieboard4 has the variables of its own U-Boot, with addresses from its DRAM's start", async t => {
  t.match(defaultEnvironment(CUBIEBOARD4), {
    '.flags': 'ethaddr:ma',
    arch: 'arm',
    baudrate: '115200',
    board: 'sunxi',
    board_name: 'sunxi',
    boot_targets: 'fel mmc_auto pxe dhcp ',
    bootcmd: 'true',
    bootcmd_pxe: 'dhcp; if pxe get; then pxe boot; fi',
    bootdelay: '2',
    bootm_size: '0xa000000',
    console: 'ttyS0,115200',
    cpu: 'armv7',
    ethaddr: '02:00:00:00:00:01',
    distro_bootcmd: 'for target in ${boot_targets}; do run bootcmd_${target}; done',
    fdt_addr_r: '0x23000000',
    fdtfile: 'allwinner/sun9i-a80-cubieboard4.dtb',
    fdtoverlay_addr_r: '0x23300000',
    kernel_addr_r: '0x22000000',
    loadaddr: '0x22000000',
    pxefile_addr_r: '0x23200000',
    ramdisk_addr_r: '0x23400000',
    scriptaddr: '0x23100000',
    soc: 'sunxi',
    stderr: 'serial',
    stdin: 'serial',
    stdout: 'serial',
  })
})

t.test("a Cubieboard4 has every variable of its own U-Boot's configuration, with the same data", async t => {
  const ours = defaultEnvironment(CUBIEBOARD4)
  const REAL =
    `arch baudrate board board_name boot_a_script boot_efi_binary boot_efi_bootmgr boot_extlinux boot_prefixes
    boot_script_dhcp boot_scripts boot_syslinux_conf boot_targets bootcmd bootcmd_dhcp bootcmd_fel bootcmd_mmc0 bootcmd_mmc1
    bootcmd_mmc_auto bootcmd_pxe bootdelay bootm_size console cpu dfu_alt_info_ram distro_bootcmd efi_dtb_prefixes fdt_addr_r
    fdtfile fdtoverlay_addr_r kernel_addr_r load_efi_dtb loadaddr mmc_boot partitions pxefile_addr_r ramdisk_addr_r
    scan_dev_for_boot scan_dev_for_boot_part scan_dev_for_efi scan_dev_for_extlinux scan_dev_for_scripts scriptaddr soc stderr
    stdin stdout uuid_gpt_esp uuid_gpt_system`.split(/\s+/)
  t.same(
    REAL.filter(name => ours[name] === undefined),
    [],
  )
  t.match(ours, {
    dfu_alt_info_ram: 'kernel ram 0x22000000 0x1000000;fdt ram 0x23000000 0x100000;ramdisk ram 0x23400000 0x4000000',
    efi_dtb_prefixes: '/ /dtb/ /dtb/current/',
    uuid_gpt_esp: 'c12a7328-f81f-11d2-ba4b-00a0c93ec93b',
    uuid_gpt_system: '69dad710-2ce4-4e3c-b16c-21a1d49abed3',
  })
  t.match(
    ours.partitions,
    'name=loader1,start=8k,size=32k,uuid=${uuid_gpt_loader1};name=loader2,size=984k,uuid=${uuid_gpt_loader2};' +
      'name=esp,size=128M,bootable,uuid=${uuid_gpt_esp};name=system,size=-,uuid=${uuid_gpt_system};',
  )
})

t.test('a board whose name does not repeat its chip has both in fdtfile', async t => {
  const compatible = ['xunlong,orangepi-pc', 'allwinner,sun8i-h3']
  t.equal(defaultEnvironment({ ...CUBIEBOARD4, compatible }).fdtfile, 'allwinner/sun8i-h3-orangepi-pc.dtb')
})

t.test("other boards of Allwinner's have the addresses that labs use", async t => {
  t.match(defaultEnvironment({ ...CUBIEBOARD4, dramStart: 0x4000_0000 }), {
    kernel_addr_r: '0x42000000',
    fdt_addr_r: '0x43000000',
    ramdisk_addr_r: '0x43400000',
  })
})

t.test('what is not known is not set', async t => {
  const names = Object.keys(defaultEnvironment({ ...CUBIEBOARD4, compatible: [], mac: null, console: '' }))
  t.same(
    ['board', 'board_name', 'console', 'ethaddr', 'soc', 'vendor'].filter(name => names.includes(name)),
    [],
  )
  t.equal(defaultEnvironment({ ...CUBIEBOARD4, compatible: ['qemu'] }).vendor, 'qemu')
})
