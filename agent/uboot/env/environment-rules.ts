/** What U-Boot demands of its variables: types, write protection, and those that have a meaning of their own. */

import { compileSlre, SlreBudget, SlreError } from '../lib/slre.js'

const MAC_PART = '[0-9a-fA-F]{1,2}'

/** Types by their letter, the first of a variable's flags. The order is that of `env flags`. */
export const TYPES = {
  s: { name: 'string', valid: /^/ },
  d: { name: 'decimal', valid: /^[0-9]*$/ },
  x: { name: 'hexadecimal', valid: /^(0[xX][0-9a-fA-F]+|[0-9a-fA-F]*)$/ },
  b: { name: 'boolean', valid: /^[1ytYT0nfNF]$/ },
  i: { name: 'IP address', valid: /^[0-9]{1,3}(\.[0-9]{1,3}){3}$/ },
  m: { name: 'MAC address', valid: new RegExp(`^${MAC_PART}(:${MAC_PART}){5}$`) },
} as const
type TypeLetter = keyof typeof TYPES

/** What one may do to a variable, by the second letter of its flags. */
export const ACCESSES = {
  a: { name: 'any', refuses: [] },
  r: { name: 'read-only', refuses: ['delete', 'create', 'overwrite'] },
  o: { name: 'write-once', refuses: ['delete', 'overwrite'] },
  c: { name: 'change-default', refuses: ['delete', 'overwrite changed'] },
} as const
type AccessLetter = keyof typeof ACCESSES

/** Flags that U-Boot is built with: names are patterns. */
export const STATIC_FLAGS = [
  ['eth\\d*addr', 'mo'],
  ['ipaddr', 'i'],
  ['gatewayip', 'i'],
  ['netmask', 'i'],
  ['serverip', 'i'],
  ['nvlan', 'd'],
  ['vlan', 'd'],
  ['dnsip', 'i'],
  ['serial#', 'so'],
] as const

/** Callbacks that U-Boot is built with, as `env callbacks` lists them. */
export const CALLBACKS = [
  'baudrate',
  'bootargs',
  'bootmeths',
  'callbacks',
  'console',
  'dfu_alt_info',
  'dnsip',
  'ethaddr',
  'flags',
  'gatewayip',
  'ipaddr',
  'loadaddr',
  'netmask',
  'nvlan',
  'serverip',
  'vlan',
] as const

/** Callbacks by name pattern. A callback that is not in {@link CALLBACKS} does nothing. */
export const STATIC_CALLBACKS = [
  ['\\.callbacks', 'callbacks'],
  ['\\.flags', 'flags'],
  ['baudrate', 'baudrate'],
  ['bootfile', 'bootfile'],
  ['ipaddr', 'ipaddr'],
  ['gatewayip', 'gatewayip'],
  ['netmask', 'netmask'],
  ['serverip', 'serverip'],
  ['nvlan', 'nvlan'],
  ['vlan', 'vlan'],
  ['dnsip', 'dnsip'],
  ['eth\\d*addr', 'ethaddr'],
  ['bootmeths', 'bootmeths'],
  ['bootargs', 'bootargs'],
  ['dfu_alt_info', 'dfu_alt_info'],
  ['loadaddr', 'loadaddr'],
  ['stdin', 'console'],
  ['stdout', 'console'],
  ['stderr', 'console'],
  ['serial#', 'serialno'],
] as const

interface Attribute {
  /** whether it is that of a variable of this name */
  fits(name: string): boolean
  readonly attribute: string
}

/** A pattern that makes no sense fits no name. */
function fits(pattern: string, name: string, budget: SlreBudget): boolean {
  try {
    return compileSlre(`^${pattern}$`)(name, budget) !== null
  } catch (thrown) {
    if (!(thrown instanceof SlreError)) throw thrown
    return false
  }
}

const builtIn = (list: readonly (readonly [pattern: string, attribute: string])[]): readonly Attribute[] =>
  list.map(([pattern, attribute]) => {
    const match = compileSlre(`^${pattern}$`)
    return { fits: name => match(name) !== null, attribute }
  })
const BUILT_IN_FLAGS = builtIn(STATIC_FLAGS)
const BUILT_IN_CALLBACKS = builtIn(STATIC_CALLBACKS)

/** Read the text of `.flags` or `.callbacks`: `name:attribute`, separated by commas. */
function attributesOf(text: string): readonly Attribute[] {
  const budget = new SlreBudget()
  return text.split(',').map(entry => {
    const [pattern = '', ...attribute] = entry.trim().split(':')
    return { fits: name => fits(pattern.trim(), name, budget), attribute: attribute.join(':').trim() }
  })
}

/** The attribute of a variable: the last one in `.flags`, or else the built-in one. */
function lookUp(name: string, text: string | undefined, built: readonly Attribute[]): string {
  const itsOwn = (one: Attribute) => one.fits(name)
  const said = text === undefined ? undefined : attributesOf(text).findLast(itsOwn)
  return (said ?? built.findLast(itsOwn))?.attribute ?? ''
}

const isType = (letter: string): letter is TypeLetter => letter in TYPES
const isAccess = (letter: string): letter is AccessLetter => letter in ACCESSES

/** Flags as letters; missing or unknown letters mean a changeable string. */
export interface Flags {
  readonly type: TypeLetter
  readonly access: AccessLetter
}

/** Letters to flags. */
export function parseFlags(letters: string): Flags {
  const type = letters.charAt(0)
  const access = letters.charAt(1)
  return { type: isType(type) ? type : 's', access: isAccess(access) ? access : 'a' }
}

/** The flags of a variable; `text` is the value of `.flags`. */
export function flagsOf(name: string, text: string | undefined): Flags {
  return parseFlags(lookUp(name, text, BUILT_IN_FLAGS))
}

/** The callback of a variable, or null; `text` is the value of `.callbacks`. */
export function callbackOf(name: string, text: string | undefined): string | null {
  const callback = lookUp(name, text, BUILT_IN_CALLBACKS)
  return CALLBACKS.some(known => known === callback) ? callback : null
}
