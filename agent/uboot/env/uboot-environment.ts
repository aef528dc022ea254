/** The environment of the fake U-Boot: U-Boot's rules over a table of variables. */

import { parseDecimal } from '../lib/numbers.js'
import type { Environment, EnvironmentStore, Import, ImportOptions, Origin, Variables } from './environment.js'
import { ACCESSES, callbackOf, flagsOf, TYPES } from './environment-rules.js'

/** default size of a saved environment in bytes, checksum included */
export const ENVIRONMENT_BYTES = 0x1_0000

/** Characters that all variables may have together: what can never be saved need not be held either. */
const MOST_CHARACTERS = 0x10_0000

const EPERM = 1
const ENOMEM = 12
const EINVAL = 22

export interface EnvironmentSettings {
  /** the default environment */
  readonly defaults?: Readonly<Record<string, string>>
  /** bytes of the saved list, its end included; default: {@link ENVIRONMENT_BYTES} without a checksum */
  readonly capacity?: number
  readonly store?: EnvironmentStore | null
  /** devices that `stdin`, `stdout` and `stderr` may name */
  readonly consoles?: readonly string[]
  /** speeds that `baudrate` may take, bits per second */
  readonly baudrates?: readonly number[]
}

/** A callback's verdict on a new value (null: the variable is deleted): its complaints, or null if it agrees. */
type Callback = (name: string, value: string | null) => readonly string[] | null

export class UBootEnvironment implements Environment {
  readonly defaults: Readonly<Record<string, string>>
  readonly capacity: number
  readonly store: EnvironmentStore | null
  readonly #variables = new Map<string, string>()
  readonly #callbacks: Readonly<Record<string, Callback>>
  readonly #listeners = new Map<string, (value: string) => void>()
  /** the sorted names; null after a change of them */
  #names: readonly string[] | null = null
  #characters = 0
  #isDefault = true

  constructor(settings: EnvironmentSettings = {}) {
    this.defaults = settings.defaults ?? {}
    this.capacity = settings.capacity ?? ENVIRONMENT_BYTES - 4
    this.store = settings.store ?? null
    const { consoles = ['serial', 'nulldev'] } = settings
    const { baudrates = [9600, 19200, 38400, 57600, 115200, 230400, 460800, 921600, 1_500_000] } = settings
    this.#callbacks = {
      baudrate: (_, value) => {
        if (value === null) return ['## Baudrate may not be deleted']
        const rate = parseDecimal(value)
        return baudrates.includes(rate) ? null : [`## Baudrate ${rate} bps not supported`]
      },
      // Of a list, devices that are not there are left out, as long as one remains.
      console: (name, value) => {
        if (value === null) return [`Can't delete "${name}"`]
        return value.split(',').some(device => consoles.includes(device)) ? null : []
      },
    }
    this.reset()
  }

  get isDefault(): boolean {
    return this.#isDefault
  }

  get(name: string): string | undefined {
    return this.#variables.get(name)
  }

  names(): readonly string[] {
    this.#names ??= [...this.#variables.keys()].sort()
    return this.#names
  }

  set(
    name: string,
    value: string | null,
    options: { readonly force?: boolean; readonly origin?: Origin } = {},
  ): readonly string[] {
    if (name.includes('=')) return [`## Error: illegal character '=' in variable name "${name}"`]
    const program = options.origin === 'program'
    if (value === null || (program && value === '')) return this.#delete(name, options.force === true || program)
    const refusal = this.#insert(name, value, options.force === true || program)
    return refusal === null ? [] : [...refusal.lines, `## Error inserting "${name}" variable, errno=${refusal.errno}`]
  }

  observe(name: string, changed: (value: string) => void): void {
    this.#listeners.set(name, changed)
  }

  import(entries: Iterable<readonly [name: string, value: string | null]>, options: ImportOptions = {}): Import {
    const { clear = false, only = [], force = false } = options
    const missing = new Set(only)
    const lines: string[] = []
    if (clear && only.length === 0) this.#clear()
    for (const [name, value] of entries) {
      if (name === '' && value !== null) return { complete: false, lines }
      if (only.length > 0 && !only.includes(name)) continue
      missing.delete(name)
      if (value === null) lines.push(...this.#delete(name, force))
      else {
        const refusal = this.#insert(name, value, force)
        if (refusal !== null) lines.push(...refusal.lines, `himport_r: can't insert "${name}=${value}" into hash table`)
      }
    }
    if (clear) for (const name of missing) lines.push(...this.#forget(name, force))
    return { complete: true, lines }
  }

  reset(options: { readonly force?: boolean } = {}): Import {
    this.#isDefault = true
    return this.import(Object.entries(this.defaults), { clear: true, force: options.force ?? false })
  }

  restore(saved: Variables): Import {
    this.#isDefault = false
    return this.import(saved, { clear: true })
  }

  /** A variable that was asked for and was not among those taken in. */
  #forget(name: string, force: boolean): readonly string[] {
    const known = this.#variables.has(name)
    const refusal = this.#delete(name, force)
    const gone = known && refusal.length === 0
    return [
      ...refusal,
      `WARNING: '${name}' ${gone ? 'not in imported env, deleting it' : 'neither in running nor in imported env'}!`,
    ]
  }

  #delete(name: string, force: boolean): readonly string[] {
    const old = this.#variables.get(name)
    if (old === undefined) return []
    const refuses: readonly string[] = ACCESSES[this.#flags(name).access].refuses
    if (!force && refuses.includes('delete')) return [`## Error: Can't delete "${name}"`]
    const complaint = this.#ask(name, null)
    if (complaint !== null) return complaint
    this.#variables.delete(name)
    this.#names = null
    this.#characters -= name.length + old.length
    return []
  }

  /** @returns why not, or null */
  #insert(
    name: string,
    value: string,
    force: boolean,
  ): { readonly errno: number; readonly lines: readonly string[] } | null {
    if (name === '') return { errno: EINVAL, lines: [] }
    const old = this.#variables.get(name)
    const { type, access } = this.#flags(name)
    if (!TYPES[type].valid.test(value))
      return { errno: EPERM, lines: [`## Error: flags type check failure for "${name}" <= "${value}" (type: ${type})`] }
    const refusal = force ? null : this.#refusal(name, old, ACCESSES[access].refuses)
    if (refusal !== null) return { errno: EPERM, lines: refusal }
    const complaint = this.#ask(name, value)
    if (complaint !== null) return { errno: EINVAL, lines: complaint }
    const characters = this.#characters + value.length - (old === undefined ? -name.length : old.length)
    if (characters > MOST_CHARACTERS) return { errno: ENOMEM, lines: [] }
    this.#characters = characters
    if (old === undefined) this.#names = null
    this.#variables.set(name, value)
    this.#listeners.get(name)?.(value)
    return null
  }

  #refusal(name: string, old: string | undefined, refuses: readonly string[]): readonly string[] | null {
    if (old === undefined) return refuses.includes('create') ? [`## Error: Can't create "${name}"`] : null
    if (refuses.includes('overwrite')) return [`## Error: Can't overwrite "${name}"`]
    const standard = this.defaults[name] ?? ''
    if (!refuses.includes('overwrite changed') || old === standard) return null
    return [`oldval: ${old}  defval: ${standard}`, `## Error: Can't overwrite "${name}"`]
  }

  #flags(name: string) {
    return flagsOf(name, this.#variables.get('.flags'))
  }

  /** The verdict of the variable's callback. */
  #ask(name: string, value: string | null): readonly string[] | null {
    const callback = callbackOf(name, this.#variables.get('.callbacks'))
    return callback === null ? null : (this.#callbacks[callback]?.(name, value) ?? null)
  }

  #clear(): void {
    this.#variables.clear()
    this.#names = null
    this.#characters = 0
  }
}
