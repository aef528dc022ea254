/**
 * What settings of LAVA's `base-uboot` make the dispatcher type, at the fake U-Boot up to its jump. The boards of the other
 * files show what becomes of it; `lava/README.md` lists the settings that no board here can serve.
 */

import t from 'tap'
import { type PassingJob, runJobs } from './job-suite.js'
import { simulatedMachine } from './simulated-machine.js'

const set = (name: string, value: string | boolean | number): string => `{% set ${name} = ${JSON.stringify(value)} %}`
const setList = (name: string, values: readonly string[]): string => `{% set ${name} = ${JSON.stringify(values)} %}`

const KERNEL_TFTP = 'tftp {KERNEL_ADDR} {KERNEL}'

const JOBS: readonly PassingJob[] = [
  {
    title: 'uboot_ramdisk_format: raw',
    example: 'ramdisk',
    deviceLines: [set('uboot_ramdisk_format', 'raw')],
    console: /bootz 0x42000000 0x4a000000:\$\{initrd_size\} 0x48000000\n/,
  },
  {
    title: 'base_high_limits: false',
    example: 'ramdisk',
    deviceLines: [set('base_high_limits', false)],
    console: /setenv autoload no\n(?:(?!_high)[\s\S])*bootz 0x42000000 0x4a000000 0x48000000\n/,
  },
  {
    title: 'uboot_initrd_high, uboot_fdt_high: limits of an address',
    example: 'ramdisk',
    deviceLines: [set('uboot_initrd_high', '0x47000000'), set('uboot_fdt_high', '0x46000000')],
    console: /Loading Ramdisk to 46[0-9a-f]+, [\s\S]*Loading Device Tree to 45[0-9a-f]+, /,
  },
  {
    title: 'uboot_ipaddr_cmd: an address without DHCP',
    example: 'ramdisk',
    deviceLines: [set('uboot_ipaddr_cmd', 'setenv ipaddr 192.0.2.1')],
    console: /setenv ipaddr 192\.0\.2\.1\n[\s\S]*bootz/,
  },
  {
    title: 'uboot_set_mac, uboot_mac_addr',
    example: 'ramdisk',
    deviceLines: [set('uboot_set_mac', true), set('uboot_mac_addr', '02:11:22:33:44:55')],
    console: /setenv ethaddr 02:11:22:33:44:55\n/,
  },
  {
    title: 'uboot_needs_usb, uboot_needs_pci: commands that a board here does without',
    example: 'ramdisk',
    deviceLines: [set('uboot_needs_usb', true), set('uboot_needs_pci', true)],
    console: /pci enum\n[\s\S]*usb start\n[\s\S]*bootz/,
  },
  {
    title: 'uboot_tftp_commands, uboot_bootcmd, base_uboot_commands: lists of a device',
    example: 'ramdisk',
    deviceLines: [
      setList('base_uboot_commands', ['setenv netretry once']),
      setList('uboot_tftp_commands', [KERNEL_TFTP.replace('tftp', 'tftpboot'), 'tftpboot {RAMDISK_ADDR} {RAMDISK}']),
      set('uboot_load_fdt', 'tftpboot {DTB_ADDR} {DTB}'),
      set('uboot_bootcmd', 'bootz {KERNEL_ADDR} {RAMDISK_ADDR} ${fdtaddr}'),
      setList('uboot_fdt_extra_commands', ['tftpboot {DTB_ADDR} {DTB}', 'setenv fdtaddr {DTB_ADDR}']),
    ],
    console: /setenv netretry once\n[\s\S]*tftpboot 0x48000000 [\s\S]*bootz 0x42000000 0x4a000000 \$\{fdtaddr\}\n/,
  },
  {
    title: 'uboot_fdt_extra_commands: a change of the device tree',
    example: 'ramdisk',
    deviceLines: [setList('uboot_fdt_extra_commands', ['fdt resize 1000', 'fdt set /chosen lab <0x2a>'])],
    console: /fdt addr 0x48000000\n[\s\S]*fdt set \/chosen lab <0x2a>\n/,
  },
  {
    title: 'append_dtb: a kernel with its device tree behind it',
    example: 'ramdisk',
    deviceLines: [set('append_dtb', true), set('uboot_bootx_cmd', 'bootz {KERNEL_ADDR} {RAMDISK_ADDR}')],
    console: /bootz 0x42000000 0x4a000000\n/,
  },
  {
    title: 'no bootz addresses: LAVA makes a uImage, for text_offset, and bootm boots it',
    example: 'ramdisk',
    deviceLines: [set('bootz_kernel_addr', ''), set('text_offset', '0x40208000')],
    console: /\/uImage\n[\s\S]*bootm 0x4a000000 0x52000000 0x48000000\n[\s\S]*Load Address: 40208000/,
  },
  {
    title: 'use_xip: the entry of the uImage is behind its header',
    example: 'ramdisk',
    deviceLines: [set('bootz_kernel_addr', ''), set('use_xip', true)],
    console: /bootm 0x4a000000 0x52000000 0x48000000\n[\s\S]*Entry Point: {2}4a000040/,
  },
  {
    title: 'bootm_device_tree_config: none, so the default configuration of a FIT image boots',
    example: 'fit',
    deviceLines: [set('bootm_device_tree_config', '')],
    console: /bootm 0x4a000000\n[\s\S]*conf@board\.dtb/,
  },
  {
    title: 'apply_dtbo_commands, dtb_base_resize',
    example: 'ramdisk',
    changes: { '      dtb:\n': '      dtbo:\n        - url: FILES/overlay.dtbo\n      dtb:\n' },
    deviceLines: [
      setList('apply_dtbo_commands', ['tftp {DTBO_ADDR} {DTBO}', 'fdt apply {DTBO_ADDR}', 'fdt list /']),
      set('dtb_base_resize', 2000),
    ],
    console: /fdt resize 2000\n[\s\S]*fdt list \/\n/,
  },
  {
    title: 'interrupt_prompt, interrupt_char: other words of a prompt, and another key',
    example: 'ramdisk',
    deviceLines: [set('interrupt_prompt', 'to stop autoboot'), set('interrupt_char', 'x')],
    console: /bootz/,
  },
  {
    title: 'uboot_altbank: a reset between two countdowns',
    example: 'ramdisk',
    deviceLines: [set('uboot_altbank', true)],
    console: /reset\n[\s\S]*resetting \.\.\.[\s\S]*Hit any key to stop autoboot[\s\S]*bootz/,
  },
  {
    title: 'boot_character_delay: slow typing',
    example: 'ramdisk',
    deviceLines: [set('boot_character_delay', 1)],
    console: /bootz/,
  },
]

t.test('simulated', t => runJobs(t, 'virt', JOBS, [], { machine: () => simulatedMachine(2) }))

t.test('simulated, without a countdown', t =>
  runJobs(
    t,
    'virt',
    [
      {
        title: 'uboot_needs_interrupt: false',
        example: 'ramdisk',
        deviceLines: [set('uboot_needs_interrupt', false)],
        console: /bootz/,
      },
    ],
    [],
    { machine: () => simulatedMachine(-1) },
  ),
)
