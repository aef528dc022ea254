/** The network's devices: `net`, and `mii`, which finds no PHY that it may touch. */

import { type Call, type Command, type Machine, USAGE } from '../../machine/machine.js'

/** Addresses of PHYs on a bus (IEEE 802.3 clause 22). */
const PHY_ADDRESSES = 32
const NO_PHY = 'NULL device name!\nNo such device: <NULL>\n'

async function list(machine: Machine): Promise<number> {
  const devices = await machine.network.devices()
  devices.forEach(({ name, mac, active }, index) => {
    machine.out.write(`eth${index} : ${name} ${mac}${active ? ' active' : ''}\n`)
  })
  return 0
}

/** The drivers that U-Boot has for these boards keep no counters. */
async function stats(machine: Machine, name: string | undefined): Promise<number> {
  if (name === undefined) return USAGE
  const devices = await machine.network.devices()
  const known = devices.some((device, index) => name === device.name || name === `eth${index}`)
  machine.out.write(known ? 'Error: cannot get stats\n' : `Failed to find device: ${name}\n`)
  return 1
}

async function net(machine: Machine, call: Call): Promise<number> {
  const [, verb, name] = call.args
  if (verb === 'list' && name === undefined) return list(machine)
  return verb === 'stats' ? stats(machine, name) : USAGE
}

/** Linux drives the PHY, so the answers are those of a U-Boot without one. */
function mii(machine: Machine, call: Call): number {
  const [, verb = ''] = call.args
  if (call.args.length < 2) return USAGE
  if (verb.startsWith('de')) {
    machine.out.write('MII devices: \n')
    return 0
  }
  const all = verb.startsWith('i') && call.args.length === 2
  machine.out.write(NO_PHY.repeat(all ? PHY_ADDRESSES : 1))
  return all ? 0 : 1
}

export const netCommands: readonly Command[] = [
  {
    name: 'mii',
    maxArgs: 5,
    repeatable: true,
    summary: 'MII utility commands',
    usage:
      'device                            - list available devices\n' +
      'mii device <devname>                  - set current device\n' +
      'mii info   <addr>                     - display MII PHY info\n' +
      'mii read   <addr> <reg>               - read  MII PHY <addr> register <reg>\n' +
      'mii write  <addr> <reg> <data>        - write MII PHY <addr> register <reg>\n' +
      'mii modify <addr> <reg> <data> <mask> - modify MII PHY <addr> register <reg>\n' +
      '                                        updating bits identified in <mask>\n' +
      'mii dump   <addr> <reg>               - pretty-print <addr> <reg> (0-5 only)\n' +
      'Addr and/or reg may be ranges, e.g. 2-7.',
    run: mii,
  },
  {
    name: 'net',
    maxArgs: 3,
    summary: 'NET sub-system',
    usage: 'list - list available devices\nnet stats <device> - dump statistics for specified device\n',
    run: net,
  },
]
