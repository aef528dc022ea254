/** A folder as LAVA's dispatcher lays it out for its TFTP server. */

import { execFile } from 'node:child_process'
import { copyFile, mkdir, readFile, writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { promisify } from 'node:util'
import { debianKernel } from '../../systemd/target/debian-kernel.js'
import { targetRamdisk } from '../../systemd/target/target-ramdisk.js'

const run = promisify(execFile)

const OVERLAY = `/dts-v1/; /plugin/;
/ { fragment@0 { target-path = "/"; __overlay__ { fauxboot-overlay = "NAME"; }; }; };
`

const FIT = `/dts-v1/;
/ {
  description = "kernel, ramdisk and device tree";
  #address-cells = <1>;
  images {
    kernel-1 {
      data = /incbin/("zImage"); type = "kernel"; arch = "arm"; os = "linux"; compression = "none";
      load = <0x42000000>; entry = <0x42000000>; hash-1 { algo = "sha256"; };
    };
    ramdisk-1 {
      data = /incbin/("ramdisk"); type = "ramdisk"; arch = "arm"; os = "linux"; compression = "none";
      hash-1 { algo = "sha1"; };
    };
    fdt-1 { data = /incbin/("board.dtb"); type = "flat_dt"; arch = "arm"; compression = "none"; hash-1 { algo = "crc32"; }; };
  };
  configurations {
    default = "conf@board.dtb";
    conf@board.dtb { kernel = "kernel-1"; ramdisk = "ramdisk-1"; fdt = "fdt-1"; };
  };
};
`

/**
 * Fill a folder.
 *
 * @param dtb of the board
 */
export async function layOutJob(directory: string, dtb: string): Promise<void> {
  const inside = (path: string): string => join(directory, '42/tftp-deploy', path)
  const { kernel } = await debianKernel('trixie')
  const ramdisk = await targetRamdisk()
  const tool = (program: string, args: readonly string[]): Promise<unknown> =>
    run(program, [...args], { cwd: directory })
  const folders = ['kernel', 'ramdisk', 'dtb', 'dtbo0', 'dtbo1']
  await Promise.all(folders.map(folder => mkdir(inside(folder), { recursive: true })))
  await copyFile(kernel, inside('kernel/zImage'))
  await copyFile(ramdisk, inside('ramdisk/ramdisk.cpio.gz'))
  await copyFile(dtb, inside('dtb/board.dtb'))
  await writeFile(inside('kernel/kernel-dtb'), Buffer.concat([await readFile(kernel), await readFile(dtb)]))
  await writeFile(inside('kernel/truncated'), (await readFile(kernel)).subarray(0, 1_000_000))
  await writeFile(inside('ramdisk/corrupt'), Buffer.alloc(4096, 'no ramdisk '))
  const header = ['-A', 'arm', '-C', 'none']
  const image = inside('ramdisk/ramdisk.cpio.gz.uboot')
  await tool('mkimage', [...header, '-T', 'ramdisk', '-d', ramdisk, image])
  const damaged = await readFile(image)
  damaged.fill(0x55, 2000, 2040)
  await writeFile(inside('ramdisk/damaged.uboot'), damaged)
  const kernelHeader = ['-O', 'linux', '-T', 'kernel', '-a', '0x42000000', '-e', '0x42000000']
  await tool('mkimage', [...header, ...kernelHeader, '-d', kernel, inside('kernel/uImage')])
  for (const number of [0, 1]) {
    const source = join(directory, `ov${number}.dts`)
    await writeFile(source, OVERLAY.replace('NAME', `number ${number}`))
    await tool('dtc', ['-q', '-@', '-o', inside(`dtbo${number}/ov0.dtbo`), source])
  }
  await copyFile(kernel, join(directory, 'zImage'))
  await copyFile(ramdisk, join(directory, 'ramdisk'))
  await copyFile(dtb, join(directory, 'board.dtb'))
  await writeFile(join(directory, 'fit.its'), FIT)
  await tool('mkimage', ['-f', 'fit.its', join(dirname(inside('kernel/x')), 'fitImage')])
}
