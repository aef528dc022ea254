/** A small file that unpacks to much. */

const MIB = 2 ** 20

/** A legacy lz4 frame of blocks that unpack to 8 MiB each: one literal, a match of it, one more literal. */
export function lz4Bomb(blocks: number): Buffer {
  const more = 8 * MIB - 21
  const lengths = [...Array<number>(Math.floor(more / 255)).fill(255), more % 255]
  const block = Buffer.from([0x1f, 0x61, 1, 0, ...lengths, 0x10, 0x62])
  const size = Buffer.alloc(4)
  size.writeUInt32LE(block.length)
  return Buffer.concat([Buffer.from([2, 0x21, 0x4c, 0x18]), ...Array<Buffer[]>(blocks).fill([size, block]).flat()])
}
