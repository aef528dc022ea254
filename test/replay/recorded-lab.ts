/** The lab around the recorded machine, and what its memory held. */

import type { FakeWorld } from '../unit/agent/uboot/fake-network.js'
import type { Content } from './recorded-machine.js'

export type Files = Readonly<Record<string, Uint8Array>>

const NOTHING = new Uint8Array()

const DEVICE = { name: 'virtio-net#33', mac: '52:54:00:12:34:56', active: true }

/** A DHCP and TFTP server on a network of its own. */
const lab = (files: Files): FakeWorld => ({
  devices: [DEVICE],
  hosts: ['192.168.77.1'],
  lease: {
    address: '192.168.77.58',
    netmask: '255.255.255.0',
    gateway: '192.168.77.1',
    server: '192.168.77.1',
    dns: [],
    hostname: null,
    domain: null,
    rootPath: null,
    bootFile: 'default.boot',
  },
  files,
  pages: { 'http://192.168.77.1/boot.scr': files['boot.scr'] ?? NOTHING },
  blockSize: 1468,
})

/** Of the last recording: its ramdisk was three bytes shorter. */
const SHORTER: Readonly<Record<string, string>> = {
  'initrd.uboot': 'initrd-7.uboot',
  'initrd.cpio.gz': 'initrd-7',
  'image.ub': 'image-7.ub',
}

/** QEMU's user network. */
const user = (files: Files): FakeWorld => ({
  ...lab({
    ...files,
    ...Object.fromEntries(Object.entries(SHORTER).map(([name, of]) => [name, files[of] ?? NOTHING])),
  }),
  hosts: ['10.0.2.2'],
  blockSize: 1428,
})

export const RECORDINGS = [
  '1-boot-shell-env',
  '2-mem-misc',
  '3-net',
  '4-images-fdt',
  '5-boot-errors',
  '6-editing-reset',
  '7-boot-linux',
]

/**
 * What there was at the start of a recording. QEMU puts its device tree at the start of DRAM, and a reset leaves memory
 * as it is: what the recording before had written was still there.
 */
export function recordedLab(recording: string, files: Files): { readonly world: FakeWorld; readonly content: Content } {
  const { uImage = NOTHING, 'virt.dtb': tree = NOTHING } = files
  const left: Readonly<Record<string, Uint8Array>> = {
    '2-mem-misc': Buffer.from('xyy=1\0\0\0'),
    '6-editing-reset': uImage,
  }
  const before = left[recording]
  const content = new Map([
    [0x4000_0000, tree],
    [0x4200_0000, before ?? NOTHING],
  ])
  return { world: (recording === '7-boot-linux' ? user : lab)(files), content }
}
