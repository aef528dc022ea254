/** Devices that boot flows are looked for on, in U-Boot's order of their kinds. */

import type { BootDevice, BootMethod } from '../machine/bootflow.js'
import type { Machine } from '../machine/machine.js'

/** Kinds of disks: the first are built in, the last is slow to find. */
const DISKS = ['mmc', 'scsi', 'virtio', 'usb'] as const
const NETWORK = 'ethernet'
/** All kinds, in the order of a scan. */
export const BOOT_UCLASSES: readonly string[] = [...DISKS, NETWORK]
/** Kinds that are not looked for before a scan wants them. */
const HUNTED: readonly string[] = ['scsi', 'usb', NETWORK]

/** Devices of a kind. */
async function bootDevicesOf({ network, storage }: Machine, uclass: string): Promise<BootDevice[]> {
  if (uclass !== NETWORK) {
    const disks = await storage.devices(uclass)
    return disks.map(disk => ({ name: `${disk.kind}#${disk.number}.bootdev`, uclass, disk }))
  }
  return (await network.devices()).map(({ name }) => ({ name: `${name}.bootdev`, uclass, disk: null }))
}

/** All devices. */
export async function allBootDevices(machine: Machine): Promise<BootDevice[]> {
  return (await Promise.all(BOOT_UCLASSES.map(uclass => bootDevicesOf(machine, uclass)))).flat()
}

/** What a label stands for. */
export interface BootLabel {
  readonly uclass: string
  /** number of the device within its kind; null: all */
  readonly number: number | null
  /** the only methods that are tried; null: all */
  readonly methods: readonly BootMethod[] | null
}

/** Labels that are no kinds of devices. `mmc_auto` is Allwinner's: the card that the board was started from, then the others. */
const LABELS: Readonly<Record<string, BootLabel>> = {
  dhcp: { uclass: NETWORK, number: null, methods: ['script'] },
  mmc_auto: { uclass: 'mmc', number: null, methods: null },
  pxe: { uclass: NETWORK, number: null, methods: ['pxe'] },
}

/** @returns null for a word that is no label */
export function bootLabel(word: string): BootLabel | null {
  if (Object.hasOwn(LABELS, word)) return LABELS[word] ?? null
  const [, uclass = '', number = ''] = /^([a-z]+)(\d{0,3})$/.exec(word) ?? []
  if (!BOOT_UCLASSES.includes(uclass)) return null
  return { uclass, number: number === '' ? null : Number(number), methods: null }
}

/** Devices that a label names; with `tell`, the first search of a kind is printed. */
export async function labelledDevices(machine: Machine, label: BootLabel, tell: boolean): Promise<BootDevice[]> {
  const { hunted } = machine.state
  if (HUNTED.includes(label.uclass) && !hunted.has(label.uclass)) {
    hunted.add(label.uclass)
    if (tell) machine.out.write(`Hunting with: ${label.uclass}\n`)
  }
  const devices = await bootDevicesOf(machine, label.uclass)
  return devices.filter(({ disk }, index) => label.number === null || label.number === (disk?.number ?? index))
}
