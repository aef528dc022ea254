/** Commands that move the environment: saved copies, defaults, and memory. */

import { crc32 } from 'node:zlib'
import { FauxbootError } from '../../../errors.js'
import type { Import } from '../../env/environment.js'
import { exportText, importText, MOST_IMPORT_BYTES, type Separator } from '../../env/environment-text.js'
import { bareHex, parseHex } from '../../lib/numbers.js'
import { type Call, type Machine, USAGE } from '../../machine/machine.js'
import { takeOptions, variablesOf } from './env-variables.js'

const NOWHERE = 'nowhere'

/** Print the messages of an import. @returns `$?` */
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

/** `env select`: there is only one location. */
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

/** before the variables, in the format with a checksum */
const CRC_BYTES = 4
/** An import that is larger finds no memory in U-Boot either. */
const MOST_SIZED_BYTES = 16 * MOST_IMPORT_BYTES

const upperHex = (value: number) => bareHex(value).toUpperCase()

/** The format that the letters name; text if they name none; null if they name several. */
function formatOf(letters: ReadonlySet<string>): 't' | 'b' | 'c' | null {
  const [format = 't', ...more] = (['t', 'b', 'c'] as const).filter(letter => letters.has(letter))
  return more.length > 0 ? null : format
}

function severalFormats({ out }: Machine, name: string): number {
  out.write(`## Error: ${name}: only one of "-b", "-c" or "-t" allowed\n`)
  return 1
}

/** Take `-s SIZE` out of the options. @returns null when the size is missing */
function takeSize(words: readonly string[]): { readonly size: number; readonly words: readonly string[] } | null {
  const first = words.findIndex(word => !word.startsWith('-'))
  const at = words.slice(0, first === -1 ? undefined : first).findIndex(word => word.includes('s'))
  const option = words[at]
  if (option === undefined) return { size: 0, words }
  const size = words[at + 1]
  if (size === undefined) return null
  return { size: parseHex(size), words: words.toSpliced(at, 2, option.slice(0, option.indexOf('s'))) }
}

/** `env export` */
export function exportTo(machine: Machine, { args }: Call): number {
  const { env, out, memory } = machine
  const [name = ''] = args
  const sized = takeSize(args.slice(1))
  const options = sized === null ? null : takeOptions(sized.words, 'btc')
  const [address, ...wanted] = options?.rest ?? []
  if (sized === null || options === null || address === undefined) return USAGE
  const format = formatOf(options.letters)
  if (format === null) return severalFormats(machine, name)

  const { size } = sized
  const start = parseHex(address)
  const names = env.names().filter(one => wanted.length === 0 || wanted.includes(one))
  const separator: Separator = format === 't' ? '\n' : '\0'
  const text = exportText(variablesOf(env, names), separator)
  const needed = text.length + 1
  const buffer = format === 't' ? size || needed : env.capacity
  if (needed > buffer) {
    out.write(`Env export buffer too small: ${buffer}, but need ${needed}\n`)
    out.write('## Error: Cannot export environment: errno = 12\n')
    return 1
  }
  // The padding may be large, so its zeros are not stored here.
  const header = format === 'c' ? CRC_BYTES : 0
  const padded = header + Math.max(buffer, size - header)
  if (!memory.contains(start, padded)) memory.read(start, padded)
  const bytes = Buffer.alloc(padded)
  bytes.write(text, header, 'latin1')
  if (format === 'c') bytes.writeUInt32LE(crc32(bytes.subarray(CRC_BYTES, size || padded)))
  memory.write(start, bytes)
  // The binary formats count a checksum even without one; only the text format is in capitals.
  const filesize = format === 't' ? upperHex(buffer) : bareHex(buffer + CRC_BYTES)
  env.set('filesize', filesize, { origin: 'program' })
  return 0
}

/** Most bytes of a list without a given size. */
function findEnd({ out, memory }: Machine, start: number, separator: Separator): Buffer {
  const range = memory.ranges.find(({ start: from, end }) => start >= from && start < end)
  const available = range === undefined ? 1 : Math.min(MOST_IMPORT_BYTES + 2, range.end - start)
  const bytes = memory.read(start, available)
  const found = bytes.indexOf(`${separator}\0`, 0, 'latin1')
  const missing = found === -1 || found >= MOST_IMPORT_BYTES
  if (missing) out.write(`## Warning: Input data exceeds ${MOST_IMPORT_BYTES} bytes - truncated\n`)
  const size = (missing ? MOST_IMPORT_BYTES : found) + 2
  out.write(`## Info: input data size = ${size} = 0x${upperHex(size)}\n`)
  return bytes.subarray(0, size)
}

/** `env import` */
export function importFrom(machine: Machine, { args }: Call): number {
  const { env, out, memory } = machine
  const [name = ''] = args
  const options = takeOptions(args.slice(1), 'btcrd')
  // A lone `-` means a missing size, never an option.
  const [address, given = '-', ...only] = options?.rest ?? []
  if (options === null || address === undefined) return USAGE
  const { letters } = options
  const format = formatOf(letters)
  if (format === null) return severalFormats(machine, name)
  if (!letters.has(format)) out.write('## Warning: defaulting to text format\n')

  const start = parseHex(address)
  const separator: Separator = format === 't' ? '\n' : '\0'
  const complain = (text: string) => {
    out.write(`${text}\n`)
    return 1
  }
  let bytes: Buffer
  if (given === '-') {
    if (format === 'c') return complain('## Error: external checksum format must pass size')
    bytes = findEnd(machine, start, separator)
  } else {
    const size = parseHex(given)
    if (format === 'c' && size <= CRC_BYTES) return complain(`## Error: Invalid size 0x${upperHex(size)}`)
    if (size > MOST_SIZED_BYTES) return complain('## Error: Environment import failed: errno = 12')
    bytes = memory.read(start, size)
  }
  if (format === 'c') {
    const data = bytes.subarray(CRC_BYTES)
    if (crc32(data) !== bytes.readUInt32LE()) return complain('## Error: bad CRC, import failed')
    bytes = data
  }
  const entries = importText(bytes.toString('latin1'), separator, format === 't' && letters.has('r'))
  const { complete, lines } = env.import(entries, { clear: letters.has('d'), only })
  for (const line of lines) out.write(`${line}\n`)
  return complete ? 0 : complain('## Error: Environment import failed: errno = 22')
}
