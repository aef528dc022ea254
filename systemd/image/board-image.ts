/** Everything that a board boots from, built and cached. */

import { readFile, writeFile } from 'node:fs/promises'
import { basename, join } from 'node:path'
import { packCpio } from '../../agent/image/cpio/cpio.js'
import { makeFolder } from '../../agent/make-folder.js'
import type { Board } from '../boards/board.js'
import { cached, contentKey } from '../cache.js'
import { agentFiles } from './agent-files.js'
import { agentSettings, type LabSettings } from './agent-settings.js'
import { copyWhole } from './copy-whole.js'
import { kernelVersion } from './debian-tree.js'
import { emulatorDtb } from './emulator-dtb.js'
import { firstStageFiles } from './first-stage.js'
import { firstStageTree } from './first-stage-packages.js'
import { compressedArchive, joinArchives } from './initramfs.js'
import { dtbWithKeptMemory } from './kept-memory.js'
import { firstStageCmdline } from './kernel-cmdline.js'
import { stageModules } from './kernel-modules.js'

/** Paths of the built files. They belong to the cache: do not change them. */
export interface BoardImage {
  readonly board: Board
  /** Debian's vmlinuz, as it is in its package */
  readonly kernel: string
  /** null if the emulator makes the device tree */
  readonly dtb: string | null
  readonly initramfs: string
  readonly cmdline: string
}

/**
 * Build a board's first stage. Cached.
 *
 * @param board read by `loadBoard`
 * @param lab the lab's settings; without a token, only the board itself may change anything
 * @throws BUILD_TOOL, BUILD_INPUT
 */
export async function buildBoardImage(board: Board, lab: LabSettings = {}): Promise<BoardImage> {
  const tree = await firstStageTree()
  const version = await kernelVersion(tree)
  const modules = await stageModules(tree, version, [...board.modules, ...(board.sd?.modules ?? [])])
  const base = await compressedArchive('first-stage', await firstStageFiles(board, tree, modules))
  const agent = await compressedArchive('agent', await agentFiles(tree))
  const settings = packCpio(agentSettings(board, lab).entries())
  const dir = await cached('initramfs', contentKey([base, agent, settings]), async making => {
    const parts = [await readFile(base), await readFile(agent), settings]
    await writeFile(join(making, 'initramfs.cpio.lz4'), joinArchives(parts))
  })
  return {
    board,
    kernel: join(tree, 'boot', `vmlinuz-${version}`),
    dtb: await firstStageDtb(board, join(tree, 'usr/lib', `linux-image-${version}`), lab),
    initramfs: join(dir, 'initramfs.cpio.lz4'),
    cmdline: firstStageCmdline(board),
  }
}

/** @param dtbs folder of the kernel's device trees */
async function firstStageDtb(board: Board, dtbs: string, { settings }: LabSettings): Promise<string | null> {
  const dtb = board.dtb === undefined ? null : join(dtbs, board.dtb)
  if (settings?.lastWords !== true) return dtb
  return dtbWithKeptMemory(board, dtb ?? (await emulatorDtb(board)))
}

/**
 * Put copies of an image's files into a folder.
 *
 * @param dir made when it is not there
 * @returns the copies
 */
export async function copyBoardImage(image: BoardImage, dir: string): Promise<BoardImage> {
  const copy = async (from: string, name: string): Promise<string> => {
    await copyWhole(from, join(dir, name))
    return join(dir, name)
  }
  await makeFolder(dir)
  return {
    ...image,
    kernel: await copy(image.kernel, 'vmlinuz'),
    dtb: image.dtb === null ? null : await copy(image.dtb, basename(image.dtb)),
    initramfs: await copy(image.initramfs, 'initramfs.cpio.lz4'),
  }
}
