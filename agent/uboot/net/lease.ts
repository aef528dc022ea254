/** An address from a DHCP server, and its variables. */

import { FauxbootError } from '../../errors.js'
import type { Lease } from '../hardware/network.js'
import type { Call, Machine } from '../machine/machine.js'
import { leaseVariables } from './net-settings.js'

/** Ask for a lease; null when no server answers, which is printed. */
export async function requestLease(machine: Machine, call: Call): Promise<Lease | null> {
  const { network, out } = machine
  const started = machine.ticks()
  try {
    const broadcast = (attempt: number): void => out.write(`BOOTP broadcast ${attempt}\n`)
    const bound = await network.dhcp(broadcast, call.signal)
    out.write(`DHCP client bound to address ${bound.address} (${machine.ticks() - started} ms)\n`)
    return bound
  } catch (thrown) {
    if (!(thrown instanceof FauxbootError) || thrown.code !== 'TFTP_TIMEOUT') throw thrown
    out.write('\nRetry time exceeded; starting again\n')
    return null
  }
}

/** Set the variables of a lease. */
export function keepLease(machine: Machine, bound: Lease): void {
  for (const [name, value] of leaseVariables(bound)) machine.env.set(name, value, { origin: 'program' })
}
