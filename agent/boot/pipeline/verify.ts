/** Step 2: check that the files are the ones the client meant. */

import { fault } from '../../errors.js'
import type { JobFiles } from './fetch.js'

/**
 * Compare size and digest of each file with the job's.
 *
 * @throws VERIFY_SIZE, VERIFY_SHA256
 */
export function verifyFiles({ kernel, ramdisk, dtb, overlays, modules }: JobFiles): void {
  const files = [kernel, ramdisk, dtb, ...overlays, modules].filter(file => file !== undefined)
  for (const { role, reference, size, sha256 } of files) {
    const expected = { size: reference.size ?? size, sha256: reference.sha256 ?? sha256 }
    if (size !== expected.size) throw fault('VERIFY_SIZE', { what: role, expected: expected.size, found: size })
    if (sha256 !== expected.sha256) {
      throw fault('VERIFY_SHA256', { what: role, expected: expected.sha256, found: sha256 })
    }
  }
}
