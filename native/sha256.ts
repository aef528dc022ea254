/** sha256 off the event loop. Node has that only for bytes that are all there. */

import type { NativeSha256 } from './addon.js'
import { addon } from './invoke.js'

export type { NativeSha256 } from './addon.js'

/**
 * Begin a digest.
 *
 * @returns null where the addon does not find Node's OpenSSL
 * @throws AddonError
 */
export const openSha256 = (): NativeSha256 | null => addon().sha256()
