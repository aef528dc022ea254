/** Finding and loading the addon. The functions are those of `src/functions.h`; `index.ts` is what callers use. */

import { existsSync } from 'node:fs'
import { join } from 'node:path'
import load from 'node-gyp-build'
import { AddonError } from './errors.js'

/** The addon's own face: the types of the arguments are checked, their meaning is not. */
export interface Addon {
  /** bytes */
  readonly pageSize: number
  /** width of a physical address in `kexec_load(2)`: 32 or 64 */
  readonly addressBits: number
  load(entry: number, flags: number, segments: readonly (readonly [Uint8Array, number, number])[]): Promise<void>
  jump(): Promise<void>
  restart(): Promise<void>
  powerOff(): Promise<void>
  sync(): Promise<void>
  rawTty(fd: number): void
  drainTty(fd: number): Promise<void>
  linkDown(ifname: string): Promise<void>
  /** without a part the whole file; `offset` is a multiple of the page size */
  map(fd: number, offset?: number, length?: number): Uint8Array
}

/**
 * Where `prebuilds/` can be: beside this file in the sources and beside the board's bundle; two levels up when this
 * file was compiled to `dist/native/`.
 */
const DIRECTORIES = [import.meta.dirname, join(import.meta.dirname, '../../native')]

/**
 * Load the addon built for this machine.
 *
 * @param directories the first that has `prebuilds/` is used
 * @throws AddonError with what was looked for, or what the dynamic linker said
 */
export function loadAddon(directories: readonly string[] = DIRECTORIES): Addon {
  const directory = directories.find(candidate => existsSync(join(candidate, 'prebuilds')))
  if (directory === undefined) {
    throw new AddonError(`no prebuilds/ in ${directories.join(' nor in ')}`)
  }
  try {
    return load(directory) as Addon
  } catch (cause) {
    const reason = cause instanceof Error ? cause.message : String(cause)
    throw new AddonError(reason.replace(/\s+/g, ' ').trim(), { cause })
  }
}
