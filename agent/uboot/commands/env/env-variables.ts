/** Commands that show and change variables and their rules; the options that all `env` commands share. */

import type { Environment, Origin } from '../../env/environment.js'
import {
  ACCESSES,
  CALLBACKS,
  callbackOf,
  type Flags,
  flagsOf,
  parseFlags,
  STATIC_CALLBACKS,
  STATIC_FLAGS,
  TYPES,
} from '../../env/environment-rules.js'
import { exportText } from '../../env/environment-text.js'
import { compileSlre, SlreBudget, SlreError } from '../../lib/slre.js'
import { type Call, type Machine, USAGE } from '../../machine/machine.js'

export interface Options {
  readonly letters: ReadonlySet<string>
  /** the words after them */
  readonly rest: readonly string[]
}

/**
 * Split leading options from a command's words.
 *
 * @param words without the command
 * @param known letters
 * @returns null when there is another letter
 */
export function takeOptions(words: readonly string[], known: string): Options | null {
  const first = words.findIndex(word => !word.startsWith('-'))
  const count = first === -1 ? words.length : first
  const letters = words.slice(0, count).flatMap(word => [...word.slice(1)])
  if (letters.some(letter => !known.includes(letter))) return null
  return { letters: new Set(letters), rest: words.slice(count) }
}

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

/** A function that reports whether a text contains one of the wanted words. @throws SlreError */
function finder(wanted: readonly string[], regex: boolean): (text: string) => boolean {
  if (!regex) return text => wanted.some(part => text.includes(part))
  const matchers = wanted.map(compileSlre)
  const budget = new SlreBudget()
  return text => matchers.some(match => match(text, budget) !== null)
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

/** characters of the longest line */
const LINE_CHARACTERS = 1023

/** Set or delete a variable; print U-Boot's message if it is refused. */
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

/** `askenv`, `env ask`: a name, a message, and a length limit if the last word is a number. */
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

const row = (...cells: readonly string[]) => `\t${cells.map(cell => cell.padEnd(20)).join(' ')}\n`
const underlined = (...titles: readonly string[]) =>
  row(...titles) + row(...titles.map(title => title.replace(/./g, '-')))

const FLAGS_TITLES = ['Variable Name', 'Variable Type', 'Variable Access'] as const
const CALLBACK_TITLES = ['Variable Name', 'Callback Name'] as const

const flagsRow = (name: string, { type, access }: Flags) => row(name, TYPES[type].name, ACCESSES[access].name)

const letters = (title: string, table: Readonly<Record<string, { readonly name: string }>>) =>
  `\tFlag\t${title}\n\t----\t${title.replace(/./g, '-')}\n${Object.entries(table)
    .map(([letter, { name }]) => `\t${letter}   -\t${name}\n`)
    .join('')}\n`

/** `env flags` */
export function listFlags({ out, env }: Machine): number {
  out.write(`Available variable type flags (position 0):\n${letters('Variable Type Name', TYPES)}`)
  out.write(`Available variable access flags (position 1):\n${letters('Variable Access Name', ACCESSES)}`)
  out.write(`Static flags:\n${underlined(...FLAGS_TITLES)}`)
  for (const [name, flags] of STATIC_FLAGS) out.write(flagsRow(name, parseFlags(flags)))
  out.write(`\nActive flags:\n${underlined(...FLAGS_TITLES)}`)
  for (const name of env.names()) {
    const flags = flagsOf(name, env.get('.flags'))
    if (flags.type !== 's' || flags.access !== 'a') out.write(flagsRow(name, flags))
  }
  return 0
}

/** `env callbacks` */
export function listCallbacks({ out, env }: Machine): number {
  out.write('Available callbacks:\n\tCallback Name\n\t-------------\n')
  for (const name of CALLBACKS) out.write(`\t${name}\n`)
  out.write(`\nStatic callback bindings:\n${underlined(...CALLBACK_TITLES)}`)
  for (const [name, callback] of STATIC_CALLBACKS) out.write(row(name, callback))
  out.write(`\nActive callback bindings:\n${underlined(...CALLBACK_TITLES)}`)
  for (const name of env.names()) {
    const callback = callbackOf(name, env.get('.callbacks'))
    if (callback !== null) out.write(row(name, callback))
  }
  return 0
}
