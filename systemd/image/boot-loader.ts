/**
 * Debian's boot loader for Allwinner boards, `u-boot-sunxi-with-spl.bin`: the SPL, and U-Boot as a legacy image whose data ends
 * with U-Boot's device tree.
 */

import { fault } from '../../agent/errors.js'
import { parseFdt } from '../../agent/image/fdt/fdt.js'
import { packUImage, parseUImage } from '../../agent/image/uboot/uimage.js'

/** Where U-Boot's image starts: the build pads the SPL to this size (`CONFIG_SPL_PAD_TO`). */
const IMAGE_OFFSET = 32 * 1024

/** The property that makes U-Boot read a pin before it reads a card. */
const CARD_DETECT = 'cd-gpios'

/** A name of the same length, which U-Boot does not know. */
const RENAMED = 'cd-unset'

/**
 * A copy of the boot loader that never asks the card-detect pin, and always tries to read the card. On some boards that pin
 * reports no card, although the SPL has just loaded U-Boot from it: then the real U-Boot stops at a prompt of its own.
 *
 * @param loader is not changed
 * @throws FORMAT_* if it is not such a file; BUILD_INPUT if its device tree has no card-detect pin
 */
export function withoutCardDetect(loader: Uint8Array): Uint8Array {
  const uboot = parseUImage(loader.subarray(IMAGE_OFFSET), 'the image of U-Boot')
  const data = Buffer.from(uboot.data)
  const name = findPropertyName(data)
  data.write(RENAMED, name, 'latin1')
  const patched = Buffer.from(loader)
  patched.set(packUImage(uboot, data), IMAGE_OFFSET)
  return patched
}

/** Offset of the property's name in the tree at the end of U-Boot. Properties of the same name share it. */
function findPropertyName(data: Buffer): number {
  const tree = treeOffset(data)
  // Names follow each other, each ended by a NUL.
  const name = data.indexOf(`\0${CARD_DETECT}\0`, tree, 'latin1')
  if (name === -1) {
    const reason = `the device tree of U-Boot has no ${CARD_DETECT}: remove ignoreCardDetect from the board's data`
    throw fault('BUILD_INPUT', { doing: 'changing the boot loader', reason })
  }
  return name + 1
}

const FDT_MAGIC = Buffer.from('d00dfeed', 'hex')

/** The tree is the one whose size reaches the end of the data; U-Boot's code contains its magic number, too. */
function treeOffset(data: Buffer): number {
  for (let at = data.indexOf(FDT_MAGIC); at !== -1; at = data.indexOf(FDT_MAGIC, at + 1)) {
    if (at + 8 > data.length || at + data.readUInt32BE(at + 4) !== data.length) continue
    parseFdt(data.subarray(at), 'the device tree of U-Boot')
    return at
  }
  throw fault('BUILD_INPUT', { doing: 'changing the boot loader', reason: 'no device tree ends the image of U-Boot' })
}
