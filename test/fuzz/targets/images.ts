/** Formats of kernels, ramdisks, device trees and disks. Valid files of other programs are in `corpus/`. */

import { gzipSync } from 'node:zlib'
import { modulesToCpio } from '../../../agent/boot/pipeline/modules.js'
import { decodeLabel, slotsOf } from '../../../agent/image/card/card-layout.js'
import { decodeRecord } from '../../../agent/image/card/card-record.js'
import { decompress } from '../../../agent/image/compression/compression.js'
import { xzBreaksOff } from '../../../agent/image/compression/xz-end.js'
import { cpioBreaksOff } from '../../../agent/image/cpio/cpio-end.js'
import { parseFdt, writeFdt } from '../../../agent/image/fdt/fdt.js'
import { applyOverlay } from '../../../agent/image/fdt/fdt-overlay.js'
import { parseArm64Image } from '../../../agent/image/kernel/arm64-image.js'
import { parseZImage } from '../../../agent/image/kernel/zimage.js'
import { tarMembers } from '../../../agent/image/tar/tar-members.js'
import { parseFit } from '../../../agent/image/uboot/fit.js'
import { packUImage, parseUImage, type UImageHeader } from '../../../agent/image/uboot/uimage.js'
import { readEnvironmentImage, writeEnvironmentImage } from '../../../agent/uboot/env/environment-image.js'
import { filesystemName, readPartitionTable } from '../../../agent/uboot/hardware/partition-table.js'
import { buildZImage } from '../../unit/agent/image/kernel/zimage-builder.js'
import { arm64Image, cpio } from '../../unit/agent/kexec/images.js'
import { tree, treeFile } from '../../unit/agent/kexec/trees.js'
import { drain, type FuzzTargets } from '../target.js'

export const BOARD_TREE = treeFile({
  memory: [[0x4000_0000, 0x4000_0000]],
  compatible: ['xunlong,orangepi-pc', 'allwinner,sun8i-h3'],
  model: 'Xunlong Orange Pi PC',
  chosen: {},
  regions: [[0x4300_0000, 0x10_0000]],
  reservations: [[0x4200_0000, 0x1000]],
})
const LIMIT = 16 * 2 ** 20
const TEXT = Buffer.from('the quick brown fox jumps over the lazy dog\n'.repeat(40))

const UIMAGE: UImageHeader = {
  ...{ name: 'Linux', os: 'linux', arch: 'arm', type: 'kernel', compression: 'none' },
  ...{ load: 0x4000_8000, entry: 0x4000_8000, time: 0 },
}

async function* chunks(bytes: Uint8Array): AsyncGenerator<Uint8Array> {
  for (let at = 0; at < bytes.length; at += 1000) yield bytes.subarray(at, at + 1000)
}

export const IMAGE_TARGETS: FuzzTargets = {
  zimage: { seeds: [buildZImage()], run: input => parseZImage(input) },
  'arm64-image': { seeds: [arm64Image({ size: 256 })], run: input => parseArm64Image(input) },
  uimage: {
    seeds: [packUImage(UIMAGE, TEXT)],
    run: input => parseUImage(input),
  },
  fit: { seeds: [BOARD_TREE], run: input => parseFit(input)?.images.length },
  fdt: { seeds: [BOARD_TREE], run: input => writeFdt(parseFdt(input)) },
  'fdt-overlay': {
    seeds: [BOARD_TREE],
    run: input => applyOverlay(tree({ memory: [[0x4000_0000, 0x1000]] }), parseFdt(input)),
  },
  gzip: { seeds: [gzipSync(TEXT)], run: input => decompress(input, { limit: LIMIT, format: 'gzip' }) },
  xz: {
    seeds: [],
    run: input => {
      xzBreaksOff(input)
      return decompress(input, { limit: LIMIT, format: 'xz' })
    },
  },
  zstd: { seeds: [], run: input => decompress(input, { limit: LIMIT, format: 'zstd' }) },
  lz4: { seeds: [], run: input => decompress(input, { limit: LIMIT, format: 'lz4' }) },
  tar: {
    seeds: [],
    run: input => drain(tarMembers(chunks(input), { what: 'modules', limit: LIMIT })),
  },
  modules: {
    seeds: [cpio(512)],
    run: input => {
      cpioBreaksOff(input)
      return drain(modulesToCpio(input, { limit: LIMIT, compression: 'none' }))
    },
  },
  'partition-table': {
    seeds: [],
    run: input => {
      const disk = Buffer.from(input)
      filesystemName(disk)
      slotsOf(disk)
      return readPartitionTable((offset, length) => disk.subarray(offset, offset + length))
    },
  },
  'environment-image': {
    seeds: [writeEnvironmentImage(new Map([['bootcmd', 'run distro_bootcmd']]), 512, null)],
    run: input => [decodeRecord(input), decodeLabel(input), readEnvironmentImage(input, false)],
  },
}
