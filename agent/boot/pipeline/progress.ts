/** Progress for people: whole percents instead of thousands of steps. */

const MIB = 1024 * 1024

/** Percents if the size is known, else MiB. */
const stepOf = (received: number, size: number | null): string =>
  size === null ? `${Math.floor(received / MIB)} MiB` : `${size === 0 ? 100 : Math.floor((received / size) * 100)} %`

/**
 * Thin out the progress of one transfer.
 *
 * @param emit called at every whole percent, or at every MiB if the size is unknown
 */
export function thinProgress(
  emit: (received: number, size: number | null) => void,
): (received: number, size: number | null) => void {
  let last = ''
  return (received, size) => {
    const step = stepOf(received, size)
    if (step === last) return
    last = step
    emit(received, size)
  }
}
