/** An address, and what to boot, from a DHCP server: `dhcp`, `bootp`. */

import type { Call, Command, Machine } from '../../machine/machine.js'
import { connectedDevice } from '../../net/connect.js'
import { keepLease, requestLease } from '../../net/lease.js'
import { afterLoad, untilInterrupted } from '../../net/net-run.js'
import { leasedSettings, loadArguments, netSettings, yesOrNo } from '../../net/net-settings.js'
import { loadOverTftp } from '../../net/tftp-load.js'

async function dhcp(machine: Machine, call: Call): Promise<number> {
  const { env } = machine
  if ((await connectedDevice(machine, call)) === null) return 1
  const { address, file: typed, explicit } = loadArguments(machine, call.args.slice(1))
  const bound = await untilInterrupted(machine, call, null, () => requestLease(machine, call))
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
