/** An address, and what to boot, from a DHCP server: `dhcp`, `bootp`. */

import { FauxbootError } from '../../errors.js'
import type { Lease } from '../hardware/network.js'
import type { Call, Command, Machine } from '../machine/machine.js'
import { connectedDevice } from '../net/connect.js'
import { afterLoad, untilInterrupted } from '../net/net-run.js'
import { leasedSettings, leaseVariables, loadArguments, netSettings, yesOrNo } from '../net/net-settings.js'
import { loadOverTftp } from '../net/tftp-load.js'

/** Ask for a lease; null when no server answers, which is printed. */
async function lease(machine: Machine, call: Call): Promise<Lease | null> {
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

function keepLease(machine: Machine, bound: Lease): void {
  for (const [name, value] of leaseVariables(bound)) machine.env.set(name, value, { origin: 'program' })
}

async function dhcp(machine: Machine, call: Call): Promise<number> {
  const { env } = machine
  if ((await connectedDevice(machine, call)) === null) return 1
  const { address, file: typed, explicit } = loadArguments(machine, call.args.slice(1))
  const bound = await untilInterrupted(machine, call, null, () => lease(machine, call))
  if (bound === null) return 1
  const file = explicit ? typed : bound.bootFile || typed
  // The name is set at once, the addresses only if the whole command succeeds.
  if (file !== '') env.set('bootfile', file, { origin: 'program' })
  if (yesOrNo(env, 'autoload') === false) {
    keepLease(machine, bound)
    return 0
  }
  if (!(await loadOverTftp(machine, call, { address, file }, leasedSettings(bound, netSettings(env))))) return 1
  keepLease(machine, bound)
  return afterLoad(machine, call)
}

const leaseCommand = (name: string, protocol: string): Command => ({
  name,
  maxArgs: 3,
  repeatable: true,
  summary: `boot image via network using ${protocol}/TFTP protocol`,
  usage: '[loadAddress] [[hostIPaddr:]bootfilename]',
  run: dhcp,
})

export const dhcpCommands: readonly Command[] = [leaseCommand('bootp', 'BOOTP'), leaseCommand('dhcp', 'DHCP')]
