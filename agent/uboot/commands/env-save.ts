/** Commands that save the environment, take it back, and tell where it comes from. */

import { FauxbootError } from '../../errors.js'
import type { Import } from '../env/environment.js'
import { exportText } from '../env/environment-text.js'
import { type Call, type Machine, USAGE } from '../machine/machine.js'
import { takeOptions } from './env-options.js'
import { variablesOf } from './env-print.js'

const NOWHERE = 'nowhere'

/** Print what an import said. @returns `$?` */
function report({ out }: Machine, { complete, lines }: Import): number {
  for (const line of lines) out.write(`${line}\n`)
  return complete ? 0 : 1
}

/** `saveenv`, `env save` */
export async function save({ out, env }: Machine): Promise<number> {
  const { store } = env
  out.write(`Saving Environment to ${store?.name ?? NOWHERE}... `)
  if (store === null) {
    out.write('not possible\n')
    return 1
  }
  const variables = new Map(variablesOf(env))
  const needed = exportText(variables, '\0').length + 1
  if (needed > env.capacity) {
    out.write(`Env export buffer too small: ${env.capacity}, but need ${needed}\n`)
    out.write('## Error: Cannot export environment: errno = 12\nFailed (1)\n')
    return 1
  }
  try {
    await store.save(variables)
  } catch (thrown) {
    if (!(thrown instanceof FauxbootError)) throw thrown
    out.write(`${thrown.ubootText}\nFailed (1)\n`)
    return 1
  }
  out.write('OK\n')
  return 0
}

/** `env load` */
export async function load(machine: Machine): Promise<number> {
  const { out, env } = machine
  out.write(`Loading Environment from ${env.store?.name ?? NOWHERE}... `)
  try {
    const saved = (await env.store?.load()) ?? null
    if (saved === null) {
      out.write('*** Warning - bad CRC, using default environment\n\n')
      report(machine, env.reset())
      return 1
    }
    out.write('OK\n')
    return report(machine, env.restore(saved))
  } catch (thrown) {
    if (!(thrown instanceof FauxbootError)) throw thrown
    out.write(`${thrown.ubootText}\n`)
    return 1
  }
}

/** `env select`: there is one place. */
export function select({ out, env }: Machine, { args }: Call): number {
  const [, name] = args
  if (name === undefined) return USAGE
  const found = name === (env.store?.name ?? NOWHERE)
  out.write(`Select Environment on ${name}: ${found ? 'OK' : 'driver not found'}\n`)
  return found ? 0 : 1
}

/** `env default` */
export function restoreDefaults(machine: Machine, { args }: Call): number {
  const options = takeOptions(args.slice(1), 'afk')
  if (options === null || options.letters.has('a') === options.rest.length > 0) return USAGE
  const { env, out } = machine
  const force = options.letters.has('f')
  const keep = options.letters.has('k')
  if (!options.letters.has('a'))
    return report(machine, env.import(Object.entries(env.defaults), { only: options.rest, clear: !keep, force }))
  out.write('## Resetting to default environment\n')
  return report(machine, keep ? env.import(Object.entries(env.defaults), { force }) : env.reset({ force }))
}

/** `env info` */
export function info({ out, env }: Machine, { args }: Call): number {
  const options = takeOptions(args.slice(1), 'dpq')
  if (options === null) return USAGE
  const { letters } = options
  const persistent = env.store !== null
  if (!letters.has('d') && !letters.has('p')) {
    out.write(`env_valid = valid\nenv_ready = true\nenv_use_default = ${env.isDefault}\n`)
    return 0
  }
  const say = (text: string) => {
    if (!letters.has('q')) out.write(`${text}\n`)
  }
  if (letters.has('d'))
    say(env.isDefault ? 'Default environment is used' : 'Environment was loaded from persistent storage')
  if (letters.has('p')) say(`Environment ${persistent ? 'can' : 'cannot'} be persisted`)
  return (letters.has('d') && !env.isDefault) || (letters.has('p') && !persistent) ? 1 : 0
}
