/** Ways to boot from a device: extlinux menus and scripts on disks, scripts and pxelinux menus on the network. */

import { mountable } from '../disk/device-partition.js'
import { loadFile } from '../disk/load-file.js'
import { bareHex, parseHex } from '../lib/numbers.js'
import type { BootDevice, Bootflow, BootMethod } from '../machine/bootflow.js'
import type { Call, Machine } from '../machine/machine.js'
import { keepLease, requestLease } from '../net/lease.js'
import { untilInterrupted } from '../net/net-run.js'
import { loadOverTftp } from '../net/tftp-load.js'
import { bootMenu, needed, type PxeSource } from './pxe-boot.js'
import { fetchMenu, serverSource } from './pxe-server.js'
import { runScript } from './script.js'

/** Directories in which files are looked for. */
const PREFIXES = ['/', '/boot/'] as const

/** Files of the methods for disks, in each directory. */
const FILES: Readonly<Record<'extlinux' | 'script', readonly string[]>> = {
  extlinux: ['extlinux/extlinux.conf'],
  script: ['boot.scr.uimg', 'boot.scr'],
}

/** The file that U-Boot names for a menu of a server, whatever it was called there. */
const PXE_FILE = 'extlinux/extlinux.conf'

/** Bytes of a menu or a script that are read at most. */
const LONGEST = 64 * 1024

const ENOENT = 2
const EINVAL = 22
/** Not an errno of C, but U-Boot's. */
const ENOTSUPP = 524

/** What the commands of the methods do; rows of `bootmeth list`. */
export const BOOT_METHOD_TEXTS: Readonly<Record<BootMethod, string>> = {
  extlinux: 'Extlinux boot from a block device',
  script: 'Script boot from a block device',
  pxe: 'PXE boot from a network device',
}

/** Where a method looks: one partition of a device, or all of it. */
interface Place {
  readonly machine: Machine
  readonly call: Call
  readonly device: BootDevice
  readonly partition: number
}

const flowName = ({ device, partition }: Place): string =>
  device.disk === null ? `${device.name}.0` : `${device.name}.${partition === 0 ? 'whole' : `part_${partition}`}`

function failed(place: Place, method: BootMethod, state: Bootflow['state'], error: number, file = ''): Bootflow {
  const { device, partition } = place
  return { method, state, device, partition, name: flowName(place), file, prefix: null, bytes: null, error }
}

/** The bytes of a file on a disk; null if it is not there or too long. */
async function fileBytes({ machine, call, device: { disk }, partition }: Place, file: string): Promise<Buffer | null> {
  if (disk === null) return null
  const size = await machine.storage.size(disk, partition, file)
  if (size === null || size > LONGEST) return null
  const chunks: Uint8Array[] = []
  const range = { offset: 0, length: null }
  await machine.storage.read(disk, partition, file, range, chunk => chunks.push(Uint8Array.from(chunk)), call.signal)
  return Buffer.concat(chunks)
}

/** Look for the file of a method on a partition. */
async function findOnDisk(place: Place, method: 'extlinux' | 'script'): Promise<Bootflow> {
  const { machine, device, partition } = place
  const { disk } = device
  if (disk === null) return failed(place, method, 'base', ENOTSUPP)
  const bootable = disk.partitions.filter(part => part.bootable)
  const exists =
    partition === 0 ? disk.partitions.length === 0 : disk.partitions.some(({ number }) => number === partition)
  if (!exists) return failed(place, method, 'media', ENOENT)
  // A disk that marks partitions as bootable is booted from those.
  if (bootable.length > 0 && !bootable.some(({ number }) => number === partition)) {
    return failed(place, method, 'media', EINVAL)
  }
  if ((await mountable(machine, disk.kind, `${bareHex(disk.number)}:${bareHex(partition)}`, 'any')) === null) {
    return failed(place, method, 'media', ENOENT)
  }
  const candidates = PREFIXES.flatMap(prefix => FILES[method].map(name => ({ prefix, file: `${prefix}${name}` })))
  for (const { prefix, file } of candidates) {
    const bytes = await fileBytes(place, file)
    if (bytes !== null) return { ...failed(place, method, 'ready', 0, file), prefix, bytes }
  }
  return failed(place, method, 'fs', ENOENT, candidates.at(-1)?.file)
}

/** An address for the board, without a load. @returns whether there is one */
async function bind(machine: Machine, call: Call): Promise<boolean> {
  const lease = await untilInterrupted(machine, call, null, () => requestLease(machine, call))
  if (lease === null) return false
  keepLease(machine, lease)
  if (lease.bootFile !== null && lease.bootFile !== '')
    machine.env.set('bootfile', lease.bootFile, { origin: 'program' })
  return true
}

/** Bytes of the file that was loaded last. */
function loadedBytes({ memory, env }: Machine, address: number): Buffer {
  return memory.read(address, Math.min(LONGEST, parseHex(env.get('filesize') ?? '0')))
}

/** The script that `boot_script_dhcp` names. Without that variable, nobody is asked. */
async function findNetworkScript(place: Place): Promise<Bootflow> {
  const { machine, call } = place
  const { env } = machine
  const file = env.get('boot_script_dhcp')
  const address = env.get('scriptaddr')
  const missing = failed(place, 'script', 'base', ENOENT)
  if (file === undefined || address === undefined || !(await bind(machine, call))) return missing
  if (!(await loadOverTftp(machine, call, { file, address: parseHex(address) }))) return missing
  return { ...missing, state: 'ready', error: 0, bytes: loadedBytes(machine, parseHex(address)) }
}

async function findPxe(place: Place): Promise<Bootflow> {
  const { machine, call, device } = place
  if (device.disk !== null) return failed(place, 'pxe', 'base', ENOTSUPP)
  const missing = failed(place, 'pxe', 'base', ENOENT)
  if (!(await bind(machine, call)) || (await fetchMenu(machine, call)) !== 'found') return missing
  const address = parseHex(machine.env.get('pxefile_addr_r') ?? '0')
  return { ...missing, state: 'ready', error: 0, file: PXE_FILE, bytes: loadedBytes(machine, address) }
}

/** Try a method on a partition of a device. */
export function findBootflow(
  machine: Machine,
  call: Call,
  device: BootDevice,
  partition: number,
  method: BootMethod,
): Promise<Bootflow> {
  const place = { machine, call, device, partition }
  if (method === 'pxe') return findPxe(place)
  return method === 'script' && device.disk === null ? findNetworkScript(place) : findOnDisk(place, method)
}

/** The variable with the address that a file is put to. */
const ADDRESS_VARIABLES: Readonly<Record<BootMethod, string>> = {
  extlinux: 'pxefile_addr_r',
  script: 'scriptaddr',
  pxe: 'pxefile_addr_r',
}

/** Where the file of a boot flow is put; null if the variable is missing. */
export function bootflowAddress({ env }: Machine, { method }: Bootflow): number | null {
  const text = env.get(ADDRESS_VARIABLES[method])
  return text === undefined ? null : parseHex(text)
}

/** Variables that tell a script where it came from. */
function setScriptVariables(machine: Machine, { device: { disk }, partition, prefix }: Bootflow): void {
  const set = (name: string, value: string) => machine.env.set(name, value, { origin: 'program' })
  if (disk === null) {
    set('devtype', 'dhcp')
    return
  }
  set('devtype', disk.kind)
  set('devnum', bareHex(disk.number))
  set('distro_bootpart', bareHex(partition))
  set('prefix', prefix ?? '/')
}

/** Boot a flow that is ready. Returns when that failed. */
export async function bootBootflow(machine: Machine, call: Call, flow: Bootflow): Promise<void> {
  const { method, device, partition, bytes } = flow
  const address = bootflowAddress(machine, flow)
  if (address === null || bytes === null) {
    needed(machine, ADDRESS_VARIABLES[method])
    return
  }
  machine.memory.write(address, Buffer.concat([bytes, Buffer.of(0)]))
  if (method === 'script') {
    setScriptVariables(machine, flow)
    await runScript(machine, { address, image: null, configuration: null }, call.signal)
    return
  }
  const { disk } = device
  const place = disk === null ? '' : `${bareHex(disk.number)}:${bareHex(partition)}`
  const source: PxeSource =
    disk === null
      ? serverSource(machine, call)
      : {
          machine,
          call,
          prefix: flow.prefix ?? '/',
          load: async (path, at) => {
            const file = { kind: disk.kind, device: place, filesystem: 'any', path, address: at, quiet: true }
            return (await loadFile(machine, call, file)) === 0
          },
        }
  await bootMenu(source, address, false)
}
