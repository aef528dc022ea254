/** A file, or part of one, copied into memory: for machines without the addon, which would map it. */

import { open, readFile } from 'node:fs/promises'

/**
 * @param part offset and size in bytes; the whole file without it
 * @throws the error of the file system
 */
export async function readFileRange(
  path: string,
  part?: { readonly offset: number; readonly size: number },
): Promise<Uint8Array> {
  if (part === undefined) return readFile(path)
  const file = await open(path)
  try {
    return (await file.read(Buffer.alloc(part.size), 0, part.size, part.offset)).buffer
  } finally {
    await file.close()
  }
}
