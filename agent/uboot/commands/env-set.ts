/** Commands that change variables. */

import type { Origin } from '../env/environment.js'
import { type Call, type Machine, USAGE } from '../machine/machine.js'
import { takeOptions } from './env-options.js'

/** characters of the longest line */
const LINE_CHARACTERS = 1023

/** Set or delete a variable, and print what U-Boot says when it refuses. */
function change(
  { out, env }: Machine,
  name: string,
  value: string | null,
  options?: { readonly force?: boolean; readonly origin?: Origin },
): number {
  const refusal = env.set(name, value, options)
  for (const line of refusal) out.write(`${line}\n`)
  return refusal.length > 0 ? 1 : 0
}

/** `setenv`, `env set` */
export function set(machine: Machine, { args }: Call): number {
  if (args[1]?.startsWith('-e')) {
    machine.out.write('Error: Cannot initialize UEFI sub-system, r = 3\n')
    return 1
  }
  const options = takeOptions(args.slice(1), 'f')
  const [name, ...values] = options?.rest ?? []
  if (options === null || name === undefined) return USAGE
  return change(machine, name, values.length === 0 ? null : values.join(' '), { force: options.letters.has('f') })
}

/** `env delete` */
export function remove(machine: Machine, { args }: Call): number {
  const options = takeOptions(args.slice(1), 'f')
  if (options === null) return USAGE
  const force = options.letters.has('f')
  const results = options.rest.map(name =>
    machine.env.get(name) === undefined ? 1 : change(machine, name, null, { force }),
  )
  return results.includes(1) ? 1 : 0
}

/** `editenv`, `env edit` */
export async function edit(machine: Machine, { args }: Call): Promise<number> {
  const [, name] = args
  if (name === undefined) return USAGE
  const value = await machine.input.readLine('edit: ', (machine.env.get(name) ?? '').slice(0, LINE_CHARACTERS))
  return value === null ? 1 : change(machine, name, value === '' ? null : value)
}

/** `askenv`, `env ask`: name, words of a message, and the most characters if the last word is a number. */
export async function ask(machine: Machine, { args }: Call): Promise<number> {
  const [, name, ...words] = args
  if (name === undefined) return USAGE
  const last = words.at(-1) ?? name
  const sized = /^[0-9]+$/.test(last)
  const size = sized ? Math.min(Number(last), LINE_CHARACTERS) : LINE_CHARACTERS
  const message = sized ? words.slice(0, -1) : words
  if (size === 0) return 1
  const prompt = message.length === 0 ? `Please enter '${name}': ` : `${message.join(' ')} `
  const value = ((await machine.input.readLine(prompt)) ?? '').slice(0, size)
  return change(machine, name, value === '' ? null : value)
}

/** `env indirect`: a variable takes the value of another */
export function indirect(machine: Machine, { args }: Call): number {
  const [, to, from, standard, ...more] = args
  if (to === undefined || from === undefined || more.length > 0) return USAGE
  const value = machine.env.get(from) ?? standard
  if (value === undefined) {
    machine.out.write(`## env indirect: Environment variable for <from> (${from}) does not exist.\n`)
    return 1
  }
  if (change(machine, to, value) === 0) return 0
  machine.out.write(`## env indirect: Setting environment variable <to> (${to}) failed.\n`)
  return 1
}
