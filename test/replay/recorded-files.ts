/** The files that the recorded U-Boot loaded, made anew: same sizes, same headers, the same kernel. */

import { execFile } from 'node:child_process'
import { readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { debianKernel } from '../../systemd/target/debian-kernel.js'

const run = promisify(execFile)

/** Sizes of what cannot be made anew; its content is any. */
const RAMDISK_BYTES = 883_455
const READABLE_BYTES = 0x4d_3040
const PXE_BYTES = 431

const SCRIPT = 'echo hello from script\nsetenv scriptvar yes\necho filesize=${filesize}\n'

/** Seconds since 1970 of the recordings' images. */
const MADE = { legacy: Date.parse('2026-11-23T08:44:44Z') / 1000, fit: Date.parse('2026-11-23T08:45:16Z') / 1000 }

const FIT_SOURCE = `/dts-v1/;
/ {
  description = "FIT with kernel, fdt, ramdisk";
  #address-cells = <1>;
  images {
    kernel-1 {
      description = "Debian kernel"; data = /incbin/("zImage"); type = "kernel"; arch = "arm"; os = "linux";
      compression = "none"; load = <0x42000000>; entry = <0x42000000>;
      hash-1 { algo = "crc32"; }; hash-2 { algo = "sha256"; };
    };
    fdt-1 {
      description = "virt dtb"; data = /incbin/("virt.dtb"); type = "flat_dt"; arch = "arm"; compression = "none";
      hash-1 { algo = "sha1"; };
    };
    ramdisk-1 {
      description = "initrd"; data = /incbin/("initrd"); type = "ramdisk"; arch = "arm"; os = "linux";
      compression = "none"; hash-1 { algo = "sha1"; };
    };
    script-1 {
      description = "a script"; data = /incbin/("fit.cmd"); type = "script"; compression = "none";
      hash-1 { algo = "crc32"; };
    };
  };
  configurations {
    default = "conf-1";
    conf-1 { description = "boot it"; kernel = "kernel-1"; ramdisk = "ramdisk-1"; fdt = "fdt-1"; };
    conf-2 { #address-cells = <1>; description = "no ramdisk"; kernel = "kernel-1"; fdt = "fdt-1"; };
  };
};
`

const PXE = `menu title Linux boot selections
default kernel
timeout 1
label kernel
  menu label Boot kernel
  kernel zImage
  initrd initrd.uboot
  append console=ttyAMA0 earlycon panic=-1
  fdt virt.dtb
label invalid
  menu label Invalid boot
label local
  menu label Local boot
  localboot 1
label empty
  menu label Empty boot
`

/** Bytes that are no image of any kind. */
const filler = (size: number): Buffer => Buffer.alloc(size, 'fauxboot ')

/**
 * Make them.
 *
 * @param directory is filled with files
 * @returns bytes by name
 */
export async function recordedFiles(directory: string): Promise<Record<string, Uint8Array>> {
  const inside = (name: string): string => join(directory, name)
  const tool = async (program: string, args: readonly string[], time = MADE.legacy): Promise<void> => {
    await run(program, [...args], { cwd: directory, env: { ...process.env, SOURCE_DATE_EPOCH: String(time) } })
  }
  const { kernel } = await debianKernel('bookworm')
  const zImage = await readFile(kernel)
  await writeFile(inside('zImage'), zImage)
  await writeFile(inside('initrd'), filler(RAMDISK_BYTES))
  await writeFile(inside('initrd-7'), filler(RAMDISK_BYTES - 3))
  await writeFile(inside('boot.cmd'), SCRIPT)
  await writeFile(inside('fit.cmd'), 'echo fit script\necho two\n\n')
  await writeFile(inside('image.its'), FIT_SOURCE)
  await tool('qemu-system-arm', [
    '-M',
    'virt,highmem=off,dumpdtb=dumped.dtb',
    '-cpu',
    'cortex-a15',
    '-m',
    '1024',
    '-nic',
    'none',
  ])
  await tool('dtc', ['-q', '-I', 'dtb', '-O', 'dtb', '-p', '4096', '-o', 'virt.dtb', 'dumped.dtb'])
  await tool('gzip', ['-9', '-k', 'zImage'])
  const kernelHeader = ['-A', 'arm', '-O', 'linux', '-T', 'kernel', '-a', '0x40008000', '-e', '0x40008000']
  await tool('mkimage', [...kernelHeader, '-C', 'none', '-n', 'Debian 6.1', '-d', 'zImage', 'uImage'])
  await tool('mkimage', [...kernelHeader, '-C', 'gzip', '-n', 'gz kernel', '-d', 'zImage.gz', 'uImage.gz'])
  const multi = [...kernelHeader.slice(0, 4), '-T', 'multi', ...kernelHeader.slice(6)]
  await tool('mkimage', [...multi, '-C', 'none', '-n', 'multi', '-d', 'zImage:initrd-7:virt.dtb', 'uImage.multi'])
  for (const [source, image] of [
    ['initrd', 'initrd.uboot'],
    ['initrd-7', 'initrd-7.uboot'],
  ] as const) {
    await tool('mkimage', ['-A', 'arm', '-T', 'ramdisk', '-C', 'gzip', '-n', 'test ramdisk', '-d', source, image])
  }
  await tool('mkimage', ['-A', 'arm', '-T', 'script', '-C', 'none', '-n', 'test script', '-d', 'boot.cmd', 'boot.scr'])
  await tool('mkimage', ['-f', 'image.its', 'image.ub'], MADE.fit)
  await writeFile(inside('image-7.its'), FIT_SOURCE.replace('"initrd")', '"initrd-7")'))
  await tool('mkimage', ['-f', 'image-7.its', 'image-7.ub'], MADE.fit)
  const made = ['zImage', 'initrd', 'boot.cmd', 'virt.dtb', 'uImage', 'uImage.gz', 'uImage.multi', 'initrd.uboot']
  const names = [...made, 'initrd-7', 'initrd-7.uboot', 'boot.scr', 'image.ub', 'image-7.ub']
  const files = await Promise.all(names.map(async name => [name, await readFile(inside(name))] as const))
  return {
    ...Object.fromEntries(files),
    'ubtest-readable.bin': filler(READABLE_BYTES),
    'pxelinux.cfg/default': Buffer.from(`${PXE}#`.padEnd(PXE_BYTES, '-')),
  }
}
