/** What starts a job: a description in one of three forms, and the files that were pushed beside it. */

import type { JobRequest } from '../boot/jobs/job.js'
import { invalid } from '../boot/requests/fields.js'
import type { LabDefaults } from '../boot/requests/lab-command-line.js'
import type { Description } from './push-names.js'

/** Names of artifacts by the roles under which they were pushed: `overlay0`. */
export type PushedFiles = ReadonlyMap<string, string>

type Reader = (bytes: Uint8Array, files: PushedFiles, lab: LabDefaults) => Promise<JobRequest>

const NO_OPTIONS = { dryRun: false, force: false, queue: false }

/** The overlays, in the order of their numbers. */
const overlaysOf = (files: PushedFiles): string[] =>
  [...files]
    .flatMap(([role, artifact]) => (role.startsWith('overlay') ? [{ number: Number(role.slice(7)), artifact }] : []))
    .sort((a, b) => a.number - b.number)
    .map(({ artifact }) => artifact)

/** Our own form: every file that was pushed is part of the job. */
async function readJson(bytes: Uint8Array, files: PushedFiles): Promise<JobRequest> {
  const { parseJobJson } = await import('../boot/requests/json.js')
  return parseJobJson(parseJson(bytes), {
    kernel: files.get('kernel'),
    ramdisk: files.get('ramdisk'),
    dtb: files.get('dtb'),
    modules: files.get('modules'),
    overlays: overlaysOf(files),
  })
}

function parseJson(bytes: Uint8Array): unknown {
  try {
    return JSON.parse(Buffer.from(bytes).toString('utf8'))
  } catch (thrown) {
    throw invalid('job.json', `is not JSON: ${thrown instanceof Error ? thrown.message : String(thrown)}`)
  }
}

/** LAVA's form: the files that it names, by URL or as they were pushed. */
async function readYaml(bytes: Uint8Array, files: PushedFiles, lab: LabDefaults): Promise<JobRequest> {
  const { parseJobLava } = await import('../boot/requests/lava.js')
  return parseJobLava(Buffer.from(bytes).toString('utf8'), lab, files)
}

/** A script names kernel, ramdisk and device tree; overlays and modules that were pushed go with them. */
async function readScript(bytes: Uint8Array, files: PushedFiles): Promise<JobRequest> {
  const { parseBootScript } = await import('../boot/requests/boot-script.js')
  const { ramdisk, dtb, cmdline } = parseBootScript(bytes)
  const reference = (role: string) => {
    const artifact = files.get(role)
    if (artifact !== undefined) return { artifact }
    throw invalid('boot.scr', `boots a ${role}, but no ${role} was pushed`)
  }
  return {
    kernel: reference('kernel'),
    ramdisk: ramdisk ? reference('ramdisk') : undefined,
    dtb: dtb ? reference('dtb') : undefined,
    overlays: overlaysOf(files).map(artifact => ({ artifact })),
    modules: files.has('modules') ? reference('modules') : undefined,
    cmdline,
    options: NO_OPTIONS,
  }
}

const READERS: Readonly<Record<Description, Reader>> = {
  'job.json': readJson,
  'job.yaml': readYaml,
  'boot.scr': readScript,
}

/**
 * Read a description.
 *
 * @throws JOB_INVALID with the error and its location; FORMAT_* for a damaged script
 */
export const readDescription = (
  form: Description,
  bytes: Uint8Array,
  files: PushedFiles,
  lab: LabDefaults,
): Promise<JobRequest> => READERS[form](bytes, files, lab)
