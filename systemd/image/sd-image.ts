/** A complete SD card: the real boot loader and a boot partition. The first stage never writes to it. */

import { cp, mkdir, open, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises'
import { basename, dirname, join } from 'node:path'
import { fault } from '../../agent/errors.js'
import type { SdCard } from '../boards/board.js'
import { cached, contentKey } from '../cache.js'
import { run } from '../run.js'
import type { BoardImage } from './board-image.js'
import { withoutCardDetect } from './boot-loader.js'
import { firstStageTree } from './first-stage-packages.js'
import { BOOT_FILES, extlinuxConf, ubootEnvironment } from './uboot-files.js'

const DOING = 'making an SD card'

const SECTOR = 512

/** First sector of the boot partition: 1 MiB, as partitioning tools align it. The boot loader is in front of it. */
const PARTITION_START = 2048

/** Allowance for FAT's tables and for rounding up to clusters, bytes. */
const FAT_OVERHEAD = 2 ** 20

/** Smallest size of a card, bytes. QEMU accepts only powers of two. */
const SMALLEST = 2 ** 25

/** FAT16 with logical block addresses. */
const PARTITION_TYPE = 0x0e
const BOOTABLE = 0x80

/** The value for addresses that cylinders, heads and sectors cannot express; no current software reads them. */
const NO_CHS = [0xfe, 0xff, 0xff] as const

/**
 * A master boot record with one partition, from {@link PARTITION_START} to the end of the card.
 *
 * @param sectors of the whole card
 * @returns 512 bytes
 */
export function masterBootRecord(sectors: number): Uint8Array {
  const record = Buffer.alloc(SECTOR)
  record.set([BOOTABLE, ...NO_CHS, PARTITION_TYPE, ...NO_CHS], 446)
  record.writeUInt32LE(PARTITION_START, 454)
  record.writeUInt32LE(sectors - PARTITION_START, 458)
  record.set([0x55, 0xaa], 510)
  return record
}

/** The smallest power of two that holds the files, bytes. */
export function cardSize(fileBytes: number): number {
  const needed = PARTITION_START * SECTOR + fileBytes + FAT_OVERHEAD
  return Math.max(SMALLEST, 2 ** Math.ceil(Math.log2(needed)))
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
  const key = contentKey([loader, JSON.stringify(sd), extlinux, environment, ...Object.values(files)])
  const dir = await cached('sd', key, async making => {
    const boot = join(making, 'boot')
    await mkdir(dirname(join(boot, BOOT_FILES.extlinux)), { recursive: true })
    for (const [name, path] of Object.entries(files)) await cp(path, join(boot, name))
    await writeFile(join(boot, BOOT_FILES.extlinux), extlinux)
    const { file, size } = sd.environment
    await run(DOING, ['mkenvimage', '-s', size, '-o', join(boot, file), '-'], { input: environment })
    await writeCard(join(making, 'sd.img'), boot, { offset: sd.bootloaderOffset, bytes: loader })
    await rm(boot, { recursive: true })
  })
  return join(dir, 'sd.img')
}

async function readLoader(sd: SdCard): Promise<Uint8Array> {
  const { path, ignoreCardDetect } = sd.bootloader
  const original = await readFile(join(await firstStageTree(), path))
  const loader = ignoreCardDetect ? withoutCardDetect(original) : original
  const available = PARTITION_START * SECTOR - sd.bootloaderOffset
  if (loader.length > available) {
    const reason = `the boot loader has ${loader.length} bytes, but only ${available} fit before the partition`
    throw fault('BUILD_INPUT', { doing: DOING, reason })
  }
  return loader
}

/** Write the card as a sparse file. */
async function writeCard(path: string, boot: string, loader: { offset: number; bytes: Uint8Array }): Promise<void> {
  const names = await readdir(boot)
  const sizes = await Promise.all((await readdir(boot, { recursive: true })).map(name => stat(join(boot, name))))
  const size = cardSize(sizes.reduce((sum, file) => sum + file.size, 0))
  const card = await open(path, 'wx')
  try {
    await card.truncate(size)
    await card.write(masterBootRecord(size / SECTOR), 0, SECTOR, 0)
    await card.write(loader.bytes, 0, loader.bytes.length, loader.offset)
  } finally {
    await card.close()
  }
  const start = PARTITION_START * SECTOR
  const kib = String((size - start) / 1024)
  await run(DOING, ['mkfs.vfat', '-n', 'FAUXBOOT', '--invariant', '--offset', String(PARTITION_START), path, kib])
  await run(DOING, ['mcopy', '-s', '-i', `${path}@@${start}`, ...names.map(name => join(boot, name)), '::'])
}
