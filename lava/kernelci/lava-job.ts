/**
 * A job of a LAVA pull lab (`lab_type: lava` without a URL in kernelci-pipeline): a LAVA v2 definition. The board's agent
 * reads it as it does with `fauxboot boot --job`; here only what the lab itself needs is read.
 */

import Type, { type Static } from 'typebox'
import { type FauxbootError, fault } from '../../agent/errors.js'
import { checkValue, shown } from '../schema/schema-check.js'
import { Duration, durationSeconds, invalidDefinition, lavaTests, readLavaYaml } from '../target-tests/lava-tests.js'
import type { TargetTest } from '../target-tests/target-test.js'
import { fieldsOf } from './node.js'

const DEFAULT_SECONDS = 1800

const DefinitionSchema = Type.Object({
  device_type: Type.Optional(Type.String({ maxLength: 128, description: 'a text' })),
  timeouts: Type.Optional(Type.Object({ job: Type.Optional(Duration) })),
  notify: Type.Optional(
    Type.Object({
      callback: Type.Optional(
        Type.Object({
          url: Type.String({ pattern: '^https?://[^\\s]+$', maxLength: 8192, description: 'an http or https URL' }),
        }),
      ),
    }),
  ),
  protocols: Type.Optional(Type.Record(Type.String(), Type.Unknown())),
  actions: Type.Optional(Type.Array(Type.Record(Type.String(), Type.Unknown()), { description: 'a list of actions' })),
})

export interface LavaJob {
  /** YAML, as it came */
  readonly definition: string
  /** the boot, and the job's own tests */
  readonly tests: readonly TargetTest[]
  readonly platform: string | null
  /** from the callback: the node that the job is */
  readonly nodeId: string | null
  /** where LAVA would post the results */
  readonly callbackUrl: string | null
}

/** Whether a definition is LAVA's, by the name of its file. */
export const isLavaDefinition = (name: string): boolean => /\.ya?ml$/.test(name.replace(/[?#].*/, ''))

/** Read a LAVA definition. @throws JOB_INVALID with the path of the wrong value, PULL_UNSUPPORTED for what needs LAVA */
export function parseLavaJob(definition: string): LavaJob {
  const job = checkValue(DefinitionSchema, readLavaYaml(definition), invalidDefinition)
  const tests = lavaTests(job)
  checkBoot(job)
  for (const { id, unsupported } of tests)
    if (unsupported !== undefined) throw unsupportedHere(`test ${id}`, unsupported)
  const timeoutSeconds = durationSeconds(job.timeouts?.job) ?? DEFAULT_SECONDS
  const callbackUrl = job.notify?.callback?.url ?? null
  return {
    definition,
    tests: [{ id: 'boot', type: 'boot', timeoutSeconds, commands: [] }, ...tests],
    platform: job.device_type ?? null,
    nodeId: /\/node\/([0-9a-f]{24})$/.exec(callbackUrl ?? '')?.[1] ?? null,
    callbackUrl,
  }
}

/** The agent would refuse it, too, but as the job's fault. @throws PULL_UNSUPPORTED for a job of another kind of boot */
function checkBoot({ protocols, actions = [] }: Static<typeof DefinitionSchema>): void {
  if (protocols?.['lava-multinode'] !== undefined)
    throw unsupportedHere('protocols.lava-multinode', 'needs a LAVA server')
  for (const [index, { deploy, boot }] of actions.entries()) {
    if (fieldsOf(deploy).nfsrootfs !== undefined) {
      throw unsupportedHere(`actions[${index}].deploy.nfsrootfs`, 'needs a LAVA dispatcher: here a ramdisk is booted')
    }
    const { commands } = fieldsOf(boot)
    if (boot !== undefined && commands !== 'ramdisk') {
      throw unsupportedHere(`actions[${index}].boot.commands`, `must be "ramdisk", found ${shown(commands)}`)
    }
  }
}

const unsupportedHere = (where: string, reason: string): FauxbootError => fault('PULL_UNSUPPORTED', { where, reason })
