/** A job of KernelCI for a pull lab: files, and tests that run on the target later. */

import type { ArtifactReference, JobRequest } from '../jobs/job.js'
import {
  at,
  type Fields,
  invalid,
  readList,
  readObject,
  readSha256,
  readText,
  readUrl,
  readWord,
  shown,
} from './fields.js'
import { adaptConsole, type LabDefaults, labCommandLine } from './lab-command-line.js'

/** Files that mean another kind of boot than kernel and ramdisk. Others are for the tests, and not fetched here. */
const OTHER_BOOTS = ['nfsroot', 'nfsrootfs', 'rootfs', 'fit', 'uefi']
const ARCHITECTURES = ['arm', 'arm64']

/** The files to boot; null means that there is none. */
function readFile(artifacts: Fields, digests: Fields, role: string): ArtifactReference | undefined {
  const url = artifacts[role]
  if (url === undefined || url === null) return undefined
  const digest = digests[role]
  const sha256 = digest === undefined || digest === null ? undefined : readSha256(digest, at('integrity.sha256', role))
  return { url: readUrl(url, at('artifacts', role)), sha256 }
}

function readConsole(environment: Fields, defaults: LabDefaults): string {
  const { baud } = readObject(environment.console ?? {}, 'environment.console')
  if (baud === undefined) return defaults.console
  if (typeof baud === 'number' && Number.isSafeInteger(baud) && baud > 0)
    return adaptConsole(defaults.console, { baud })
  throw invalid('environment.console.baud', `must be a number, found ${shown(baud)}`)
}

function readName(tests: unknown): string | undefined {
  const [first] = readList(tests ?? [], 'tests', 1000)
  if (first === undefined) return undefined
  const { id } = readObject(first, 'tests[0]')
  return id === undefined ? undefined : readText(id, 'tests[0].id', 200)
}

/**
 * Read a pull-lab job.
 *
 * @param value parsed JSON
 * @param defaults replace LAVA's device type: they complete the command line as its template does
 * @throws JOB_INVALID with the path of the wrong or unsupported value
 */
export function parseJobKernelci(value: unknown, defaults: LabDefaults): JobRequest {
  const job = readObject(value, '')
  const artifacts = readObject(job.artifacts, 'artifacts')
  const other = OTHER_BOOTS.find(key => artifacts[key] !== undefined && artifacts[key] !== null)
  if (other !== undefined) throw invalid(at('artifacts', other), 'is not supported: a ramdisk is')
  const integrity = readObject(job.integrity ?? {}, 'integrity')
  const digests = readObject(integrity.sha256 ?? {}, 'integrity.sha256')
  const environment = readObject(job.environment ?? {}, 'environment')
  if (environment.arch !== undefined) readWord(environment.arch, 'environment.arch', ARCHITECTURES)
  const kernel = readFile(artifacts, digests, 'kernel')
  if (kernel === undefined) throw invalid('artifacts.kernel', 'is missing')
  return {
    name: readName(job.tests),
    kernel,
    ramdisk: readFile(artifacts, digests, 'ramdisk'),
    dtb: readFile(artifacts, digests, 'dtb'),
    overlays: [],
    modules: readFile(artifacts, digests, 'modules'),
    cmdline: labCommandLine({ ...defaults, console: readConsole(environment, defaults) }),
    options: { dryRun: false, force: false, queue: false },
  }
}
