/**
 * The test actions of a LAVA job. Definitions whose steps are in the job itself are run as LAVA runs them; others need a
 * dispatcher, and say so.
 */

import Type from 'typebox'
import { type FauxbootError, fault } from '../../agent/errors.js'
import { parseYaml } from '../../agent/yaml.js'
import { checkValue, type Mismatch } from '../schema/schema-check.js'
import type { TargetTest } from './target-test.js'

/** As the agent has it: a job has fewer pieces, and may share a few parts by aliases. */
const YAML_LIMITS = { pieces: 16_384, aliases: 16 }

/** LAVA's names of units in `timeouts`. */
const UNITS = { days: 86_400, hours: 3600, minutes: 60, seconds: 1 } as const

const Count = Type.Optional(Type.Integer({ minimum: 0, maximum: 1_000_000, description: 'a whole number' }))
export const Duration = Type.Object(
  { days: Count, hours: Count, minutes: Count, seconds: Count },
  { description: 'a time such as "minutes: 5"' },
)
type DurationFields = { readonly [unit in keyof typeof UNITS]?: number }

/** @returns seconds; null when none are given */
export function durationSeconds(duration: DurationFields = {}): number | null {
  const units = Object.entries(UNITS) as [keyof typeof UNITS, number][]
  return units.reduce((sum, [unit, length]) => sum + (duration[unit] ?? 0) * length, 0) || null
}

const Text = (maxLength: number) => Type.String({ maxLength, description: `a text of at most ${maxLength} characters` })
const Parameters = Type.Record(
  Type.String({ pattern: '^[A-Za-z_][A-Za-z0-9_]{0,63}$' }),
  Type.Union([Text(4096), Type.Number(), Type.Boolean(), Type.Null()]),
  { additionalProperties: false, description: 'names of variables with texts or numbers' },
)
const DefinitionSchema = Type.Object(
  {
    from: Text(64),
    name: Text(200),
    parameters: Type.Optional(Parameters),
    repository: Type.Optional(Type.Unknown()),
  },
  { description: 'a test definition' },
)
const InlineSchema = Type.Object(
  {
    params: Type.Optional(Parameters),
    parameters: Type.Optional(Parameters),
    install: Type.Optional(Type.Unknown()),
    run: Type.Object({
      steps: Type.Array(Type.Union([Text(65_536), Type.Number()]), {
        maxItems: 1000,
        description: 'a list of at most 1000 commands',
      }),
    }),
  },
  { description: 'an object with run.steps' },
)
const ActionSchema = Type.Object(
  {
    timeout: Type.Optional(Duration),
    definitions: Type.Optional(
      Type.Array(DefinitionSchema, { maxItems: 100, description: 'a list of at most 100 definitions' }),
    ),
  },
  { description: 'a test action' },
)

/** Ways to test without definitions. */
const OTHER_WAYS = ['interactive', 'monitors', 'docker']
const DEFAULT_SECONDS = 600

/** The error for a wrong value in a definition. @param where its path; empty for the definition itself */
export const invalidDefinition = ({ where, reason, found }: Mismatch): FauxbootError =>
  fault('JOB_INVALID', { where: where === '' ? 'the definition' : where, reason: `${reason}, found ${found}` })

/** A LAVA definition as it is written. @throws JOB_INVALID */
export function readLavaYaml(definition: string): unknown {
  return parseYaml(definition, YAML_LIMITS, ({ reason, line }) => {
    const place = line === null ? '' : ` at line ${line}`
    return fault('JOB_INVALID', { where: 'the definition', reason: `cannot be read as YAML: ${reason}${place}` })
  })
}

/**
 * Read the tests of a LAVA job.
 *
 * @param job as `readLavaYaml` gives it
 * @returns the tests in LAVA's order and with its names: `0_dmesg`
 * @throws JOB_INVALID with the path of a wrong value
 */
export function lavaTests(job: unknown): TargetTest[] {
  const actions = fieldOf(job, 'actions')
  if (!Array.isArray(actions)) return []
  const tests: TargetTest[] = []
  for (const [index, action] of actions.entries()) {
    const test = fieldOf(action, 'test')
    if (test === undefined) continue
    const where = `actions[${index}].test`
    const inside = (path: string) => (mismatch: Mismatch) =>
      invalidDefinition({ ...mismatch, where: joined(path, mismatch.where) })
    const { timeout, definitions = [] } = checkValue(ActionSchema, test, inside(where))
    const timeoutSeconds = durationSeconds(timeout) ?? DEFAULT_SECONDS
    const add = (name: string, test: Pick<TargetTest, 'commands' | 'unsupported'>): void =>
      void tests.push({ id: `${tests.length}_${name}`, type: 'lava', timeoutSeconds, ...test })
    const other = OTHER_WAYS.find(way => fieldOf(test, way) !== undefined)
    if (other !== undefined) add(other, { commands: [], unsupported: `is ${other}, which needs a LAVA dispatcher` })
    for (const [number, { from, name, repository, parameters }] of definitions.entries()) {
      if (from !== 'inline') {
        add(name, { commands: [], unsupported: `comes from ${from}, and only inline definitions can be run here` })
        continue
      }
      const path = `${where}.definitions[${number}].repository`
      const inline = checkValue(InlineSchema, repository ?? {}, inside(path))
      if (inline.install !== undefined) {
        add(name, { commands: [], unsupported: 'has an install section, which needs a LAVA dispatcher' })
        continue
      }
      const variables = { ...inline.params, ...inline.parameters, ...parameters }
      add(name, { commands: [script(variables, inline.run.steps.map(String))] })
    }
  }
  return tests
}

/** As LAVA's `run.sh`: one shell for all steps, which ends at the first that fails. */
function script(variables: Readonly<Record<string, unknown>>, steps: readonly string[]): string {
  const assignments = Object.entries(variables).map(([name, value]) => `${name}=${quoted(String(value ?? ''))}`)
  return ['set -e', ...assignments, ...steps].join('\n')
}

const quoted = (text: string): string => `'${text.replaceAll("'", `'\\''`)}'`

const joined = (path: string, where: string): string =>
  where === '' || where.startsWith('[') ? path + where : `${path}.${where}`

function fieldOf(value: unknown, name: string): unknown {
  return typeof value === 'object' && value !== null ? (value as Readonly<Record<string, unknown>>)[name] : undefined
}
