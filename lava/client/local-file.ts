/** Files of the lab's machine: read with a bound, measured, and streamed, with errors that name the file. */

import { createHash } from 'node:crypto'
import { createReadStream, existsSync } from 'node:fs'
import { open, rename, rm, writeFile } from 'node:fs/promises'
import { dirname } from 'node:path'
import type { Readable } from 'node:stream'
import { FauxbootError, fault } from '../../agent/errors.js'
import { formatBytes } from '../terminal/quantities.js'

/** A file that is to go to a board. */
export interface LocalFile {
  readonly path: string
  /** bytes */
  readonly size: number
  /** lower-case hex */
  readonly sha256: string
}

const CHUNK = 1024 * 1024

/**
 * Read a file, or a pipe such as the shell's `<(zcat F)`.
 *
 * @param path the file
 * @param limit bytes, checked before they are kept
 * @throws CLI_FILE
 */
export async function readInput(path: string, limit: number): Promise<Uint8Array> {
  return readStream(createReadStream(path, { highWaterMark: CHUNK }), path, limit)
}

/**
 * Read a file of a job, which must not be empty: a target without the ramdisk that somebody named finds no init.
 *
 * @param path the file
 * @param limit bytes, checked before they are kept
 * @throws CLI_FILE
 */
export async function readJobInput(path: string, limit: number): Promise<Uint8Array> {
  const bytes = await readInput(path, limit)
  if (bytes.length === 0) throw emptyFile(path)
  return bytes
}

function emptyFile(file: string): FauxbootError {
  return fault('CLI_FILE', { file, reason: 'the file is empty' })
}

/**
 * Read a stream to its end.
 *
 * @param name of the input, for the error
 * @param limit bytes, checked before they are kept
 * @throws CLI_FILE
 */
export async function readStream(stream: Readable, name: string, limit: number): Promise<Uint8Array> {
  const chunks: Uint8Array[] = []
  let size = 0
  try {
    for await (const chunk of stream as AsyncIterable<Uint8Array>) {
      size += chunk.length
      if (size > limit) {
        throw fault('CLI_FILE', { file: name, reason: `larger than ${formatBytes(limit)}: this is the wrong file` })
      }
      chunks.push(chunk)
    }
  } catch (thrown) {
    throw fileError(name, thrown)
  }
  return chunks.length === 1 && chunks[0] ? chunks[0] : Buffer.concat(chunks, size)
}

/**
 * Read the end of a text.
 *
 * @param limit bytes
 * @returns empty for a file that is not there
 * @throws CLI_FILE
 */
export async function readTextEnd(path: string, limit: number): Promise<string> {
  try {
    const file = await open(path)
    try {
      const { size } = await file.stat()
      const start = Math.max(0, size - limit)
      const { buffer, bytesRead } = await file.read(Buffer.alloc(size - start), 0, size - start, start)
      return buffer.toString('utf8', 0, bytesRead)
    } finally {
      await file.close()
    }
  } catch (thrown) {
    if ((thrown as NodeJS.ErrnoException).code === 'ENOENT') return ''
    throw fileError(path, thrown)
  }
}

/**
 * Write a result.
 *
 * @throws CLI_FILE
 */
export async function writeText(path: string, text: string): Promise<void> {
  try {
    await writeFile(path, text)
  } catch (thrown) {
    throw outputError(path, thrown)
  }
}

/**
 * Measure a file before it is sent.
 *
 * @throws CLI_FILE, also when the file is empty, and the signal's reason
 */
export async function measureFile(path: string, signal?: AbortSignal): Promise<LocalFile> {
  const hash = createHash('sha256')
  let size = 0
  for await (const chunk of fileChunks(path, 0)) {
    signal?.throwIfAborted()
    hash.update(chunk)
    size += chunk.length
  }
  if (size === 0) throw emptyFile(path)
  return { path, size, sha256: hash.digest('hex') }
}

/**
 * A file's bytes from an offset to its end.
 *
 * @throws CLI_FILE, also when the path is a directory
 */
export async function* fileChunks(path: string, offset: number): AsyncGenerator<Uint8Array, void, undefined> {
  try {
    const file = await open(path)
    try {
      if (!(await file.stat()).isFile()) throw fault('CLI_FILE', { file: path, reason: 'not a regular file' })
      for (let position = offset; ; ) {
        const { bytesRead, buffer } = await file.read(Buffer.allocUnsafe(CHUNK), 0, CHUNK, position)
        if (bytesRead === 0) return
        position += bytesRead
        yield buffer.subarray(0, bytesRead)
      }
    } finally {
      await file.close()
    }
  } catch (thrown) {
    throw fileError(path, thrown)
  }
}

/** Plain words for file system errors. */
const FILE_REASONS: Readonly<Record<string, string>> = {
  ENOENT: 'no such file',
  EACCES: 'permission denied',
  EISDIR: 'is a directory',
  ENOTDIR: 'a part of the path is not a directory',
  ENOSPC: 'no space left on the device',
  EROFS: 'the file system is read-only',
}

/** Bring what `node:fs` throws into the table: CLI_FILE. */
export function fileError(file: string, thrown: unknown): FauxbootError {
  if (thrown instanceof FauxbootError) return thrown
  const { code = '', message } = thrown instanceof Error ? (thrown as NodeJS.ErrnoException) : { message: `${thrown}` }
  return fault('CLI_FILE', { file, reason: FILE_REASONS[code] ?? message }, thrown)
}

/** The same for a file that was to be written: what is missing then is its folder. */
export function outputError(file: string, thrown: unknown): FauxbootError {
  const folder = dirname(file)
  const missing = (thrown as NodeJS.ErrnoException).code === 'ENOENT' && !existsSync(folder)
  return missing ? fault('CLI_FILE', { file, reason: `there is no folder ${folder}` }, thrown) : fileError(file, thrown)
}

/**
 * Write a file completely or not at all.
 *
 * @throws CLI_FILE
 */
export async function writeWhole(path: string, text: string): Promise<void> {
  const partial = `${path}.${process.pid}.partial`
  try {
    await writeFile(partial, text)
    await rename(partial, path)
  } catch (thrown) {
    await rm(partial, { force: true })
    throw outputError(path, thrown)
  }
}
