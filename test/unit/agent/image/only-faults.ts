/** A property that every parser must have: any input gives a result or an error of the table. */
import fc from 'fast-check'
import { FauxbootError } from '../../../../agent/errors.js'
import { mutatedBytes } from './mutated-bytes.js'

/** Rethrow anything but an error of the table. */
function refuseOthers(error: unknown): void {
  if (!(error instanceof FauxbootError)) throw error
}

/** Feed damaged copies of valid files, and random bytes, to a parser. */
export function assertOnlyFaults(
  valid: readonly Uint8Array[],
  parse: (bytes: Uint8Array) => unknown,
  numRuns = 1000,
): void {
  const bytes = fc.oneof(...valid.map(mutatedBytes), fc.uint8Array({ maxLength: 256 }))
  fc.assert(
    fc.property(bytes, input => {
      try {
        parse(input)
      } catch (error) {
        refuseOthers(error)
      }
    }),
    { numRuns },
  )
}

/** The same for a parser that returns a promise. */
export async function assertOnlyFaultsAsync(
  valid: readonly Uint8Array[],
  parse: (bytes: Uint8Array) => Promise<unknown>,
  numRuns = 300,
): Promise<void> {
  const bytes = fc.oneof(...valid.map(mutatedBytes), fc.uint8Array({ maxLength: 256 }))
  await fc.assert(
    fc.asyncProperty(bytes, async input => {
      await parse(input).catch(refuseOthers)
    }),
    { numRuns },
  )
}
