/** What LAVA types at a U-Boot, by kind of job, as its dispatcher was seen to type it for 32-bit ARM. */

/** One kind of job. */
export interface CommandList {
  readonly title: string
  /** before the bootargs are set */
  readonly load: readonly string[]
  readonly boot: string
  /** boards on which every test run types it; the others take too long, or LAVA's dispatcher types them itself there */
  readonly always?: readonly string[]
}

const HIGH = ['setenv initrd_high 0xffffffff', 'setenv fdt_high 0xffffffff']
const NETWORK = ['dhcp', 'setenv serverip 10.0.2.2']
const START = ['setenv autoload no', ...HIGH, ...NETWORK]
const KERNEL = 'tftp 0x42000000 42/tftp-deploy/kernel/zImage'
const RAMDISK = 'tftp 0x43300000 42/tftp-deploy/ramdisk/ramdisk.cpio.gz.uboot'
const SIZE = 'setenv initrd_size ${filesize}'
const DTB = 'tftp 0x43000000 42/tftp-deploy/dtb/board.dtb'
const OVERLAYS = [0, 1].flatMap(number => [
  `tftp 0x53c00000 42/tftp-deploy/dtbo${number}/ov0.dtbo`,
  'fdt apply 0x53c00000',
])
const BOOTZ = 'bootz 0x42000000 0x43300000 0x43000000'

export const LISTS: readonly CommandList[] = [
  {
    title: 'a ramdisk with a header',
    load: [...START, KERNEL, RAMDISK, SIZE, DTB],
    boot: BOOTZ,
    always: ['virt', 'orangepi-pc'],
  },
  {
    title: 'a raw ramdisk',
    load: [...START, KERNEL, 'tftp 0x43300000 42/tftp-deploy/ramdisk/ramdisk.cpio.gz', SIZE, DTB],
    boot: 'bootz 0x42000000 0x43300000:${initrd_size} 0x43000000',
  },
  { title: 'no ramdisk', load: [...START, KERNEL, SIZE, DTB], boot: 'bootz 0x42000000 - 0x43000000' },
  {
    title: 'no ramdisk, but a size',
    load: [...START, KERNEL, SIZE, DTB],
    boot: 'bootz 0x42000000 -:${initrd_size} 0x43000000',
  },
  {
    title: 'a static address, a MAC address of its own, and devices that are not there',
    load: [
      ...['usb start', 'setenv autoload no', 'setenv ethaddr 52:54:00:12:34:57', 'setenv ipaddr 10.0.2.15'],
      ...['setenv netmask 255.255.255.0', 'setenv serverip 10.0.2.2', KERNEL, RAMDISK, SIZE, DTB],
    ],
    boot: BOOTZ,
    always: ['virt'],
  },
  {
    title: 'a device tree behind the kernel',
    load: [...START, 'tftp 0x42000000 42/tftp-deploy/kernel/kernel-dtb', RAMDISK, SIZE],
    boot: 'bootz 0x42000000 0x43300000',
  },
  {
    title: 'a uImage',
    load: [...START, 'tftp 0x42000000 42/tftp-deploy/kernel/uImage', RAMDISK, SIZE, DTB],
    boot: 'bootm 0x42000000 0x43300000 0x43000000',
    always: ['virt'],
  },
  {
    title: 'a FIT image and one of its configurations',
    load: ['setenv autoload no', ...NETWORK, 'tftp 0x48000000 42/tftp-deploy/kernel/fitImage'],
    boot: 'bootm 0x48000000#conf@board.dtb',
    always: ['orangepi-pc'],
  },
  {
    title: 'a FIT image',
    load: ['setenv autoload no', ...NETWORK, 'tftp 0x48000000 42/tftp-deploy/kernel/fitImage'],
    boot: 'bootm 0x48000000',
  },
  {
    title: 'two overlays',
    load: [...START, KERNEL, RAMDISK, SIZE, DTB, 'fdt addr 0x43000000', 'fdt resize 1048576', ...OVERLAYS],
    boot: BOOTZ,
  },
  {
    title: 'commands that change the device tree',
    load: [...START, KERNEL, RAMDISK, SIZE, DTB, 'fdt addr 0x43000000', 'fdt set / model "LAVA was here"'],
    boot: BOOTZ,
  },
]

/**
 * Those that are typed in this run: all of them when `FAUXBOOT_ALL_LISTS` is set.
 *
 * @param board its name
 */
export const listsFor = (board: string): readonly CommandList[] =>
  process.env.FAUXBOOT_ALL_LISTS === '1' ? LISTS : LISTS.filter(({ always }) => always?.includes(board))
