/**
 * A complete SD card: the real boot loader with its environment, and two slots. The first holds a first stage; the second is
 * empty until an update comes. `agent/image/card/card-layout.ts` says where everything is.
 */

import { cp, mkdir, open, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises'
import { basename, dirname, join } from 'node:path'
import { fault } from '../../agent/errors.js'
import {
  CARD_SIGNATURE,
  chosenRecord,
  encodeLabel,
  HEAD_BYTES,
  LABEL_OFFSET,
  RECORDS,
  SECTOR,
  SIGNATURE_OFFSET,
  SLOT_UNIT,
  SLOTS_START,
  type SlotRanges,
  trialRecord,
} from '../../agent/image/card/card-layout.js'
import type { SdCard } from '../boards/board.js'
import { cached, contentKey } from '../cache.js'
import { run } from '../run.js'
import type { BoardImage } from './board-image.js'
import { withoutCardDetect } from './boot-loader.js'
import { firstStageTree } from './first-stage-packages.js'
import { BOOT_FILES, extlinuxConf, ubootEnvironment } from './uboot-files.js'

const DOING = 'making an SD card'

/** First byte of the partition with U-Boot's environment: 1 MiB, as partitioning tools align it. The boot loader is in front of it. */
const ENVIRONMENT_START = 2 ** 20

/** Allowance for FAT's tables and for rounding up to clusters, bytes. */
const FAT_OVERHEAD = 2 ** 20

/** A slot is so much larger than the first stage that the card is made with: later ones grow. */
const GROWTH = 1.2

/** Smallest size of a card, bytes. QEMU accepts only powers of two. */
const SMALLEST = 2 ** 26

/** FAT with logical block addresses. */
const PARTITION_TYPE = 0x0e
const BOOTABLE = 0x80

/** The value for addresses that cylinders, heads and sectors cannot express; no current software reads them. */
const NO_CHS = [0xfe, 0xff, 0xff] as const

/**
 * A master boot record with the partition of the environment and those of both slots.
 *
 * @returns 512 bytes
 */
export function masterBootRecord(slots: SlotRanges): Uint8Array {
  const environment = { offset: ENVIRONMENT_START, size: RECORDS.trial - ENVIRONMENT_START }
  const record = Buffer.alloc(SECTOR)
  record.writeUInt32LE(CARD_SIGNATURE, SIGNATURE_OFFSET)
  for (const [index, { offset, size }] of [environment, slots.a, slots.b].entries()) {
    const entry = 446 + 16 * index
    // U-Boot looks for its environment in the partition that is marked.
    record.set([index === 0 ? BOOTABLE : 0, ...NO_CHS, PARTITION_TYPE, ...NO_CHS], entry)
    record.writeUInt32LE(offset / SECTOR, entry + 8)
    record.writeUInt32LE(size / SECTOR, entry + 12)
  }
  record.set([0x55, 0xaa], 510)
  return record
}

/** The smallest power of two that holds two slots with these files, bytes. */
export function cardSize(fileBytes: number): number {
  const needed = SLOTS_START + 2 * (fileBytes + FAT_OVERHEAD) * GROWTH
  return Math.max(SMALLEST, 2 ** Math.ceil(Math.log2(needed)))
}

/**
 * Both slots share what is left of a card.
 *
 * @param cardBytes size of the card
 */
export function slotRanges(cardBytes: number): SlotRanges {
  const size = Math.floor((cardBytes - SLOTS_START) / 2 / SLOT_UNIT) * SLOT_UNIT
  return { a: { offset: SLOTS_START, size }, b: { offset: SLOTS_START + size, size } }
}

/**
 * Build the image of a board's SD card. Cached.
 *
 * @param image what `buildBoardImage` returned
 * @returns path of the image
 * @throws BOARD_DATA if the board does not boot from a card; BUILD_TOOL, BUILD_INPUT
 */
export async function buildSdImage(image: BoardImage): Promise<string> {
  const { board, dtb } = image
  const { sd } = board
  if (sd === undefined || dtb === null) {
    throw fault('BOARD_DATA', {
      file: `${board.name}.json`,
      where: '/sd',
      reason: 'is missing: the board does not boot from an SD card',
    })
  }
  const loader = await readLoader(sd)
  const files = { [BOOT_FILES.kernel]: image.kernel, [BOOT_FILES.initramfs]: image.initramfs, [basename(dtb)]: dtb }
  const extlinux = extlinuxConf(basename(dtb), image.cmdline)
  const environment = ubootEnvironment(board, sd)
  const contents = [loader, JSON.stringify(sd), extlinux, environment, ...Object.values(files)]
  const dir = await cached('sd', contentKey(['slots', board.name, ...contents]), async making => {
    const stage = join(making, 'stage')
    await mkdir(dirname(join(stage, BOOT_FILES.extlinux)), { recursive: true })
    for (const [name, path] of Object.entries(files)) await cp(path, join(stage, name))
    await writeFile(join(stage, BOOT_FILES.extlinux), extlinux)
    const { file, size } = sd.environment
    const variables = join(making, file)
    await run(DOING, ['mkenvimage', '-s', size, '-o', variables, '-'], { input: environment })
    const slot = await slotContent(making, stage, board.name)
    await writeCard(join(making, 'sd.img'), { loader, loaderOffset: sd.bootloaderOffset, variables, slot })
    for (const path of [stage, slot, variables]) await rm(path, { recursive: true })
  })
  return join(dir, 'sd.img')
}

async function readLoader(sd: SdCard): Promise<Uint8Array> {
  const { path, ignoreCardDetect } = sd.bootloader
  const original = await readFile(join(await firstStageTree(), path))
  const loader = ignoreCardDetect ? withoutCardDetect(original) : original
  const available = RECORDS.noTrial - sd.bootloaderOffset
  if (loader.length > available) {
    const reason = `the boot loader has ${loader.length} bytes, but only ${available} fit before the partition`
    throw fault('BUILD_INPUT', { doing: DOING, reason })
  }
  return loader
}

/**
 * A FAT with the files of a first stage, and a label, as it will be in a slot.
 *
 * @returns its path in `making`
 */
async function slotContent(making: string, stage: string, board: string): Promise<string> {
  const path = join(making, 'slot')
  const sizes = await Promise.all((await readdir(stage, { recursive: true })).map(name => stat(join(stage, name))))
  const bytes = sizes.reduce((sum, file) => sum + file.size, 0)
  const kib = Math.ceil((bytes + FAT_OVERHEAD) / 1024)
  const size = kib * 1024
  const reserved = String(HEAD_BYTES / SECTOR)
  await run(DOING, ['mkfs.vfat', '-C', '-F', '16', '-R', reserved, '-n', 'FAUXBOOT', '--invariant', path, String(kib)])
  const names = await readdir(stage)
  await run(DOING, ['mcopy', '-s', '-i', path, ...names.map(name => join(stage, name)), '::'])
  const file = await open(path, 'r+')
  try {
    await file.write(encodeLabel({ board, size }), 0, SECTOR, LABEL_OFFSET)
  } finally {
    await file.close()
  }
  return path
}

interface CardContent {
  readonly loader: Uint8Array
  /** bytes */
  readonly loaderOffset: number
  /** file with U-Boot's environment */
  readonly variables: string
  /** file with what is in the first slot */
  readonly slot: string
}

/** Write the card as a sparse file. */
async function writeCard(path: string, { loader, loaderOffset, variables, slot }: CardContent): Promise<void> {
  const size = cardSize((await stat(slot)).size)
  const card = await open(path, 'wx')
  try {
    await card.truncate(size)
    const parts: readonly (readonly [Uint8Array, number])[] = [
      [masterBootRecord(slotRanges(size)), 0],
      [loader, loaderOffset],
      [trialRecord(null), RECORDS.noTrial],
      [trialRecord(null), RECORDS.trial],
      [chosenRecord('a'), RECORDS.chosen],
      [chosenRecord('a'), RECORDS.chosenCopy],
      [await readFile(slot), SLOTS_START],
    ]
    for (const [bytes, offset] of parts) await card.write(bytes, 0, bytes.length, offset)
  } finally {
    await card.close()
  }
  const first = String(ENVIRONMENT_START / SECTOR)
  const kib = String((RECORDS.trial - ENVIRONMENT_START) / 1024)
  await run(DOING, ['mkfs.vfat', '-n', 'U-BOOT', '--invariant', '--offset', first, path, kib])
  await run(DOING, ['mcopy', '-i', `${path}@@${ENVIRONMENT_START}`, variables, '::'])
}
