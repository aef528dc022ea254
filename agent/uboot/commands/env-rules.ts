/** `env flags` and `env callbacks`: the rules of variables, listed. */

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
} from '../env/environment-rules.js'
import type { Machine } from '../machine/machine.js'

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
