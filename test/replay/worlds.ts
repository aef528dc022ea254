/** What was around the recorded machine, by recording. */

import type { FakeWorld } from '../../agent/uboot/network-fake.js'

type Files = Readonly<Record<string, Uint8Array>>

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
  pages: { 'http://192.168.77.1/boot.scr': files['boot.scr'] ?? new Uint8Array() },
  blockSize: 1468,
})

/** QEMU's user network. */
const user = (files: Files): FakeWorld => ({
  ...lab({ ...files, 'initrd.uboot': files['initrd-7.uboot'] ?? new Uint8Array() }),
  hosts: ['10.0.2.2'],
})

export const WORLDS: Readonly<Record<string, (files: Files) => FakeWorld>> = {
  '1-boot-shell-env': lab,
  '2-mem-misc': lab,
  '3-net': lab,
  '4-images-fdt': lab,
  '5-boot-errors': lab,
  '6-editing-reset': lab,
  '7-boot-linux': user,
}
