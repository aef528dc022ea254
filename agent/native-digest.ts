/** sha256 in the addon: its thread computes it while the event loop receives the next bytes. */

import { AddonError } from '../native/errors.js'
import { openSha256 } from '../native/sha256.js'
import { blockingDigest, type FileDigest } from './boot/artifacts/file-digest.js'

/** The addon's digest; Node's where the addon is missing, or does not find Node's OpenSSL. */
export function createDigest(open: typeof openSha256 = openSha256): FileDigest {
  try {
    const native = open()
    if (native === null) return blockingDigest()
    return { update: chunks => native.update(chunks), end: () => Buffer.from(native.digest()).toString('hex') }
  } catch (thrown) {
    if (thrown instanceof AddonError) return blockingDigest()
    throw thrown
  }
}
