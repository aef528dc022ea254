/** Commands that show variables. */

import type { Environment } from '../env/environment.js'
import { exportText } from '../env/environment-text.js'
import { compileSlre, SlreError } from '../lib/slre.js'
import { type Call, type Machine, USAGE } from '../machine/machine.js'
import { takeOptions } from './env-options.js'

/** Variables by name, in order; those that a program would not find are left out. */
export function* variablesOf(
  env: Environment,
  names: readonly string[] = env.names(),
): Generator<readonly [name: string, value: string]> {
  for (const name of names) {
    const value = env.get(name)
    if (value !== undefined) yield [name, value]
  }
}

/** `printenv`, `env print`: all variables but those that start with a dot, or the ones that are named. */
export function print({ out, env }: Machine, { args }: Call): number {
  const [, first = ''] = args
  if (first.startsWith('-e')) {
    out.write('Error: Cannot initialize UEFI sub-system, r = 3\n')
    return 1
  }
  const all = first.startsWith('-a')
  const names = args.slice(all ? 2 : 1)
  if (names.length === 0) {
    const shown = env.names().filter(name => all || !name.startsWith('.'))
    const text = exportText(variablesOf(env, shown), '\n')
    out.write(`${text}\nEnvironment size: ${text.length + 1}/${env.capacity} bytes\n`)
    return 0
  }
  let missing = 0
  for (const name of names) {
    const value = env.get(name)
    if (value === undefined) missing++
    out.write(value === undefined ? `## Error: "${name}" not defined\n` : `${name}=${value}\n`)
  }
  return missing
}

/** What tells whether a text holds one of the wanted ones. @throws SlreError */
function finder(wanted: readonly string[], regex: boolean): (text: string) => boolean {
  if (!regex) return text => wanted.some(part => text.includes(part))
  const matchers = wanted.map(compileSlre)
  return text => matchers.some(match => match(text) !== null)
}

/** `grepenv`, `env grep`: variables with a text in their name or value. */
export function grep({ out, env }: Machine, { args }: Call): number {
  const options = args.length < 2 ? null : takeOptions(args.slice(1), 'envb-')
  if (options === null) return USAGE
  const { letters, rest } = options
  // Of several letters that say where to look, the last would count; together they make no sense.
  const inNames = !letters.has('v') || letters.has('b')
  const inValues = !letters.has('n') || letters.has('b')
  try {
    const fits = finder(rest, letters.has('e'))
    const found = [...variablesOf(env)].filter(([name, value]) => (inNames && fits(name)) || (inValues && fits(value)))
    out.write(exportText(found, '\n'))
    return found.length > 0 ? 0 : 1
  } catch (thrown) {
    if (!(thrown instanceof SlreError)) throw thrown
    out.write(`Error compiling regex: ${thrown.message}\n`)
    return 1
  }
}

/** `env exists` */
export function exists({ env }: Machine, { args }: Call): number {
  const [, name] = args
  if (name === undefined) return USAGE
  return env.get(name) === undefined ? 1 : 0
}
