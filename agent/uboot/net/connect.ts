/** Waiting for the network's link, as U-Boot waits for its PHY, in the words of `drivers/net/phy/phy.c`. */

import type { EthernetDevice } from '../hardware/network.js'
import type { Call, Machine } from '../machine/machine.js'

/**
 * The device that a command of the network uses, once it has a carrier. A carrier that is there already costs no time.
 *
 * @returns null without a device, without a carrier, or after ^C, which is printed
 */
export async function connectedDevice(machine: Machine, call: Call): Promise<EthernetDevice | null> {
  const { network, env, out } = machine
  let hasWaited = false
  const waiting = (name: string | null): void => {
    out.write(hasWaited ? '.' : `${name ?? ''} Waiting for PHY auto negotiation to complete.`)
    hasWaited = true
  }
  try {
    const device = await network.connect(env.get('ethaddr') ?? null, waiting, call.signal)
    if (hasWaited) out.write(device?.active === true ? ' done\n' : ' TIMEOUT !\n')
    if (device?.active === true) return device
    out.write(device === null ? 'No ethernet found.\n' : `Could not initialize PHY ${device.name}\n`)
    return null
  } catch (thrown) {
    if (!hasWaited || !call.signal.aborted) throw thrown
    out.write('user interrupt!\n')
    return null
  }
}
