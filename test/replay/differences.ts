/** Exchanges in which the fake differs from the recorded U-Boot on purpose, or cannot do otherwise. */

import type { Exchange } from './replay.js'

export interface Difference {
  readonly reason: string
  fits(recording: string, exchange: Exchange): boolean
}

const typed =
  (pattern: RegExp) =>
  (_recording: string, { sent }: Exchange): boolean =>
    pattern.test(sent)

export const DIFFERENCES: readonly Difference[] = [
  {
    reason: 'the banner tells of this board',
    fits: (_, { label }) => label === 'power-on banner' || label === 'reset',
  },
  { reason: 'CRLF is one line end', fits: (_, { label }) => label === 'key: CRLF' },
  { reason: 'the fake has fewer commands', fits: typed(/^(help\n|e\t|\t)/) },
]
