/** Everything that a board boots from, as files in a folder. */

import { mkdtemp, readFile, rmdir, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { checkSettings } from '../../agent/config.js'
import { asFault, fault } from '../../agent/errors.js'
import { makeFolder } from '../../agent/make-folder.js'
import { loadBoard } from '../boards/board.js'
import { runUntil } from '../run.js'
import type { LabSettings } from './agent-settings.js'
import { buildBoardImage, copyBoardImage } from './board-image.js'
import { copyWhole } from './copy-whole.js'
import { buildSdImage } from './sd-image.js'

export interface ImageRequest {
  /** name of one of the files in systemd/boards */
  readonly board: string
  /** folder for the files; made if it is not there, before anything is built */
  readonly out: string
  /** file with the token that clients must send to change anything */
  readonly tokenFile?: string
  /** file with more settings of the agent, as JSON */
  readonly settings?: string
}

export interface MadeImage {
  readonly files: readonly { readonly path: string /** bytes */; readonly size: number }[]
  /** the image of the SD card; null for a board that boots from none */
  readonly card: string | null
  /** of the first stage's kernel */
  readonly cmdline: string
}

/**
 * Build Debian's kernel, its device tree, an initramfs with the agent and, for boards that boot from one, the image of an SD
 * card. Parts that were built before come from the cache.
 *
 * @param doing is told what begins
 * @throws BOARD_DATA, BUILD_INPUT, BUILD_SETTINGS, BUILD_TOOL; the signal's reason, once every started tool is gone
 */
export function makeImage(
  request: ImageRequest,
  doing: (what: string) => void,
  signal: AbortSignal,
): Promise<MadeImage> {
  const step = (what: string): void => {
    signal.throwIfAborted()
    doing(what)
  }
  return runUntil(signal, () => make(request, step))
}

async function make(request: ImageRequest, doing: (what: string) => void): Promise<MadeImage> {
  const board = await loadBoard(request.board)
  const lab = await labSettings(request)
  await writing(request.out, checkFolder(request.out))
  doing(`building the first stage for ${board.title}: minutes for the first time, seconds from the cache`)
  const built = await buildBoardImage(board, lab)
  doing(`copying it to ${request.out}`)
  const { kernel, dtb, initramfs, cmdline } = await writing(request.out, copyBoardImage(built, request.out))
  const paths = [kernel, ...(dtb === null ? [] : [dtb]), initramfs]
  const card = board.sd === undefined ? null : join(request.out, 'sd.img')
  if (card !== null) {
    doing('making the SD card')
    const made = await buildSdImage(built)
    await writing(card, copyWhole(made, card))
    paths.push(card)
  }
  const files = await Promise.all(paths.map(async path => ({ path, size: (await stat(path)).size })))
  return { files, card, cmdline }
}

/** @throws the error of the file system, unless files can be made there; better before minutes of work than after them */
async function checkFolder(folder: string): Promise<void> {
  await makeFolder(folder)
  await rmdir(await mkdtemp(join(folder, 'fauxboot-')))
}

/** What the file system's errors mean for a folder that is written to. */
const NOT_WRITTEN: Readonly<Record<string, string>> = {
  EEXIST: 'it is a file, not a folder',
  ENOTDIR: 'a part of its path is a file, not a folder',
  EACCES: 'this user may not write there; choose another folder with --out',
  EPERM: 'this user may not write there; choose another folder with --out',
  EROFS: 'its file system is read-only; choose another folder with --out',
  ENOSPC: 'its file system is full',
}

/** Wait for what writes to a path. @throws BUILD_INPUT that says why it cannot be written */
async function writing<T>(path: string, work: Promise<T>): Promise<T> {
  try {
    return await work
  } catch (thrown) {
    const { code = '', message } = thrown as NodeJS.ErrnoException
    throw fault('BUILD_INPUT', { doing: `writing to ${path}`, reason: NOT_WRITTEN[code] ?? message }, thrown)
  }
}

/** Of the file system, or of JSON. */
function unreadable(file: string, thrown: unknown) {
  const { code, message } = thrown as NodeJS.ErrnoException
  const reason = code === 'ENOENT' ? 'there is no such file' : message
  return fault('BUILD_INPUT', { doing: `reading ${file}`, reason }, thrown)
}

async function textOf(file: string): Promise<string> {
  try {
    return await readFile(file, 'utf8')
  } catch (thrown) {
    throw unreadable(file, thrown)
  }
}

async function labSettings({ tokenFile, settings }: ImageRequest): Promise<LabSettings> {
  const token = tokenFile === undefined ? undefined : (await textOf(tokenFile)).trim()
  if (token === '') throw fault('BUILD_INPUT', { doing: 'reading the token', reason: `${tokenFile} is empty` })
  if (settings === undefined) return { token }
  const content = parsed(settings, await textOf(settings))
  // An agent that refuses its settings does not start, and a board that is far away says nothing about it.
  if (!isObject(content)) {
    const reason = `it must hold a JSON object, { "fetchRetries": 2 }, and holds ${JSON.stringify(content).slice(0, 80)}`
    throw fault('BUILD_SETTINGS', { file: settings, reason })
  }
  try {
    checkSettings(content)
  } catch (thrown) {
    throw fault('BUILD_SETTINGS', { file: settings, reason: asFault(thrown, 'checking settings').problem }, thrown)
  }
  return { token, settings: content }
}

function parsed(file: string, json: string): unknown {
  try {
    return JSON.parse(json)
  } catch (thrown) {
    throw unreadable(file, thrown)
  }
}

const isObject = (value: unknown): value is Readonly<Record<string, unknown>> =>
  typeof value === 'object' && value !== null && !Array.isArray(value)
