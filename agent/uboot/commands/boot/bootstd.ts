/** `bootdev` and `bootmeth`: the devices and methods of boot flows. */

import { allBootDevices, bootLabel, labelledDevices } from '../../boot/bootdev.js'
import { BOOT_METHOD_TEXTS } from '../../boot/bootmeth.js'
import { parseHex } from '../../lib/numbers.js'
import { BOOT_METHODS, type BootDevice } from '../../machine/bootflow.js'
import { type Call, type Command, type Machine, USAGE } from '../../machine/machine.js'

const DEVICE_RULE = '---  ------  ------  --------  ------------------\n'

async function listDevices(machine: Machine): Promise<number> {
  const devices = await allBootDevices(machine)
  const rows = devices.map(
    ({ uclass, name }, number) => `${number.toString(16).padStart(3)}   [ + ]      OK  ${uclass.padEnd(8)}  ${name}\n`,
  )
  machine.out.write(
    `Seq  Probed  Status  Uclass    Name\n${DEVICE_RULE}${rows.join('')}${DEVICE_RULE}` +
      `(${devices.length} bootdev${devices.length === 1 ? '' : 's'})\n`,
  )
  return 0
}

/** Disks and interfaces are found by the kernel of the first stage: there is nothing to hunt for. */
function hunt({ state }: Machine, word: string | undefined): number {
  if (word !== undefined && word !== '-l') state.hunted.add(word)
  return 0
}

/** A device by number, name or label. */
async function deviceFor(machine: Machine, word: string): Promise<BootDevice | undefined> {
  const devices = await allBootDevices(machine)
  const label = bootLabel(word)
  if (/^[0-9a-f]+$/i.test(word) && label === null) return devices[parseHex(word)]
  if (label !== null) return (await labelledDevices(machine, label, false))[0]
  return devices.find(({ name }) => name === word || name === `${word}.bootdev`)
}

async function select(machine: Machine, word: string | undefined): Promise<number> {
  machine.state.bootDevice = null
  if (word === undefined) return 0
  const found = await deviceFor(machine, word)
  if (found === undefined) {
    machine.out.write(`Cannot find bootdev '${word}' (err=-19)\n`)
    return 1
  }
  machine.state.bootDevice = found
  return 0
}

async function info(machine: Machine): Promise<number> {
  const { state, out } = machine
  const device = state.bootDevice
  if (device === null) {
    out.write('No bootdev selected\n')
    return 1
  }
  const sequence = (await allBootDevices(machine)).findIndex(({ name }) => name === device.name)
  const flows = state.bootflows.filter(flow => flow.device.name === device.name)
  const valid = flows.filter(({ error }) => error === 0).length
  out.write(
    `Name:      ${device.name}\nSequence:  ${sequence}\nStatus:    Probed\nUclass:    ${device.uclass}\n` +
      `Bootflows: ${flows.length} (${valid} valid)\n`,
  )
  return 0
}

function bootdev(machine: Machine, { args: [, verb, word] }: Call): Promise<number> | number {
  if (verb === 'list') return listDevices(machine)
  if (verb === 'hunt') return hunt(machine, word)
  if (verb === 'select') return select(machine, word)
  return verb === 'info' ? info(machine) : USAGE
}

const METHOD_RULE = '-----  ---  ------------------  ------------------\n'

function listMethods({ state, out }: Machine, word: string | undefined): number {
  const shown = word === '-a' ? [...new Set([...state.bootMethods, ...BOOT_METHODS])] : state.bootMethods
  const rows = shown.map(method => {
    const order = state.bootMethods.indexOf(method)
    const place = order === -1 ? '-' : order.toString(16)
    const number = BOOT_METHODS.indexOf(method).toString(16)
    return `${place.padStart(5)}  ${number.padStart(3)}  ${method.padEnd(18)}  ${BOOT_METHOD_TEXTS[method]}\n`
  })
  out.write(
    `Order  Seq  Name                Description\n${METHOD_RULE}${rows.join('')}${METHOD_RULE}` +
      `(${shown.length} bootmeth${shown.length === 1 ? '' : 's'})\n`,
  )
  return 0
}

/** The methods to try, in this order; without names, all. */
function order({ state, out }: Machine, names: readonly string[]): number {
  const wanted = names.flatMap(name => name.split(/\s+/)).filter(name => name !== '')
  const methods = BOOT_METHODS.filter(method => wanted.includes(method))
  const unknown = wanted.find(name => !methods.some(method => method === name))
  if (unknown !== undefined) {
    out.write(`Unknown bootmeth '${unknown}'\nFailed (err=-19)\n`)
    return 1
  }
  state.bootMethods = wanted.length === 0 ? BOOT_METHODS : methods.sort((a, b) => wanted.indexOf(a) - wanted.indexOf(b))
  return 0
}

function bootmeth(machine: Machine, { args: [, verb, ...words] }: Call): number {
  if (verb === 'list') return listMethods(machine, words[0])
  return verb === 'order' ? order(machine, words) : USAGE
}

export const bootstdCommands: readonly Command[] = [
  {
    name: 'bootdev',
    maxArgs: 64,
    repeatable: true,
    summary: 'Boot devices',
    usage: `list [-p]         - list all available bootdevs (-p to probe)
bootdev hunt [-l|<spec>]  - use hunt drivers to find bootdevs
bootdev select <bd>       - select a bootdev by name | label | seq
bootdev info [-p]         - show information about a bootdev (-p to probe)`,
    run: bootdev,
  },
  {
    name: 'bootmeth',
    maxArgs: 64,
    repeatable: true,
    summary: 'Boot methods',
    usage: `list [-a]     - list available bootmeths (-a all)
bootmeth order [<bd> ...]  - select bootmeth order / subset to use`,
    run: bootmeth,
  },
]
