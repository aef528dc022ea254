/** Images as the real mkimage makes them, at a fixed time. */

import { spawnSync } from 'node:child_process'
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Test } from 'tap'
import { fileNeeds } from '../../../peer.js'

// mkimage compiles the source of a FIT with dtc.
fileNeeds('mkimage', 'dtc')

/** 2026-11-23 08:44:44 UTC */
export const IMAGE_TIME = 1_795_423_484

function mkimage(directory: string, args: readonly string[]): Uint8Array {
  const env = { ...process.env, SOURCE_DATE_EPOCH: String(IMAGE_TIME) }
  const { status, stderr } = spawnSync('mkimage', [...args, 'out'], { cwd: directory, env, encoding: 'utf8' })
  if (status !== 0) throw new Error(`mkimage ${args.join(' ')}: ${stderr}`)
  return new Uint8Array(readFileSync(join(directory, 'out')))
}

type Files = Readonly<Record<string, string | Uint8Array>>

function directoryOf(t: Test, files: Files): string {
  const directory = t.testdir()
  for (const [name, content] of Object.entries(files)) writeFileSync(join(directory, name), content)
  return directory
}

/** A legacy image of these files. `args`: `-T script -n name` and the like. */
export function legacyImage(t: Test, args: string, files: Files): Uint8Array {
  const data = Object.keys(files).join(':')
  return mkimage(directoryOf(t, files), ['-A', 'arm', '-O', 'linux', ...args.split(' '), '-d', data])
}

/** A FIT of this source, without its `/dts-v1/;`. `args`: `-E` for external data and the like. */
export function fitImage(t: Test, source: string, files: Files, args: readonly string[] = []): Uint8Array {
  const directory = directoryOf(t, { ...files, 'image.its': `/dts-v1/;\n${source}` })
  return mkimage(directory, [...args, '-f', 'image.its'])
}

/** A kernel with two hashes, a device tree, a ramdisk and a script; two configurations. */
export const FIT_SOURCE = `/ {
  description = "FIT with kernel, fdt, ramdisk";
  #address-cells = <1>;
  images {
    kernel-1 {
      description = "Debian kernel"; data = /incbin/("kernel"); type = "kernel"; arch = "arm"; os = "linux";
      compression = "none"; load = <0x42000000>; entry = <0x42000000>;
      hash-1 { algo = "crc32"; };
      hash-2 { algo = "sha256"; };
    };
    fdt-1 {
      description = "virt dtb"; data = /incbin/("dtb"); type = "flat_dt"; arch = "arm"; compression = "none";
      hash-1 { algo = "sha1"; };
    };
    ramdisk-1 {
      description = "initrd"; data = /incbin/("ramdisk"); type = "ramdisk"; arch = "arm"; os = "linux";
      compression = "none";
      hash-1 { algo = "sha1"; };
    };
    script-1 {
      description = "a script"; data = /incbin/("script"); type = "script"; compression = "none";
      hash-1 { algo = "crc32"; };
    };
  };
  configurations {
    default = "conf-1";
    conf-1 { description = "boot it"; kernel = "kernel-1"; fdt = "fdt-1"; ramdisk = "ramdisk-1"; };
    conf-2 { description = "no ramdisk"; kernel = "kernel-1"; fdt = "fdt-1"; };
  };
};
`

export const FIT_FILES = {
  kernel: Buffer.alloc(5000, 'kernel'),
  dtb: Buffer.alloc(1502, 'dtb'),
  ramdisk: Buffer.alloc(2500, 'ramdisk'),
  script: 'echo fit script\necho two\n',
} as const
