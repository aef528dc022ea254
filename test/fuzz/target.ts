/** What a fuzz target is: a parser of a foreign format, or a pipeline after one. */

export interface FuzzTarget {
  /** valid inputs: every other input is a damaged copy of one, or of a file in `corpus/` */
  readonly seeds: readonly Uint8Array[]
  /** words of the grammar, which are inserted and repeated; without any, the format is binary */
  readonly words?: readonly string[]
  /** bytes of memory that it may take for the smallest input; default 64 MiB */
  readonly memory?: number
  /** @throws FauxbootError; any other error is a finding */
  run(input: Uint8Array): unknown
}

export type FuzzTargets = Readonly<Record<string, FuzzTarget>>

export const textOf = (input: Uint8Array): string => Buffer.from(input).toString('latin1')

export const textSeeds = (...texts: readonly string[]): Uint8Array[] => texts.map(text => Buffer.from(text))

/** Take all that an iterator yields. */
export async function drain(chunks: AsyncIterable<unknown> | Iterable<unknown>): Promise<void> {
  for await (const _ of chunks);
}
