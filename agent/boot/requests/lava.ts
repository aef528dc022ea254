/**
 * A LAVA v2 job definition: one deployment over the network and one boot with U-Boot, as KernelCI and labs send them.
 * What the lab does itself (timeouts, prompts, tests, notification) is passed over; what would make another boot of it
 * than the one that was meant is refused by name.
 */

import type { CompressionFormat } from '../../image/compression/compression.js'
import type { ArtifactReference, JobRequest } from '../jobs/job.js'
import {
  at,
  type Fields,
  invalid,
  readFlag,
  readList,
  readObject,
  readSha256,
  readText,
  readUrl,
  shown,
} from './fields.js'
import { adaptConsole, type LabDefaults, labCommandLine } from './lab-command-line.js'

/** Characters; jobs have some 10,000. A text made to be slow costs `yaml` 5 us a character, ten times that on a board. */
const LONGEST = 64 * 1024
/** A job of that length has fewer than 15,000 pieces. A lab's template may share a few parts by aliases. */
const YAML_LIMITS = { pieces: 16_384, aliases: 16 }
const MOST_ACTIONS = 200
const MOST_OVERLAYS = 64

/** Ways to deploy that end in files the boot loader fetches itself. */
const DEPLOYMENTS: readonly unknown[] = ['tftp', 'http', 'https']
/** Parts of a deployment that are the lab's business. */
const LAB_KEYS = ['to', 'os', 'timeout', 'timeouts', 'namespace', 'connection', 'failure_retry', 'repeat', 'protocols']
const FILE_KEYS = ['kernel', 'ramdisk', 'dtb', 'dtbo', 'modules']

/** Fields of a file; the last ones are for the dispatcher's repacking, which is not done here. */
const RESOURCE_KEYS = ['url', 'compression', 'sha256sum', 'type', 'header', 'install_modules', 'install_overlay']

const COMPRESSIONS: ReadonlyMap<unknown, CompressionFormat> = new Map([
  ['gz', 'gzip'],
  ['xz', 'xz'],
  ['bz2', 'bzip2'],
  ['zstd', 'zstd'],
])

function readCompression(value: unknown, where: string): CompressionFormat | undefined {
  if (value === undefined || value === null) return undefined
  const format = COMPRESSIONS.get(value)
  if (format !== undefined) return format
  throw invalid(where, `must be one of ${[...COMPRESSIONS.keys()].join(', ')}, found ${shown(value)}`)
}

/** Artifacts by the names that a job has for them where it has no URL. */
export type JobFileNames = ReadonlyMap<unknown, string>

function readSource(value: unknown, where: string, files: JobFileNames): ArtifactReference {
  const artifact = files.get(value)
  if (artifact !== undefined) return { artifact }
  if (files.size === 0 || (typeof value === 'string' && value.includes('://'))) return { url: readUrl(value, where) }
  throw invalid(where, `is neither a URL nor one of the files that are here: ${[...files.keys()].join(', ')}`)
}

function readResource(
  value: unknown,
  where: string,
  files: JobFileNames,
  known: readonly string[] = RESOURCE_KEYS,
): ArtifactReference {
  const fields = readObject(value, where)
  const unknown = Object.keys(fields).find(key => !known.includes(key))
  if (unknown !== undefined) throw invalid(at(where, unknown), 'is not supported')
  return {
    ...readSource(fields.url, at(where, 'url'), files),
    sha256: fields.sha256sum === undefined ? undefined : readSha256(fields.sha256sum, at(where, 'sha256sum')),
    compression: readCompression(fields.compression, at(where, 'compression')),
  }
}

/** In LAVA this is how the ramdisk *is* compressed; it stays compressed, because the kernel unpacks it. */
function readRamdisk(value: unknown, where: string, files: JobFileNames): ArtifactReference {
  const { compression: _, ...ramdisk } = readResource(value, where, files)
  return ramdisk
}

/** The only action of a kind. @throws JOB_INVALID if it is missing or not the only one */
function onlyAction(actions: readonly unknown[], name: 'deploy' | 'boot'): { readonly fields: Fields; where: string } {
  const found = actions.flatMap((action, index) => {
    const where = at('actions', index)
    const fields = readObject(action, where)
    return name in fields ? [{ fields: readObject(fields[name], at(where, name)), where: at(where, name) }] : []
  })
  const [first, second] = found
  if (first === undefined) throw invalid('actions', `have no ${name}`)
  if (second !== undefined) throw invalid(second.where, `is a second ${name}; one is supported`)
  return first
}

function checkActions(actions: readonly unknown[]): void {
  for (const [index, action] of actions.entries()) {
    const where = at('actions', index)
    const unknown = Object.keys(readObject(action, where)).find(
      key => !['deploy', 'boot', 'test', 'command'].includes(key),
    )
    if (unknown !== undefined) throw invalid(at(where, unknown), 'is not supported')
  }
}

function checkBoot(actions: readonly unknown[]): void {
  const { fields, where } = onlyAction(actions, 'boot')
  if (fields.method !== 'u-boot') throw invalid(at(where, 'method'), `must be u-boot, found ${shown(fields.method)}`)
  if (fields.commands !== 'ramdisk') {
    throw invalid(at(where, 'commands'), `must be ramdisk, found ${shown(fields.commands)}`)
  }
}

function checkDeployment({ fields, where }: { readonly fields: Fields; readonly where: string }): void {
  if (!DEPLOYMENTS.includes(fields.to)) {
    throw invalid(at(where, 'to'), `must be one of ${DEPLOYMENTS.join(', ')}, found ${shown(fields.to)}`)
  }
  const unknown = Object.keys(fields).find(key => !LAB_KEYS.includes(key) && !FILE_KEYS.includes(key))
  if (unknown !== undefined) throw invalid(at(where, unknown), `is not supported; files: ${FILE_KEYS.join(', ')}`)
}

/** `install_modules: false` keeps modules out of the ramdisk. */
function wantsModules(ramdisk: unknown, where: string): boolean {
  if (ramdisk === undefined) return true
  const { install_modules: flag = true } = readObject(ramdisk, where)
  return readFlag(flag, at(where, 'install_modules'))
}

/** `context` overrides the device type; these of its variables reach the target. */
function readCmdline(context: unknown, defaults: LabDefaults): string {
  const {
    extra_kernel_args: extra = '',
    console_device: device,
    baud_rate: baud,
  } = readObject(context ?? {}, 'context')
  const console = adaptConsole(defaults.console, {
    device: device === undefined ? undefined : readText(device, 'context.console_device', 64),
    baud: baud === undefined ? undefined : readBaud(baud),
  })
  return labCommandLine({ ...defaults, console }, readText(extra, 'context.extra_kernel_args', 4096))
}

function readBaud(value: unknown): number {
  const text = typeof value === 'number' || typeof value === 'string' ? String(value) : ''
  if (/^[1-9]\d{0,7}$/.test(text)) return Number(text)
  throw invalid('context.baud_rate', `must be a number, found ${shown(value)}`)
}

async function readYaml(text: string): Promise<unknown> {
  if (text.length > LONGEST) throw invalid('', `has ${text.length} characters, at most ${LONGEST} are possible`)
  const { parseYaml } = await import('../../yaml.js')
  return parseYaml(text, YAML_LIMITS, ({ reason, line }) =>
    invalid('', `cannot be read as YAML: ${reason}${line === null ? '' : ` at line ${line}`}`),
  )
}

/**
 * Read a LAVA job.
 *
 * @param text YAML, of at most 64 Ki characters
 * @param defaults replace LAVA's device type: they complete the command line as its template does
 * @param files replace the names that the job has instead of URLs
 * @throws JOB_INVALID with the path of the wrong or unsupported value
 */
export async function parseJobLava(
  text: string,
  defaults: LabDefaults,
  files: JobFileNames = new Map(),
): Promise<JobRequest> {
  const job = readObject(await readYaml(text), '')
  const actions = readList(job.actions, 'actions', MOST_ACTIONS)
  checkActions(actions)
  checkBoot(actions)
  const deployment = onlyAction(actions, 'deploy')
  checkDeployment(deployment)
  const { kernel, ramdisk, dtb, dtbo, modules } = deployment.fields
  const path = (key: string): string => at(deployment.where, key)
  const overlays = dtbo === undefined ? [] : Array.isArray(dtbo) ? readList(dtbo, path('dtbo'), MOST_OVERLAYS) : [dtbo]
  const withModules = modules !== undefined && wantsModules(ramdisk, path('ramdisk'))
  return {
    name: job.job_name === undefined ? undefined : readText(job.job_name, 'job_name', 200),
    kernel: readResource(kernel, path('kernel'), files),
    ramdisk: ramdisk === undefined ? undefined : readRamdisk(ramdisk, path('ramdisk'), files),
    dtb: dtb === undefined ? undefined : readResource(dtb, path('dtb'), files),
    overlays: overlays.map((overlay, index) => readResource(overlay, at(path('dtbo'), index), files)),
    modules: withModules ? readResource(modules, path('modules'), files, [...RESOURCE_KEYS, 'archive']) : undefined,
    cmdline: readCmdline(job.context, defaults),
    options: { dryRun: false, force: false, queue: false },
  }
}
