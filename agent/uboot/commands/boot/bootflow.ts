/** `bootflow`: look for something to boot on disks and the network, list it and boot it. */

import { allBootDevices, BOOT_UCLASSES, type BootLabel, bootLabel, labelledDevices } from '../../boot/bootdev.js'
import { bootBootflow, bootflowAddress, findBootflow } from '../../boot/bootmeth.js'
import { pxeMenu, pxeStatements } from '../../boot/pxe-config.js'
import { bareHex, parseHex } from '../../lib/numbers.js'
import type { BootDevice, Bootflow, BootMethod } from '../../machine/bootflow.js'
import { type Call, type Command, type Machine, USAGE } from '../../machine/machine.js'

const RULE = '---  -----------  ------  --------  ----  ------------------------  ----------------\n'
const HEAD = `Seq  Method       State   Uclass    Part  Name                      Filename\n${RULE}`
/** Columns of a name that are shown. */
const NAME_WIDTH = 25
/** Partitions that are tried where errors are wanted, too. */
const MOST_PARTITIONS = 0x1e

function row(flow: Bootflow, number: number): string {
  const { method, state, device, partition, name, file } = flow
  return (
    `${bareHex(number).padStart(3)}  ${method.padEnd(11)}  ${state.padEnd(6)}  ${device.uclass.slice(0, 9).padEnd(9)} ` +
    `${bareHex(partition).padStart(4)}  ${name.slice(0, NAME_WIDTH).padEnd(NAME_WIDTH)} ${file}\n`
  )
}

/** Why a method did not come further, by state; an error of the file itself is the same in each. */
const REASONS: Readonly<Record<Bootflow['state'], string>> = {
  base: 'No media/partition found',
  media: 'No partition found',
  fs: 'File not found',
  ready: '',
}

const errorRow = ({ state, error }: Bootflow): string =>
  error === 0 ? '' : `     ** ${REASONS[state]}, err=-${error}\n`

/** The lines below a list. */
function footText(flows: readonly Bootflow[]): string {
  const valid = flows.filter(({ error }) => error === 0).length
  return `${RULE}(${flows.length} bootflow${flows.length === 1 ? '' : 's'}, ${valid} valid)\n`
}

/** Options of `scan`, as letters of one word. */
interface ScanOptions {
  readonly all: boolean
  readonly boot: boolean
  readonly errors: boolean
  readonly list: boolean
}

/** Parts of a device to try: those that exist, and with `-a` all that may. */
function partitionsOf({ disk }: BootDevice, all: boolean): readonly number[] {
  if (disk === null) return [0]
  const numbers = disk.partitions.map(({ number }) => number)
  return all ? Array.from({ length: MOST_PARTITIONS }, (_, number) => number) : numbers.length === 0 ? [0] : numbers
}

/** A scan: what was found so far, and how to tell it. */
class Scan {
  readonly flows: Bootflow[] = []

  constructor(
    private readonly machine: Machine,
    private readonly call: Call,
    private readonly options: ScanOptions,
  ) {}

  tell(text: string): void {
    if (this.options.list) this.machine.out.write(text)
  }

  async #keep(flow: Bootflow): Promise<void> {
    const { all, boot, errors } = this.options
    if (flow.error !== 0 && !all) return
    this.tell(row(flow, this.flows.length) + (errors ? errorRow(flow) : ''))
    this.flows.push(flow)
    if (boot && flow.error === 0) await bootAndTell(this.machine, this.call, flow)
  }

  /** Try all methods, or those that a label allows, on a device. */
  async device(device: BootDevice, allowed: readonly BootMethod[] | null): Promise<void> {
    const { machine, call, options } = this
    this.tell(`Scanning bootdev '${device.name}':\n`)
    const methods = machine.state.bootMethods.filter(method => allowed?.includes(method) ?? true)
    for (const partition of partitionsOf(device, options.all)) {
      for (const method of methods) {
        call.signal.throwIfAborted()
        await this.#keep(await findBootflow(machine, call, device, partition, method))
      }
    }
  }

  async label(label: BootLabel): Promise<void> {
    for (const device of await labelledDevices(this.machine, label, this.options.list)) {
      await this.device(device, label.methods)
    }
  }
}

/** The labels to scan; without `boot_targets`, all kinds of devices. */
function targets({ env }: Machine): readonly string[] {
  return env.get('boot_targets')?.split(/\s+/).filter(Boolean) ?? BOOT_UCLASSES
}

async function scanAll(machine: Machine, scan: Scan): Promise<void> {
  scan.tell(`Scanning for bootflows in all bootdevs\n${HEAD}`)
  for (const word of targets(machine)) {
    const label = bootLabel(word)
    if (label === null) machine.out.write(`Unknown uclass '${word}' in label\n`)
    else await scan.label(label)
  }
}

async function scanLabel(machine: Machine, scan: Scan, word: string): Promise<boolean> {
  scan.tell(`Scanning for bootflows with label '${word}'\n${HEAD}`)
  const label = bootLabel(word)
  const device = (await allBootDevices(machine)).find(({ name }) => name === word || name === `${word}.bootdev`)
  if (label !== null) await scan.label(label)
  else if (device !== undefined) await scan.device(device, null)
  else machine.out.write(`Cannot find bootdev '${word}' (err=-96)\n`)
  return label !== null || device !== undefined
}

async function scan(machine: Machine, call: Call, words: readonly string[]): Promise<number> {
  const letters = words[0]?.startsWith('-') === true ? words[0] : ''
  const [word] = letters === '' ? words : words.slice(1)
  const { state } = machine
  const options = {
    all: letters.includes('a'),
    boot: letters.includes('b'),
    errors: letters.includes('e'),
    list: letters.includes('l'),
  }
  const made = new Scan(machine, call, options)
  state.bootflow = null
  let complete = true
  if (word !== undefined) complete = await scanLabel(machine, made, word)
  else await scanAll(machine, made)
  state.bootflows = made.flows
  if (complete) made.tell('No more bootdevs\n')
  made.tell(footText(made.flows))
  return 0
}

/** Boot a flow; returns when that failed. */
async function bootAndTell(machine: Machine, call: Call, flow: Bootflow): Promise<void> {
  machine.out.write(`** Booting bootflow '${flow.name}' with ${flow.method}\n`)
  await bootBootflow(machine, call, flow)
  // -EFAULT: what was booted came back.
  machine.out.write('Boot failed (err=-14)\n')
}

function list(machine: Machine, _call: Call, words: readonly string[]): number {
  const { bootflows: flows, bootDevice } = machine.state
  const errors = words[0] === '-e'
  const rows = flows.map((flow, number) => row(flow, number) + (errors ? errorRow(flow) : ''))
  const shown = bootDevice === null ? 'all bootflows' : `bootflows for bootdev '${bootDevice.name}'`
  machine.out.write(`Showing ${shown}\n${HEAD}${rows.join('')}${footText(flows)}`)
  return 0
}

function select(machine: Machine, _call: Call, [word]: readonly string[]): number {
  const { bootflows: flows, bootDevice } = machine.state
  if (word === undefined) {
    machine.state.bootflow = null
    return 0
  }
  const found = /^[0-9a-fA-F]+$/.test(word) ? flows[parseHex(word)] : flows.find(({ name }) => name === word)
  if (found === undefined) {
    const of = bootDevice === null ? '' : ` in bootdev '${bootDevice.name}'`
    machine.out.write(`Cannot find bootflow '${word}'${of} (err=-2)\n`)
    return 1
  }
  machine.state.bootflow = found
  return 0
}

/** The chosen flow; null, after that was printed, if there is none. */
function chosen({ state, out }: Machine): Bootflow | null {
  if (state.bootflow === null) out.write('No bootflow selected\n')
  return state.bootflow
}

/** What a menu would boot, as U-Boot names it: the title of its last label. */
function systemOf({ method, bytes }: Bootflow): string {
  if (method === 'script' || bytes === null) return '(none)'
  const label = pxeMenu(pxeStatements(Buffer.from(bytes).toString('latin1'))).labels.at(-1)
  return label?.title ?? label?.name ?? '(none)'
}

function info(machine: Machine, _call: Call, words: readonly string[]): number {
  const flow = chosen(machine)
  if (flow === null) return 1
  const { name, device, method, state, partition, file, bytes, error } = flow
  const size = bytes?.length ?? 0
  const address = bytes === null ? null : bootflowAddress(machine, flow)
  const rows = [
    ['Name', name],
    ['Device', device.name],
    ['Block dev', device.disk === null ? '(none)' : device.name.replace(/\.bootdev$/, '')],
    ['Method', method],
    ['State', state],
    ['Partition', bareHex(partition)],
    ['Subdir', '(none)'],
    ['Filename', file],
    ['Buffer', address === null ? '(not loaded)' : bareHex(address)],
    ['Size', `${bareHex(size)} (${size} bytes)`],
    ['OS', systemOf(flow)],
    ['Cmdline', '(none)'],
    ['Logo', '(none)'],
    ['FDT', '<NULL>'],
    ['Error', String(error === 0 ? 0 : -error)],
  ] as const
  machine.out.write(rows.map(([title, value]) => `${`${title}:`.padEnd(11)}${value}\n`).join(''))
  if (words[0]?.includes('d') === true && bytes !== null) {
    machine.out.write(`Contents:\n\n${Buffer.from(bytes).toString('latin1')}`)
  }
  return 0
}

async function boot(machine: Machine, call: Call): Promise<number> {
  const flow = chosen(machine)
  if (flow !== null) await bootAndTell(machine, call, flow)
  return 1
}

/** Menus and scripts read their files when they boot. */
function read({ out }: Machine): number {
  out.write('Failed: err=-38\n')
  return 1
}

/** Parts of the command that work on kernels of UEFI and ChromiumOS, or draw on a screen. */
const missing =
  (verb: string) =>
  ({ out }: Machine): number => {
    out.write(`## fauxboot: bootflow ${verb}: choose with "bootflow select", and set bootargs in the menu\n`)
    return 1
  }

type Verb = (machine: Machine, call: Call, words: readonly string[]) => Promise<number> | number

const VERBS: Readonly<Record<string, Verb>> = {
  scan,
  list,
  select,
  info,
  read,
  boot,
  menu: missing('menu'),
  cmdline: missing('cmdline'),
}

export const bootflowCommands: readonly Command[] = [
  {
    name: 'bootflow',
    maxArgs: 64,
    repeatable: true,
    summary: 'Boot flows',
    usage: `scan [-abeGl] [bdev]  - scan for valid bootflows (-l list, -a all, -e errors, -b boot, -G no global)
bootflow list [-e]             - list scanned bootflows (-e errors)
bootflow select [<num>|<name>] - select a bootflow
bootflow info [-ds]            - show info on current bootflow (-d dump bootflow)
bootflow read                  - read all current-bootflow files
bootflow boot                  - boot current bootflow
bootflow menu [-t]             - show a menu of available bootflows
bootflow cmdline [set|get|clear|delete|auto] <param> [<value>] - update cmdline`,
    run(machine, call) {
      const [, verb = '', ...words] = call.args
      const run = Object.hasOwn(VERBS, verb) ? VERBS[verb] : undefined
      return run === undefined ? USAGE : run(machine, call, words)
    },
    complete: (_machine, words) =>
      words.length === 2 ? Object.keys(VERBS).filter(verb => verb.startsWith(words[1] ?? '')) : [],
  },
]
