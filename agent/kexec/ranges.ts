/** Arithmetic on ranges of physical addresses. Addresses are plain numbers: every address of a board is below 2^53. */

/** A range of bytes: `start` belongs to it, `end` does not. */
export interface Range {
  readonly start: number
  readonly end: number
}
