/** Sizes, times and rates as people read them. */

const UNITS = ['bytes', 'KiB', 'MiB', 'GiB', 'TiB'] as const

/** @param bytes a count of bytes, printed in the largest binary unit (IEC 80000-13) that leaves at least 1 */
export function formatBytes(bytes: number): string {
  let value = bytes
  let unit = 0
  while (value >= 1024 && unit < UNITS.length - 1) {
    value /= 1024
    unit += 1
  }
  return `${unit === 0 ? value : value.toFixed(1)} ${UNITS[unit]}`
}

/** @param milliseconds a duration, printed in seconds, or in minutes from two minutes on */
export function formatDuration(milliseconds: number): string {
  const seconds = milliseconds / 1000
  if (seconds < 10) return `${seconds.toFixed(2)} s`
  if (seconds < 120) return `${seconds.toFixed(1)} s`
  const whole = Math.round(seconds)
  return `${Math.floor(whole / 60)} min ${whole % 60} s`
}

/**
 * @param bytes a count of bytes
 * @param milliseconds the time they took
 */
export function formatRate(bytes: number, milliseconds: number): string {
  return `${formatBytes(Math.round((bytes * 1000) / Math.max(milliseconds, 1)))}/s`
}
