/**
 * A job of a LAVA pull lab (`lab_type: lava` without a URL in kernelci-pipeline): a LAVA v2 definition. The board's agent
 * reads it as it does with `fauxboot boot --job`; here only what the lab itself needs is read.
 */

import Type from 'typebox'
import { type FauxbootError, fault } from '../../agent/errors.js'
import { parseYaml } from '../../agent/yaml.js'
import { checkValue } from '../schema/schema-check.js'
import type { TargetTest } from '../target-tests/target-test.js'

/** As the agent has it: a job has fewer pieces, and may share a few parts by aliases. */
const YAML_LIMITS = { pieces: 16_384, aliases: 16 }
/** LAVA's names of units in `timeouts`. */
const UNITS = { days: 86_400, hours: 3600, minutes: 60, seconds: 1 } as const
const DEFAULT_SECONDS = 1800

const Count = Type.Optional(Type.Integer({ minimum: 0, maximum: 1_000_000, description: 'a whole number' }))
const DefinitionSchema = Type.Object({
  device_type: Type.Optional(Type.String({ maxLength: 128, description: 'a text' })),
  timeouts: Type.Optional(
    Type.Object({
      job: Type.Optional(Type.Object({ days: Count, hours: Count, minutes: Count, seconds: Count })),
    }),
  ),
  notify: Type.Optional(
    Type.Object({
      callback: Type.Optional(
        Type.Object({
          url: Type.String({ pattern: '^https?://[^\\s]+$', maxLength: 8192, description: 'an http or https URL' }),
        }),
      ),
    }),
  ),
})

export interface LavaJob {
  /** YAML, as it came */
  readonly definition: string
  /** the boot */
  readonly tests: readonly TargetTest[]
  readonly platform: string | null
  /** from the callback: the node that the job is */
  readonly nodeId: string | null
  /** where LAVA would post the results */
  readonly callbackUrl: string | null
}

/** Whether a definition is LAVA's, by the name of its file. */
export const isLavaDefinition = (name: string): boolean => /\.ya?ml$/.test(name.replace(/[?#].*/, ''))

/** Read a LAVA definition. @throws JOB_INVALID with the path of the wrong value */
export function parseLavaJob(definition: string): LavaJob {
  const yaml = parseYaml(definition, YAML_LIMITS, ({ reason, line }) =>
    invalid('the definition', `cannot be read as YAML: ${reason}${line === null ? '' : ` at line ${line}`}`),
  )
  const job = checkValue(DefinitionSchema, yaml, ({ where, reason, found }) =>
    invalid(where === '' ? 'the definition' : where, `${reason}, found ${found}`),
  )
  const given = job.timeouts?.job ?? {}
  const units = Object.entries(UNITS) as [keyof typeof UNITS, number][]
  const seconds = units.reduce((sum, [unit, length]) => sum + (given[unit] ?? 0) * length, 0)
  const callbackUrl = job.notify?.callback?.url ?? null
  return {
    definition,
    tests: [{ id: 'boot', type: 'boot', timeoutSeconds: seconds || DEFAULT_SECONDS, commands: [] }],
    platform: job.device_type ?? null,
    nodeId: /\/node\/([0-9a-f]{24})$/.exec(callbackUrl ?? '')?.[1] ?? null,
    callbackUrl,
  }
}

function invalid(where: string, reason: string): FauxbootError {
  return fault('JOB_INVALID', { where, reason })
}
