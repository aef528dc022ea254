/** Whether a file has changed. */

import { stat } from 'node:fs/promises'

/**
 * What changes when a file is written to, replaced or renamed: its inode, its size and its times, to the nanosecond. The
 * kernel sets the times with each write, and also when a page of a shared mapping is written to first. Only a write within the
 * same tick of the kernel's clock, 4 ms, looks the same; only the agent writes its files.
 *
 * @throws the error of the file system
 */
export async function fileState(path: string): Promise<string> {
  const { dev, ino, size, mtimeNs, ctimeNs } = await stat(path, { bigint: true })
  return [dev, ino, size, mtimeNs, ctimeNs].join(' ')
}
