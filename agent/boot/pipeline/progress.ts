/** Progress for people: as often as they can read it, instead of thousands of steps. */

const MIB = 1024 * 1024

/** Milliseconds between two steps. An event costs a small core as much as the digest of 64 KiB, and more for each reader. */
const PAUSE_MS = 100

/** Percents if the size is known, else MiB. */
const stepOf = (received: number, size: number | null): string =>
  size === null ? `${Math.floor(received / MIB)} MiB` : `${size === 0 ? 100 : Math.floor((received / size) * 100)} %`

/**
 * Thin out the progress of one transfer.
 *
 * @param emit called at whole percents, or at whole MiB if the size is unknown, ten times a second at most; always at the end of a
 *   known size
 * @param now milliseconds
 */
export function thinProgress(
  emit: (received: number, size: number | null) => void,
  now: () => number = () => performance.now(),
): (received: number, size: number | null) => void {
  let last = ''
  let emittedAt = Number.NEGATIVE_INFINITY
  return (received, size) => {
    const step = stepOf(received, size)
    if (step === last) return
    const time = now()
    if (received !== size && time - emittedAt < PAUSE_MS) return
    last = step
    emittedAt = time
    emit(received, size)
  }
}
