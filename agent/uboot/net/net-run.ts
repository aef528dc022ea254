/** What U-Boot does around each network command: ^C, further attempts, and what happens after a file is there. */

import { bareHex, hex8 } from '../lib/numbers.js'
import type { Call, Machine } from '../machine/machine.js'
import { netRetries, yesOrNo } from './net-settings.js'

/** How an attempt ended: `again` if U-Boot says `starting again`. */
export type Attempt = 'done' | 'failed' | 'again'

/**
 * Run a command of the network until it ends or ^C is typed.
 *
 * @returns what it returns, or `otherwise` after ^C
 * @throws what it throws, unless ^C was the reason
 */
export async function untilInterrupted<T>(
  machine: Machine,
  call: Call,
  otherwise: T,
  work: () => Promise<T>,
): Promise<T> {
  try {
    return await work()
  } catch (thrown) {
    if (!call.signal.aborted) throw thrown
    machine.out.write('\nAbort\n')
    return otherwise
  }
}

/** Attempts, as many as `netretry` allows. */
export async function withRetries(machine: Machine, call: Call, attempt: () => Promise<Attempt>): Promise<boolean> {
  let outcome = await attempt()
  for (let left = netRetries(machine.env); outcome === 'again' && left > 0; left--) {
    call.signal.throwIfAborted()
    outcome = await attempt()
  }
  return outcome === 'done'
}

/** The line under each transfer that brought something. */
export const transferredText = (size: number): string => `Bytes transferred = ${size} (${bareHex(size)} hex)\n`

/** After a load that succeeded: with `autostart` the file is booted at once. @returns `$?` */
export async function afterLoad(machine: Machine, call: Call): Promise<number> {
  if (yesOrNo(machine.env, 'autostart') !== true) return 0
  const address = bareHex(machine.state.loadAddress)
  machine.out.write(`Automatic boot of image at addr 0x${hex8(machine.state.loadAddress).toUpperCase()} ...\n`)
  return machine.shell.run(`bootm ${address}`, call.signal)
}
