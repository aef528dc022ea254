/** A file from a disk into memory. */

import { rateText } from '../lib/size-text.js'
import { isRefusal, LoadTarget, refusalNote } from '../machine/load-target.js'
import type { Call, Machine } from '../machine/machine.js'
import { mountable } from './device-partition.js'

export interface FileToLoad {
  readonly kind: string
  /** `<dev[:part]>` */
  readonly device: string
  /** `fat`, `ext4`, `any` */
  readonly filesystem: string
  readonly path: string
  readonly address: number
  /** bytes; 0 or undefined: to the end */
  readonly length?: number
  readonly offset?: number
  /** do not tell how much was read */
  readonly quiet?: boolean
}

/**
 * Load a file, set the variables, and print the lines of `load`.
 *
 * @returns `$?`
 */
export async function loadFile(machine: Machine, call: Call, file: FileToLoad): Promise<number> {
  const { out, storage } = machine
  const place = await mountable(machine, file.kind, file.device, file.filesystem)
  if (place === null) {
    out.write("Can't set block device\n")
    return 1
  }
  const { device, partition } = place
  const fail = (why: string): number => {
    out.write(`${why}Failed to load '${file.path}'\n`)
    return 1
  }
  const number = partition?.number ?? 0
  const size = await storage.size(device, number, file.path)
  if (size === null) return fail('')
  const { offset = 0, length = 0 } = file
  const target = new LoadTarget(machine, file.address, file.path)
  const rest = Math.max(0, size - offset)
  target.expected = length === 0 ? rest : Math.min(rest, length)
  const started = machine.ticks()
  try {
    const range = { offset, length: length === 0 ? null : length }
    await storage.read(device, number, file.path, range, chunk => target.write(chunk), call.signal)
  } catch (thrown) {
    if (!isRefusal(thrown)) throw thrown
    return fail(`** Reading file would overwrite reserved memory **\n${refusalNote(thrown)}`)
  }
  const milliseconds = machine.ticks() - started
  const rate = rateText(target.received, milliseconds)
  const told = `${target.received} bytes read in ${milliseconds} ms${rate === '' ? '' : ` (${rate})`}\n`
  if (file.quiet !== true) out.write(told)
  target.done()
  return 0
}
