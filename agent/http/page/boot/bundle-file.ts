/** A job with its files in one ZIP, as `fauxboot bundle` makes it. */

import { unzipSync } from 'fflate'
import type { BootFile, Role } from './boot-files.js'

/** Bytes of all members, unpacked: the browser holds them at once. */
const LARGEST = 1024 * 1024 * 1024

export interface BundleFile {
  readonly files: readonly BootFile[]
  readonly cmdline: string
}

const ROLES: Readonly<Record<string, Role>> = { kernel: 'kernel', ramdisk: 'ramdisk', dtb: 'dtb', modules: 'modules' }

/**
 * Read a bundle. The board reads it again, and is stricter.
 *
 * @throws Error with the reason, for people
 */
export function readBundle(bytes: Uint8Array): BundleFile {
  let size = 0
  const members = unzipSync(bytes, {
    filter: ({ originalSize }) => {
      size += originalSize
      if (size > LARGEST) throw new Error(`the bundle unpacks to more than ${LARGEST} bytes`)
      return true
    },
  })
  const { 'job.json': job, ...others } = members
  if (job === undefined) throw new Error('the ZIP has no job.json, so it is no bundle of fauxboot')
  const { cmdline } = JSON.parse(new TextDecoder().decode(job)) as { cmdline?: unknown }
  const files = Object.entries(others)
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .flatMap(([name, content]): BootFile[] => {
      const role = name.startsWith('overlays/') ? 'overlay' : ROLES[name]
      return role === undefined ? [] : [{ name, role, bytes: content }]
    })
  return { files, cmdline: typeof cmdline === 'string' ? cmdline : '' }
}
