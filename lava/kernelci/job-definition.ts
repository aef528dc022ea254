/** The definition of a pull-lab job: JSON as kernelci-core's template `pull_labs.jinja2` makes it. */

import Type from 'typebox'
import { type FauxbootError, fault } from '../../agent/errors.js'
import { checkValue, shown } from '../schema/schema-check.js'
import { knownTest, needsKselftest } from '../target-tests/known-tests.js'
import { isBootTest, type TargetTest } from '../target-tests/target-test.js'
import { ShellCommands } from './pull-config.js'
import type { RemoteFile } from './remote-file.js'

const Url = Type.String({ pattern: '^https?://[^\\s]+$', maxLength: 8192, description: 'an http or https URL' })
const Line = (maxLength: number) =>
  Type.String({
    pattern: '^[^\\x00-\\x1f\\x7f]*$',
    maxLength,
    description: `a text of at most ${maxLength} characters`,
  })

/** `tst_cmdfiles=smoketest workers=max`: variables of the test definition. */
const Parameters = Type.String({
  pattern: '^ *([A-Za-z_][A-Za-z0-9_]{0,63}=[A-Za-z0-9_./,:@%+=-]*( +|$)){0,50}$',
  maxLength: 1000,
  description: 'words of the form NAME=VALUE without quotes',
})

/** What is read of it; other fields are KernelCI's business. */
const DefinitionSchema = Type.Object({
  artifacts: Type.Record(Type.String(), Type.Unknown()),
  tests: Type.Optional(
    Type.Array(
      Type.Object({
        id: Line(200),
        type: Line(64),
        timeout_s: Type.Optional(
          Type.Integer({ minimum: 1, maximum: 86400, description: 'a number of seconds from 1 to 86400' }),
        ),
        parameters: Type.Optional(Parameters),
        commands: Type.Optional(ShellCommands),
        'pre-commands': Type.Optional(ShellCommands),
        'post-commands': Type.Optional(ShellCommands),
      }),
      { maxItems: 100, description: 'a list of at most 100 tests' },
    ),
  ),
  environment: Type.Optional(Type.Object({ platform: Type.Optional(Line(128)), arch: Type.Optional(Line(32)) })),
  callback: Type.Optional(Type.Object({ url: Type.Optional(Line(8192)) })),
  integrity: Type.Optional(Type.Object({ sha256: Type.Optional(Type.Record(Type.String(), Type.Unknown())) })),
})

export const ROLES = ['kernel', 'ramdisk', 'dtb', 'modules', 'rootfs', 'kselftest'] as const
export type Role = (typeof ROLES)[number]

export interface PullJob {
  readonly files: Readonly<Partial<Record<Role, RemoteFile>>> & { readonly kernel: RemoteFile }
  readonly tests: readonly TargetTest[]
  readonly platform: string | null
  /** from the callback: the node that the job is */
  readonly nodeId: string | null
}

/** Files that mean another kind of boot than kernel and ramdisk. */
const OTHER_BOOTS = ['rootfs_type', 'fit', 'uefi']
/** Names of a file in definitions, where there are several. */
const NAMES: Readonly<Partial<Record<Role, readonly string[]>>> = {
  ramdisk: ['ramdisk', 'initrd'],
  rootfs: ['rootfs', 'nfsroot', 'nfsrootfs'],
}
const DEFAULT_TIMEOUT_S = 600
const ARCHITECTURES = ['arm', 'arm64', 'aarch64']

/**
 * Read a job definition.
 *
 * @param text JSON
 * @param shellTests commands of the test types that the lab knows
 * @throws JOB_INVALID with the path of a wrong value, PULL_UNSUPPORTED for a job that is right but cannot run here
 */
export function parsePullJob(text: string, shellTests: Readonly<Record<string, readonly string[]>>): PullJob {
  const job = checkValue(DefinitionSchema, parseJson(text), ({ where, reason, found }) =>
    invalid(where === '' ? 'the definition' : where, `${reason}, found ${found}`),
  )
  const { artifacts, environment = {}, integrity } = job
  const other = OTHER_BOOTS.find(name => isGiven(artifacts[name]))
  if (other !== undefined)
    throw fault('PULL_UNSUPPORTED', {
      where: `artifacts.${other}`,
      reason: 'is not supported here: ramdisk and rootfs are',
    })
  const { arch, platform = null } = environment
  if (arch !== undefined && !ARCHITECTURES.includes(arch)) {
    throw invalid('environment.arch', `must be one of ${ARCHITECTURES.join(', ')}, found ${shown(arch)}`)
  }
  const digests = integrity?.sha256 ?? {}
  const file = (role: Role): RemoteFile | undefined => {
    const names = NAMES[role] ?? [role]
    return readFile(artifacts, digests, names.find(name => isGiven(artifacts[name])) ?? role)
  }
  const kernel = file('kernel')
  if (kernel === undefined) throw invalid('artifacts.kernel', 'is missing')
  const tests = job.tests ?? []
  const double = tests.findIndex(({ id }, index) => tests.findIndex(test => test.id === id) !== index)
  if (double !== -1) throw invalid(`tests[${double}].id`, `is there twice: ${shown(tests[double]?.id)}`)
  const rootfs = file('rootfs')
  // A root file system needs no other ramdisk: the kernel starts its own init.
  const ramdisk = rootfs === undefined ? file('ramdisk') : undefined
  const kselftest = tests.some(({ type }) => needsKselftest(type)) ? file('kselftest') : undefined
  if (kselftest !== undefined && rootfs === undefined) {
    throw invalid('artifacts.rootfs', 'is missing: kselftest needs it')
  }
  return {
    files: { kernel, ramdisk, dtb: file('dtb'), modules: file('modules'), rootfs, kselftest },
    tests: (tests.length === 0 ? [{ id: 'boot', type: 'boot' }] : tests).map(test =>
      readTest(test, shellTests, kselftest !== undefined),
    ),
    platform,
    nodeId: /\/node\/([0-9a-f]{24})$/.exec(job.callback?.url ?? '')?.[1] ?? null,
  }
}

const isGiven = (value: unknown): boolean => value !== undefined && value !== null && value !== ''

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch (error) {
    if (error instanceof SyntaxError) throw invalid('the definition', `is not JSON: ${error.message}`)
    throw error
  }
}

function readFile(
  artifacts: Readonly<Record<string, unknown>>,
  digests: Readonly<Record<string, unknown>>,
  role: string,
): RemoteFile | undefined {
  if (!isGiven(artifacts[role])) return undefined
  const refuse = (where: string) => (mismatch: { reason: string; found: string }) =>
    invalid(where, `${mismatch.reason}, found ${mismatch.found}`)
  const url = checkValue(Url, artifacts[role], refuse(`artifacts.${role}`))
  // KernelCI names them by role, or by the name of the file.
  const digest = digests[role] ?? digests[url.split('/').at(-1) ?? '']
  if (!isGiven(digest)) return { url }
  const sha256 = checkValue(Sha256, digest, refuse(`integrity.sha256.${role}`))
  return { url, sha256: sha256.toLowerCase() }
}

const Sha256 = Type.String({ pattern: '^[0-9A-Fa-f]{64}$', description: 'a sha256 of 64 hex digits' })

interface TestFields {
  readonly id: string
  readonly type: string
  readonly timeout_s?: number
  readonly parameters?: string
  readonly commands?: readonly string[]
  readonly 'pre-commands'?: readonly string[]
  readonly 'post-commands'?: readonly string[]
}

/** @throws PULL_UNSUPPORTED for a type that the lab does not know, JOB_INVALID without an archive that the test needs */
function readTest(
  test: TestFields,
  shellTests: Readonly<Record<string, readonly string[]>>,
  hasKselftest: boolean,
): TargetTest {
  const { id, type, parameters, timeout_s: timeoutSeconds = DEFAULT_TIMEOUT_S } = test
  const lab = Object.hasOwn(shellTests, type) ? shellTests[type] : undefined
  const known = isBootTest(test) ? [] : knownTest(type)
  const own = test.commands ?? lab ?? known
  if (own === null) {
    const reason = `has the type ${shown(type)}, for which the settings have no commands: add it to shellTests`
    throw fault('PULL_UNSUPPORTED', { where: `test ${id}`, reason })
  }
  if (own === known && needsKselftest(type) && !hasKselftest) {
    throw invalid('artifacts.kselftest', `is missing: test ${id} needs it`)
  }
  const commands = [...(test['pre-commands'] ?? []), ...own, ...(test['post-commands'] ?? [])]
  return { id, type, timeoutSeconds, commands, parameters }
}

function invalid(where: string, reason: string): FauxbootError {
  return fault('JOB_INVALID', { where, reason })
}
