/** Serves the files that jobs name: those of the examples in `lava/definitions/jobs`, and broken ones. */

import { execFile } from 'node:child_process'
import { readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { packUImage } from '../../agent/image/uboot/uimage.js'
import { debianKernel } from '../../systemd/target/debian-kernel.js'
import { targetModules } from '../../systemd/target/target-modules.js'
import { targetRamdisk } from '../../systemd/target/target-ramdisk.js'
import type { Lab } from '../board/lab.js'
import type { LavaLab } from './lava-lab.js'

const run = promisify(execFile)

/** The file server in the example jobs. */
const EXAMPLE_SERVER = 'http://files.lab/'

const OVERLAY = `/dts-v1/; /plugin/;
/ { fragment@0 { target-path = "/"; __overlay__ { fauxboot-overlay = "from the overlay"; }; }; };
`

/** The kernel's address is the one of the board's device type. */
const FIT = `/dts-v1/;
/ {
  description = "kernel, ramdisk and device tree";
  #address-cells = <1>;
  images {
    kernel {
      data = /incbin/("vmlinuz"); type = "kernel"; arch = "arm"; os = "linux"; compression = "none";
      load = <0x42000000>; entry = <0x42000000>; hash-1 { algo = "sha256"; };
    };
    ramdisk {
      data = /incbin/("ramdisk"); type = "ramdisk"; arch = "arm"; os = "linux"; compression = "none";
      hash-1 { algo = "sha256"; };
    };
    fdt { data = /incbin/("board.dtb"); type = "flat_dt"; arch = "arm"; compression = "none"; };
  };
  configurations {
    default = "conf@board.dtb";
    conf@board.dtb { kernel = "kernel"; ramdisk = "ramdisk"; fdt = "fdt"; };
  };
};
`

/** Serve a board's files under the names of the examples. */
export async function serveExampleFiles({ lab, work }: Pick<LavaLab, 'lab' | 'work'>): Promise<void> {
  const { kernel } = await debianKernel('trixie')
  const files = { vmlinuz: kernel, ramdisk: await lab.ramdisk(), 'board.dtb': await lab.dtb() }
  for (const [name, file] of Object.entries(files)) await writeFile(join(work, name), await readFile(file))
  const tool = (program: string, ...args: string[]): Promise<unknown> => run(program, args, { cwd: work })
  const { archive } = await targetModules([...lab.consoleModules, 'loop'])
  await writeFile(join(work, 'modules.tar.xz'), await readFile(archive))
  await writeFile(join(work, 'overlay.dts'), OVERLAY)
  await tool('dtc', '-q', '-@', '-o', 'overlay.dtbo', 'overlay.dts')
  await writeFile(join(work, 'fit.its'), FIT)
  await tool('mkimage', '-f', 'fit.its', 'fitImage')
  for (const name of ['vmlinuz', 'board.dtb', 'modules.tar.xz', 'overlay.dtbo', 'fitImage']) {
    lab.server.serve(name, join(work, name))
  }
  lab.server.serve('ramdisk.cpio.gz', files.ramdisk)
}

/** Serve `truncated`, a part of a kernel, and `damaged`, a ramdisk whose header does not match its data. */
export async function serveBrokenFiles({ lab }: LavaLab): Promise<void> {
  const { kernel } = await debianKernel('trixie')
  lab.server.serve('truncated', (await readFile(kernel)).subarray(0, 1_000_000))
  const header = { type: 'ramdisk', arch: 'arm', compression: 'none', load: 0, entry: 0, name: '', time: 0 } as const
  const damaged = packUImage(header, await readFile(await targetRamdisk()))
  damaged.fill(0x55, 2000, 2040)
  lab.server.serve('damaged', damaged)
}

/**
 * An example job, with the address of the lab's file server.
 *
 * @param name file in `lava/definitions/jobs`, without its extension
 * @param changes texts that the example must contain, and their replacements
 */
export async function exampleJob(
  { lab }: { readonly lab: Lab },
  name: string,
  changes: Readonly<Record<string, string>> = {},
): Promise<string> {
  // The dispatcher does not run on the board, which reaches this machine at another address.
  const server = lab.server.urlOf('').replace('10.0.2.2', '127.0.0.1')
  let text = await readFile(`lava/definitions/jobs/${name}.yaml`, 'utf8')
  for (const [from, to] of Object.entries(changes)) {
    if (!text.includes(from)) throw new Error(`${name}.yaml has no ${from}`)
    text = text.replace(from, () => to)
  }
  return text.replaceAll(EXAMPLE_SERVER, server)
}
