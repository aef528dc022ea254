/** What the decompressors take from `node:timers/promises`, for browsers. */

/** Let the browser do everything that waits. */
export const setImmediate = (): Promise<void> => new Promise(resolve => setTimeout(resolve))
