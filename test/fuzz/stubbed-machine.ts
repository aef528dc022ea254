/**
 * Preloaded into the agent's process (`node --import`): a 32-bit ARM board in place of this machine. `/proc` and `/sys` come
 * from a folder, and the addon is one whose kernel is a file there, so that a loaded image outlives the agent. A state of
 * the job can be held: then it tells the parent, and stays there until a SIGTERM comes.
 */

import fs from 'node:fs'
import { Module } from 'node:module'
import os from 'node:os'
import { join } from 'node:path'

const { STUB_ROOT: ROOT = '', STUB_HOLD: HOLD = '' } = process.env
const LOADED = join(ROOT, 'sys/kernel/kexec_loaded')
const CALLS = join(ROOT, 'calls')

const inRoot = (path: unknown): unknown =>
  typeof path === 'string' && /^\/(proc|sys)\//.test(path) ? join(ROOT, path) : path

let hold = HOLD
const released = new Promise<void>(resolve => process.once('SIGTERM', () => resolve()))

/** Wait here if this is the place to hold, once. */
async function pass(place: string): Promise<void> {
  if (place !== hold) return
  hold = ''
  process.send?.(place)
  await released
}

/** The job has files: reading the memory map is planning, and not the start of the console. */
let verifying = false
const isLoaded = (): boolean => fs.readFileSync(LOADED, 'latin1') === '1'

function replace<T extends object, K extends keyof T>(target: T, name: K, make: (real: T[K]) => unknown): void {
  target[name] = make(target[name]) as T[K]
}

type Call = (...args: unknown[]) => unknown
/** @param before waits, where it should */
const redirected =
  (before: (path: unknown, ...rest: unknown[]) => Promise<void> = async () => {}) =>
  (real: unknown): Call =>
  async (path, ...rest) => {
    await before(path, ...rest)
    return (real as Call)(inRoot(path), ...rest)
  }

replace(
  fs,
  'readFileSync',
  real => ((path: unknown, ...rest: unknown[]) => (real as Call)(inRoot(path), ...rest)) as Call,
)
replace(
  fs.promises,
  'readFile',
  redirected(async path => {
    if (path === '/proc/iomem' && verifying) await pass('planning')
  }),
)
replace(
  fs.promises,
  'readdir',
  redirected(async path => {
    if (path === '/sys/class/net' && isLoaded()) await pass('loaded')
  }),
)
replace(fs.promises, 'realpath', redirected())
replace(fs.promises, 'writeFile', redirected())
replace(
  fs.promises,
  'open',
  redirected(async (path, flags) => {
    // Only what is mapped is opened with numbers there.
    if (typeof flags !== 'number' || !String(path).startsWith(process.env.FAUXBOOT_ARTIFACT_DIR ?? '?')) return
    verifying = true
    await pass('verifying')
  }),
)
os.machine = () => 'armv7l'

/** Milliseconds by which the clock is wrong; the parent sets them, at any time. */
let wrong = 0
const RealDate = Date
class SetDate extends RealDate {
  constructor(...args: [] | [number | string | Date]) {
    if (args.length === 0) super(SetDate.now())
    else super(args[0])
  }

  static override now(): number {
    return RealDate.now() + wrong
  }
}
globalThis.Date = SetDate as DateConstructor
process.on('message', milliseconds => {
  wrong = Number(milliseconds)
  process.send?.('set')
})
// Listening must not keep the agent alive.
process.channel?.unref()

const note = (call: string): void => fs.appendFileSync(CALLS, `${call}\n`)

const ADDON = {
  pageSize: 4096,
  addressBits: 32,
  async load(_entry: number, _flags: number, segments: readonly unknown[]): Promise<void> {
    const [answer, call] = segments.length > 0 ? ['1', 'load'] : ['0', 'unload']
    fs.writeFileSync(LOADED, answer)
    note(call)
    if (call === 'load') await pass('loading')
  },
  async sync(): Promise<void> {
    await pass('booting')
  },
  linkDown: () => note('linkDown'),
  async jump(): Promise<never> {
    note('jump')
    // The first stage is gone, and what it had loaded runs.
    fs.writeFileSync(LOADED, '0')
    process.kill(process.pid, 'SIGKILL')
    return new Promise<never>(() => undefined)
  },
  map(fd: number): Uint8Array {
    const bytes = Buffer.alloc(fs.fstatSync(fd).size)
    fs.readSync(fd, bytes, 0, bytes.length, 0)
    return bytes
  },
}

const { _extensions: extensions } = Module as unknown as { _extensions: Record<string, (module: NodeModule) => void> }
extensions['.node'] = module => {
  module.exports = ADDON
}
