/** What the example jobs in `lava/definitions/jobs` name: the files, for one board, and the jobs with its device type. */

import { cp, mkdir, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { fault } from '../../agent/errors.js'
import type { Board } from '../boards/board.js'
import { emulatorDtb } from '../image/emulator-dtb.js'
import { PROJECT_DIR } from '../paths.js'
import { run } from '../run.js'
import { debianKernel } from './debian-kernel.js'
import { nfsFiles } from './nfs-files.js'
import { targetModules } from './target-modules.js'
import { targetRamdisk } from './target-ramdisk.js'

const DEFINITIONS = join(PROJECT_DIR, 'lava/definitions')

/** The file server and the device type in the examples. */
const EXAMPLE = { server: 'http://files.lab/', type: 'device_type: fauxboot\n' } as const

const OVERLAY = `/dts-v1/; /plugin/;
/ { fragment@0 { target-path = "/"; __overlay__ { fauxboot-overlay = "from the overlay"; }; }; };
`

/** Where our device dictionaries have a zImage loaded, bytes from the start of memory. */
const KERNEL_OFFSET = 0x200_0000

/** A kernel in a FIT image names its address, which LAVA does not change. */
function fitSource({ ramBase }: Board): string {
  const address = `<0x${(Number(ramBase) + KERNEL_OFFSET).toString(16)}>`
  return `/dts-v1/;
/ {
  description = "kernel, ramdisk and device tree";
  #address-cells = <1>;
  images {
    kernel {
      data = /incbin/("vmlinuz"); type = "kernel"; arch = "arm"; os = "linux"; compression = "none";
      load = ${address}; entry = ${address}; hash-1 { algo = "sha256"; };
    };
    ramdisk {
      data = /incbin/("ramdisk.cpio.gz"); type = "ramdisk"; arch = "arm"; os = "linux"; compression = "none";
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
}

/**
 * Make the files that the examples name.
 *
 * @param out an existing folder
 * @returns their names
 * @throws BUILD_TOOL, BUILD_INPUT
 */
export async function makeLavaFiles(board: Board, out: string): Promise<readonly string[]> {
  const { kernel, dtbs } = await debianKernel('trixie')
  const copies: Readonly<Record<string, string>> = {
    vmlinuz: kernel,
    'ramdisk.cpio.gz': await targetRamdisk({ loads: board.modules, withModules: true }),
    'board.dtb': board.dtb === undefined ? await emulatorDtb(board) : join(dtbs, board.dtb),
    'modules.tar.xz': (await targetModules([...board.modules, 'loop'])).archive,
    ...(await nfsFiles(board)),
  }
  for (const [name, from] of Object.entries(copies)) await cp(from, join(out, name))
  const overlay = ['dtc', '-q', '-@', '-I', 'dts', '-O', 'dtb', '-o', 'overlay.dtbo', '-'] as const
  await run('making a device tree overlay', overlay, { cwd: out, input: OVERLAY })
  const source = join(out, 'fitImage.its')
  await writeFile(source, fitSource(board))
  await run('making a FIT image', ['mkimage', '-f', 'fitImage.its', 'fitImage'], { cwd: out })
  await rm(source)
  return [...Object.keys(copies), 'overlay.dtbo', 'fitImage']
}

/** The device type that a board's dictionary extends. */
async function deviceType({ name }: Board): Promise<string> {
  const file = join(DEFINITIONS, 'devices', `${name}.jinja2`)
  const wrong = (reason: string, cause?: unknown): Error =>
    fault('BUILD_INPUT', { doing: 'reading the device dictionary', reason: `${file}: ${reason}` }, cause)
  const dictionary = await readFile(file, 'utf8').catch((thrown: Error) => {
    throw wrong(thrown.message, thrown)
  })
  const type = /\{% extends '([^']+)\.jinja2' %\}/.exec(dictionary)?.[1]
  if (type === undefined) throw wrong('it extends no device type')
  return type
}

/**
 * Write the example jobs for a board.
 *
 * @param url of the folder with the files, as the dispatcher sees it
 * @param out an existing folder
 * @returns the names of the jobs
 * @throws BUILD_INPUT
 */
export async function writeLavaJobs(board: Board, url: string, out: string): Promise<readonly string[]> {
  const type = await deviceType(board)
  const names = (await readdir(join(DEFINITIONS, 'jobs'))).sort()
  await mkdir(join(out, 'jobs'), { recursive: true })
  for (const name of names) {
    const example = await readFile(join(DEFINITIONS, 'jobs', name), 'utf8')
    const job = example.replaceAll(EXAMPLE.server, `${url.replace(/\/*$/, '')}/`)
    await writeFile(join(out, 'jobs', name), job.replace(EXAMPLE.type, `device_type: ${type}\n`))
  }
  return names
}
