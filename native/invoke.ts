/** What every call of the addon has in common: the addon itself, and its errors. */

import { type Addon, loadAddon } from './addon.js'
import { NativeArgumentError, NativeError } from './errors.js'

let loadedAddon: Addon | undefined

/** The addon, loaded by the first call. @throws AddonError */
export function addon(): Addon {
  loadedAddon ??= loadAddon()
  return loadedAddon
}

/** Whether this is the error of a failed system call, from Node or from the addon (`SystemError` in `src/call.cc`). */
export function isSystemError(thrown: unknown): thrown is Error & { errno: number; code: string; syscall: string } {
  return thrown instanceof Error && 'errno' in thrown && 'code' in thrown && 'syscall' in thrown
}

/** The error for anything thrown during a call, with the whole call as text. */
export function explain(call: string, thrown: unknown): Error {
  if (isSystemError(thrown)) return new NativeError(call, thrown)
  const reason = thrown instanceof Error ? thrown.message : String(thrown)
  return new NativeArgumentError(call, reason, { cause: thrown })
}

/** Wait for a blocking call. @throws as {@link explain} */
export async function settle(call: string, make: () => Promise<void>): Promise<void> {
  try {
    await make()
  } catch (thrown) {
    throw explain(call, thrown)
  }
}
