/** What the artifact store knows of each of its files. */

import { type Hash, randomBytes } from 'node:crypto'
import { fault } from '../../errors.js'
import type { FileRange } from '../jobs/job.js'
import type { PartialFile } from './partial-file.js'

/** One file of the store. */
export interface StoredArtifact {
  readonly name: string
  size: number | null
  received: number
  complete: boolean
  /** of a complete file; computed on first use if an earlier run of the agent left the file */
  sha256: Promise<string> | null
  /** {@link fileState} of the file when its digest was taken */
  state: string | null
  /** of the bytes of an incomplete file; it can take more */
  digest: Hash | null
  /** bytes of another file that a job borrows; null for a file of the store */
  readonly range: FileRange | null
  /** open while bytes are coming */
  file: PartialFile | null
  /** taken by a call that writes to it */
  busy: boolean
  readonly users: Set<string>
}

const NAME = /^[A-Za-z0-9_-][A-Za-z0-9._-]{0,127}$/
/** Ending of the files of incomplete artifacts. */
export const PARTIAL = '.partial'

/** Files of jobs have names that no client can give. */
export const isJobFile = (name: string): boolean => name.startsWith('.')
export const jobFileName = (role: string): string => `.${randomBytes(6).toString('hex')}-${role}`

export const newArtifact = (name: string, range: FileRange | null = null): StoredArtifact => ({
  name,
  size: null,
  received: 0,
  complete: false,
  sha256: null,
  state: null,
  digest: null,
  range,
  file: null,
  busy: false,
  users: new Set(),
})

/** Whether a client may give an artifact this name. */
export const isArtifactName = (name: string): boolean => NAME.test(name) && !name.endsWith(PARTIAL)

/** @throws ARTIFACT_NAME */
export function checkName(name: string): void {
  if (isArtifactName(name)) return
  throw fault('ARTIFACT_NAME', { name: JSON.stringify(name.slice(0, 140)) })
}

/** Nobody may change a file that is written to or used. @throws ARTIFACT_BUSY */
export function checkIdle({ name, busy, users }: StoredArtifact): void {
  const [user] = users
  if (busy) throw fault('ARTIFACT_BUSY', { name, reason: 'being uploaded' })
  if (user !== undefined) throw fault('ARTIFACT_BUSY', { name, reason: `in use by job ${user}` })
}

/** @throws VERIFY_SHA256 */
export function checkedDigest(name: string, digest: Hash, expected: string | undefined): string {
  const found = digest.digest('hex')
  if (expected !== undefined && expected !== found) {
    throw fault('VERIFY_SHA256', { what: `artifact ${name}`, expected, found })
  }
  return found
}
