/**
 * The marks of a transfer: one for every tenth block, counted from the first, and a line end after 65 of them.
 *
 * They are drawn for blocks of the size that U-Boot would have used, although the transfer itself may use larger ones: a
 * console then looks as it does on a board that runs U-Boot, and a person can judge the progress by it.
 */

/** Blocks from one mark to the next. */
const BLOCKS_PER_MARK = 10
const BLOCKS_PER_LINE = 65 * BLOCKS_PER_MARK
/** Block numbers have 16 bits (RFC 1350); U-Boot's marks start over with them, and number 0 ends a line. */
const NUMBERS = 0x1_0000

function markOf(block: number): string {
  const number = block % NUMBERS
  if (number % BLOCKS_PER_MARK === 1) return '#'
  return number % BLOCKS_PER_LINE === 0 ? '\n\t ' : ''
}

export class TftpMarks {
  readonly #write: (text: string) => void
  #blockSize: number
  #drawn: number

  /**
   * @param blockSize bytes of a block as U-Boot would have asked for
   * @param drawn blocks that get no mark: 1 when a file is put, whose first block U-Boot sends without one
   */
  constructor(write: (text: string) => void, blockSize: number, drawn = 0) {
    this.#write = write
    this.#blockSize = blockSize
    this.#drawn = drawn
  }

  /** The server agreed to this size; a smaller one than asked for is what U-Boot would draw, too. */
  agreed(blockSize: number): void {
    this.#blockSize = Math.min(this.#blockSize, blockSize)
  }

  /** The first block has arrived, whatever its size. */
  first(): void {
    this.#draw(1)
  }

  /** So many bytes have arrived, and more will come. */
  passed(bytes: number): void {
    this.#draw(Math.floor(bytes / this.#blockSize))
  }

  /** The peer has acknowledged this many bytes: the next block goes out, if there is one. */
  taken(bytes: number, size: number): void {
    this.#draw(Math.min(Math.floor(bytes / this.#blockSize), Math.floor(size / this.#blockSize)) + 1)
  }

  /** That was all: the last block is shorter than the others, and may be empty. */
  ended(bytes: number): void {
    this.#draw(Math.floor(bytes / this.#blockSize) + 1)
  }

  #draw(block: number): void {
    let text = ''
    while (this.#drawn < block) text += markOf(++this.#drawn)
    if (text !== '') this.#write(text)
  }
}
