/** Serves the files that jobs name: those of the examples in `lava/definitions/jobs`, and broken ones. */

import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { packUImage } from '../../agent/image/uboot/uimage.js'
import { debianKernel } from '../../systemd/target/debian-kernel.js'
import { makeLavaFiles, writeLavaJobs } from '../../systemd/target/lava-files.js'
import { targetRamdisk } from '../../systemd/target/target-ramdisk.js'
import type { Lab } from '../board/lab.js'
import type { LavaLab } from './lava-lab.js'

/** Serve a board's files under the names of the examples, and write the examples for it. */
export async function serveExampleFiles({ lab, work }: Pick<LavaLab, 'lab' | 'work'>): Promise<void> {
  for (const name of await makeLavaFiles(lab.board, work)) lab.server.serve(name, join(work, name))
  await writeLavaJobs(lab.board, serverUrl(lab), work)
}

/** The dispatcher does not run on the board, which reaches this machine at another address. */
function serverUrl(lab: Lab): string {
  return lab.server.urlOf('').replace('10.0.2.2', '127.0.0.1')
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
 * An example job, as {@link serveExampleFiles} has written it.
 *
 * @param name file in `lava/definitions/jobs`, without its extension
 * @param changes texts that the example must contain, and their replacements, in which `FILES/` is the file server
 */
export async function exampleJob(
  { lab, work }: Pick<LavaLab, 'lab' | 'work'>,
  name: string,
  changes: Readonly<Record<string, string>> = {},
): Promise<string> {
  let text = await readFile(join(work, 'jobs', `${name}.yaml`), 'utf8')
  for (const [from, to] of Object.entries(changes)) {
    if (!text.includes(from)) throw new Error(`${name}.yaml has no ${from}`)
    text = text.replace(from, () => to.replace('FILES/', serverUrl(lab)))
  }
  return text
}
