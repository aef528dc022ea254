/** From a pxelinux menu to a boot command: include files, choose a label, load its files. */

import { quadHex } from '../hardware/ipv4.js'
import { bareHex, parseHex } from '../lib/numbers.js'
import type { Call, Machine } from '../machine/machine.js'
import { includedFile, type PxeLabel, type PxeMenu, type PxeStatement, pxeMenu, pxeStatements } from './pxe-config.js'

/** Loads a file for the menu, as the command that found the menu does. @returns whether it is there */
type PxeLoader = (file: string, address: number) => Promise<boolean>

export interface PxeSource {
  readonly machine: Machine
  readonly call: Call
  readonly load: PxeLoader
  /** put before names that do not begin with a slash */
  readonly prefix: string
}

/** Files that include each other deeper than this do not end. */
const DEEPEST_INCLUDE = 16
/** Bytes of a menu that are read at most. */
const LONGEST_MENU = 64 * 1024
/** ^C, as a key. */
const INTERRUPT = '\x03'

/** A variable that is needed; without it, that is printed. */
export function needed(machine: Machine, name: string): string | null {
  const value = machine.env.get(name)
  if (value === undefined) machine.out.write(`missing environment variable: ${name}\n`)
  return value ?? null
}

/** `Retrieving file`, and the file. */
function retrieve({ machine, load, prefix }: PxeSource, file: string, address: number): Promise<boolean> {
  const path = file.startsWith('/') ? file : prefix + file
  machine.out.write(`Retrieving file: ${path}\n`)
  return load(path, address)
}

/** Load a file to the address in a variable. @returns that address as the variable has it; null when it failed */
async function retrieveTo(source: PxeSource, file: string, variable: string): Promise<string | null> {
  const address = needed(source.machine, variable)
  return address !== null && (await retrieve(source, file, parseHex(address))) ? address : null
}

const fileSize = (machine: Machine): number => parseHex(machine.env.get('filesize') ?? '0')

/** Load a menu and end it with a zero byte, because an earlier, longer menu may follow in memory. */
export async function retrieveMenu(source: PxeSource, file: string, address: number): Promise<boolean> {
  if (!(await retrieve(source, file, address))) return false
  source.machine.memory.write(address + fileSize(source.machine), Buffer.of(0))
  return true
}

/** Text in memory up to a zero byte. */
function menuText({ memory }: Machine, address: number): string {
  const range = memory.ranges.find(({ start, end }) => address >= start && address < end)
  const bytes = memory.read(address, Math.min(LONGEST_MENU, (range?.end ?? address + 1) - address))
  const end = bytes.indexOf(0)
  return bytes.toString('latin1', 0, end === -1 ? bytes.length : end)
}

/** The statements of the menu at an address, with those of the files that it includes. */
async function statementsAt(source: PxeSource, address: number, depth: number): Promise<PxeStatement[]> {
  const text = menuText(source.machine, address)
  const behind = address + text.length + 1
  const found: PxeStatement[] = []
  for (const statement of pxeStatements(text)) {
    const file = includedFile(statement)
    found.push(statement)
    if (file === null) continue
    if (depth === DEEPEST_INCLUDE) source.machine.out.write(`Maximum nesting (${DEEPEST_INCLUDE}) exceeded\n`)
    else if (await retrieveMenu(source, file, behind)) found.push(...(await statementsAt(source, behind, depth + 1)))
  }
  return found
}

/** The entry as the menu shows it. */
const entryText = ({ title, name }: PxeLabel, index: number): string => `${index + 1}:\t${title ?? name}\n`

/** The label with the typed number, or null. */
const chosen = ({ labels }: PxeMenu, text: string): PxeLabel | null =>
  labels.find((_, index) => String(index + 1) === text.trim()) ?? null

const PROMPT = 'Enter choice: '

/** A line of the user; null after ^C, undefined when the time is over. */
async function readChoice({ input, out }: Machine, timeout: number): Promise<string | null | undefined> {
  if (timeout <= 0) return input.readLine(PROMPT)
  out.write(PROMPT)
  const key = await input.readKey(Math.ceil(timeout / 10) * 1000)
  if (key === null) return undefined
  if (key === INTERRUPT) return null
  if (key === '\r' || key === '\n') {
    out.write('\n')
    return ''
  }
  // The line editor redraws the prompt over the one that waited for this key.
  out.write('\r')
  return input.readLine(PROMPT, key)
}

/** Ask until the user chooses a label. @returns null to boot nothing; undefined if there was no choice */
async function ask({ machine, call }: PxeSource, menu: PxeMenu, preset: PxeLabel | null) {
  const { out } = machine
  for (;;) {
    call.signal.throwIfAborted()
    if (menu.title !== null) out.write(`${menu.title}\n`)
    out.write(menu.labels.map(entryText).join(''))
    const line = await readChoice(machine, menu.timeout)
    if (line === null) {
      out.write('<INTERRUPT>\n')
      return null
    }
    if (line === undefined || (line === '' && preset !== null)) return preset ?? undefined
    const label = chosen(menu, line)
    if (label !== null) return label
    out.write(`${line} not found\n`)
  }
}

/** `ip=` and `BOOTIF=`, as the bits of `ipappend` ask. */
function addressWords({ env }: Machine, bits: number): string {
  const value = (name: string): string => env.get(name) ?? ''
  const ip = ` ip=${['ipaddr', 'serverip', 'gatewayip', 'netmask'].map(value).join(':')}`
  const mac = ` BOOTIF=01-${value('ethaddr').toLowerCase().replaceAll(':', '-')}`
  return `${(bits & 1) === 0 ? '' : ip}${(bits & 2) === 0 ? '' : mac}`
}

/** The arguments of the kernel: variables in them are replaced as on a command line. */
function setArguments(machine: Machine, { append, ipAppend }: PxeLabel, print: boolean): void {
  if (append === null && (ipAppend & 3) === 0) return
  const text = `${append ?? ''}${addressWords(machine, ipAppend)}`
  const args = text.replace(/\$\{(\w+)\}|\$\((\w+)\)/g, (_, braced, round) => machine.env.get(braced ?? round) ?? '')
  machine.env.set('bootargs', args)
  if (print) machine.out.write(`append: ${args}\n`)
}

/** Name of the board's device tree in a directory. */
function treeIn({ env }: Machine, directory: string): string {
  const file = env.get('fdtfile') ?? `${env.get('soc') ?? ''}-${env.get('board') ?? ''}${env.get('boardver') ?? ''}.dtb`
  return `${directory}${directory.endsWith('/') ? '' : '/'}${file}`
}

/** Load the device tree. @returns its address; null if there is none; undefined if the label cannot boot */
async function deviceTree(source: PxeSource, label: PxeLabel): Promise<string | null | undefined> {
  const { machine } = source
  const { out, env } = machine
  const preset = env.get('fdt_addr') ?? null
  const file = label.fdt ?? (label.fdtDirectory === null ? null : treeIn(machine, label.fdtDirectory))
  if (file === '-') return null
  if (file === null || env.get('fdt_addr_r') === undefined) return preset
  const address = await retrieveTo(source, file, 'fdt_addr_r')
  if (address === null && label.fdt !== null) {
    out.write(`Skipping ${label.name} for failure retrieving FDT\n`)
    return undefined
  }
  if (address === null) {
    out.write(`Skipping fdtdir ${label.fdtDirectory} for failure retrieving dts\n`)
    return preset
  }
  await applyOverlays(source, label, address)
  return address
}

async function applyOverlays(source: PxeSource, { overlays }: PxeLabel, tree: string): Promise<void> {
  if (overlays.length === 0) return
  const { shell, out } = source.machine
  await shell.run(`fdt addr ${tree}`, source.call.signal)
  for (const overlay of overlays) {
    const address = await retrieveTo(source, overlay, 'fdtoverlay_addr_r')
    if (address === null) {
      out.write(`Failed loading overlay ${overlay}\n`)
      continue
    }
    // Room for what the overlay adds: it is at most as long as the overlay itself.
    await shell.run(`fdt resize ${bareHex(fileSize(source.machine) + 8192)}`, source.call.signal)
    await shell.run(`fdt apply ${address}`, source.call.signal)
  }
}

/** Magic of a legacy image (U-Boot's `include/image.h`) and of a device tree, in which FITs come. */
const BOOTM_MAGICS: readonly number[] = [0x2705_1956, 0xd00d_feed]
/** `ARM\x64` at 56, Linux' Documentation/arch/arm64/booting.rst */
const ARM64_MAGIC = 0x644d_5241

/** The command that boots the image at an address. */
function bootCommand({ memory }: Machine, address: number): string {
  const head = memory.read(address, 64)
  if (BOOTM_MAGICS.includes(head.readUInt32BE(0))) return 'bootm'
  return head.readUInt32LE(56) === ARM64_MAGIC ? 'booti' : 'bootz'
}

/** `localcmd`, whatever becomes of it: no other label is tried then. */
async function bootLocally({ machine, call }: PxeSource, label: PxeLabel): Promise<void> {
  const command = needed(machine, 'localcmd')
  if (command === null) return
  setArguments(machine, label, false)
  await machine.shell.run(command, call.signal)
}

/** Load what a label names and boot it. @returns whether that did not fail */
async function bootLabel(source: PxeSource, label: PxeLabel): Promise<boolean> {
  const { machine, call } = source
  const { out } = machine
  if (label.localBoot !== null) {
    if (label.localBoot >= 0) await bootLocally(source, label)
    return true
  }
  if (label.kernel === null) {
    out.write(`No kernel given, skipping ${label.name}\n`)
    return false
  }
  const [kernelFile = '', configuration] = label.kernel.split('#')
  const kernel = await retrieveTo(source, kernelFile, 'kernel_addr_r')
  if (kernel === null) {
    out.write(`Skipping ${label.name} for failure retrieving kernel\n`)
    return false
  }
  let ramdisk: string | null = null
  if (label.initrd === kernelFile) ramdisk = kernel
  else if (label.initrd !== null) {
    const address = await retrieveTo(source, label.initrd, 'ramdisk_addr_r')
    if (address === null) {
      out.write(`Skipping ${label.name} for failure retrieving initrd\n`)
      return false
    }
    ramdisk = `${address}:${bareHex(fileSize(machine))}`
  }
  setArguments(machine, label, true)
  const tree = await deviceTree(source, label)
  if (tree === undefined) return false
  const words = [ramdisk ?? '-', tree ?? ''].filter(word => word !== '')
  const image = configuration === undefined ? kernel : `${kernel}#${configuration}`
  const command = [bootCommand(machine, parseHex(kernel)), image, ...(ramdisk === null && tree === null ? [] : words)]
  return (await machine.shell.run(command.join(' '), call.signal)) === 0
}

/**
 * Show the menu at an address and boot the chosen label; if that fails, try the other labels in order.
 *
 * @param prompt ask even if the menu does not want it
 */
export async function bootMenu(source: PxeSource, address: number, prompt: boolean): Promise<void> {
  const { out } = source.machine
  const menu = pxeMenu(await statementsAt(source, address, 0))
  for (const keyword of menu.ignored) out.write(`Ignoring unknown command: ${keyword}\n`)
  const preset = menu.labels.find(({ name }) => name === menu.defaultLabel) ?? null
  if (menu.defaultLabel !== null && preset === null) out.write(`Missing default: ${menu.defaultLabel}\n`)
  const choice = menu.prompt || prompt ? await ask(source, menu, preset) : (preset ?? undefined)
  if (choice === null) return
  for (const label of choice === undefined ? menu.labels : [choice, ...menu.labels.filter(other => other !== choice)]) {
    source.call.signal.throwIfAborted()
    out.write(entryText(label, menu.labels.indexOf(label)))
    if (await bootLabel(source, label)) return
  }
}

/** Names under which a server may have the menu of this board, most specific first. */
export function menuNames(machine: Machine, mac: string): readonly string[] {
  const { env, board } = machine
  const uuid = needed(machine, 'pxeuuid')
  const digits = quadHex(env.get('ipaddr') ?? '')
  // Of the build: variables that were set since do not count.
  const { arch = 'arm', soc, board: name } = board.environment
  const general = `default-${arch}`
  return [
    ...(uuid === null ? [] : [uuid]),
    `01-${mac.toLowerCase().replaceAll(':', '-')}`,
    ...Array.from(digits, (_, index) => digits.slice(0, digits.length - index)),
    ...(soc === undefined || name === undefined ? [] : [`${general}-${soc}-${name}`]),
    ...(soc === undefined ? [] : [`${general}-${soc}`]),
    general,
    'default',
  ]
}
