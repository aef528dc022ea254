/** A job as JSON, in fauxboot's own form. */

import { COMPRESSION_FORMATS } from '../../image/compression/compression.js'
import { isArtifactName } from '../artifacts/stored-artifact.js'
import type { ArtifactReference, JobOptions, JobRequest } from '../jobs/job.js'
import {
  at,
  type Fields,
  invalid,
  readExactObject,
  readFlag,
  readList,
  readSeconds,
  readSha256,
  readSize,
  readText,
  readUrl,
  readWord,
} from './fields.js'

/** Names of the artifacts that came with the job, in a form or a bundle. */
export interface JobFiles {
  readonly kernel?: string
  readonly ramdisk?: string
  readonly dtb?: string
  readonly overlays?: readonly string[]
  readonly modules?: string
}

const FIELDS = ['name', 'kernel', 'ramdisk', 'dtb', 'overlays', 'modules', 'cmdline', 'options']
const REFERENCE_FIELDS = ['url', 'artifact', 'sha256', 'size', 'compression']
const OPTION_FIELDS = ['dryRun', 'earlycon', 'force', 'queue', 'watchdog']
const COMPRESSIONS = [...COMPRESSION_FORMATS, 'none'] as const

/** 32-bit ARM takes 1024 bytes and arm64 2048, which the preflight checks; this only bounds memory. */
const LONGEST_CMDLINE = 8192
const MOST_OVERLAYS = 64

/** Apply a reader to a field, if it is there. */
function optional<T>(
  fields: Fields,
  where: string,
  name: string,
  read: (value: unknown, where: string) => T,
): T | undefined {
  const value = fields[name]
  return value === undefined ? undefined : read(value, at(where, name))
}

function readArtifactName(value: unknown, where: string): string {
  const name = readText(value, where, 128)
  if (isArtifactName(name)) return name
  throw invalid(where, `is not the name of an artifact: ${JSON.stringify(name)}`)
}

/** A reference: an object, or just a URL. If the file came with the job, the object or its source may be missing. */
function readReference(value: unknown = {}, where: string, file: string | undefined): ArtifactReference {
  const fields = readExactObject(typeof value === 'string' ? { url: value } : value, where, REFERENCE_FIELDS)
  const sources = {
    url: optional(fields, where, 'url', readUrl),
    artifact: optional(fields, where, 'artifact', readArtifactName) ?? file,
  }
  const given = [fields.url, fields.artifact, file].filter(source => source !== undefined).length
  if (given === 0) throw invalid(where, 'needs a url or an artifact')
  if (given > 1) throw invalid(where, 'has more than one source: give a url, an artifact, or a file')
  return {
    ...sources,
    sha256: optional(fields, where, 'sha256', readSha256),
    size: optional(fields, where, 'size', readSize),
    compression: optional(fields, where, 'compression', (word, path) => readWord(word, path, COMPRESSIONS)),
  }
}

/** Overlays of the job, each with the file of the same index; more files are more overlays. */
function readOverlays(value: unknown = [], where: string, files: readonly string[]): ArtifactReference[] {
  const given = readList(value, where, MOST_OVERLAYS)
  const count = Math.max(given.length, files.length)
  if (count > MOST_OVERLAYS) throw invalid(where, `are ${count}, at most ${MOST_OVERLAYS} are possible`)
  return Array.from({ length: count }, (_, index) => readReference(given[index], at(where, index), files[index]))
}

const readEarlycon = (value: unknown, where: string): boolean | string =>
  typeof value === 'string' ? readText(value, where, 256) : readFlag(value, where)

function readOptions(value: unknown = {}, where: string): JobOptions {
  const fields = readExactObject(value, where, OPTION_FIELDS)
  return {
    dryRun: optional(fields, where, 'dryRun', readFlag) ?? false,
    earlycon: optional(fields, where, 'earlycon', readEarlycon),
    force: optional(fields, where, 'force', readFlag) ?? false,
    queue: optional(fields, where, 'queue', readFlag) ?? false,
    watchdog: optional(fields, where, 'watchdog', readSeconds),
  }
}

/**
 * Check a job and bring it into its one form. Unknown fields are refused: a misspelt `sha256` must not go unseen.
 *
 * @param value parsed JSON
 * @param files that came with the job; a reference may add `sha256`, `size` or `compression`
 * @throws JOB_INVALID with the path of the wrong value
 */
export function parseJobJson(value: unknown, files: JobFiles = {}): JobRequest {
  const fields = readExactObject(value, '', FIELDS)
  const file = (role: 'ramdisk' | 'dtb' | 'modules'): ArtifactReference | undefined =>
    fields[role] === undefined && files[role] === undefined ? undefined : readReference(fields[role], role, files[role])
  return {
    name: optional(fields, '', 'name', (text, where) => readText(text, where, 200)),
    kernel: readReference(fields.kernel, 'kernel', files.kernel),
    ramdisk: file('ramdisk'),
    dtb: file('dtb'),
    overlays: readOverlays(fields.overlays, 'overlays', files.overlays ?? []),
    modules: file('modules'),
    cmdline: readText(fields.cmdline, 'cmdline', LONGEST_CMDLINE),
    options: readOptions(fields.options, 'options'),
  }
}
