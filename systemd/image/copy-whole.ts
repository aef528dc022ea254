import { constants, copyFile, rename, rm } from 'node:fs/promises'

/**
 * Copy a file so that the copy appears whole or not at all: a full disk leaves no part of it, and the file that had the
 * name stays.
 *
 * @throws the error of the file system
 */
export async function copyWhole(from: string, to: string): Promise<void> {
  const part = `${to}.part`
  try {
    await copyFile(from, part, constants.COPYFILE_FICLONE)
    await rename(part, to)
  } catch (thrown) {
    await rm(part, { force: true })
    throw thrown
  }
}
