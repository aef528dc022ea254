/** Disks and GPIO lines in memory. */

import type { Gpio } from '../../../../agent/uboot/hardware/gpio.js'
import type { BlockDevice, DirectoryEntry, Storage } from '../../../../agent/uboot/hardware/storage.js'

export interface FakeDisks {
  readonly devices?: readonly BlockDevice[]
  /** by `kind number:partition path`, as in `mmc 0:1 /boot.scr` */
  readonly files?: Readonly<Record<string, Uint8Array>>
}

export class FakeStorage implements Storage {
  constructor(private readonly disks: FakeDisks) {}

  async devices(kind: string): Promise<readonly BlockDevice[]> {
    return this.disks.devices?.filter(device => device.kind === kind) ?? []
  }

  #key({ kind, number }: BlockDevice, partition: number, path: string): string {
    return `${kind} ${number}:${partition} ${path === '' ? '' : `/${path.replace(/^\/+/, '')}`}`
  }

  async list(device: BlockDevice, partition: number, path: string): Promise<readonly DirectoryEntry[] | null> {
    const start = this.#key(device, partition, path).replace(/\/*$/, '/')
    const found = new Map<string, DirectoryEntry>()
    for (const [key, { length }] of Object.entries(this.disks.files ?? {})) {
      if (!key.startsWith(start)) continue
      const [name = '', ...below] = key.slice(start.length).split('/')
      const directory = below.length > 0
      found.set(name, { name, directory, link: false, size: directory ? 0 : length })
    }
    return found.size === 0 ? null : [...found.values()]
  }

  async size(device: BlockDevice, partition: number, path: string): Promise<number | null> {
    return this.disks.files?.[this.#key(device, partition, path)]?.length ?? null
  }

  async read(
    device: BlockDevice,
    partition: number,
    path: string,
    { offset, length }: { readonly offset: number; readonly length: number | null },
    sink: (chunk: Uint8Array) => void,
    signal: AbortSignal,
  ): Promise<number> {
    signal.throwIfAborted()
    const bytes = this.disks.files?.[this.#key(device, partition, path)] ?? new Uint8Array()
    const part = bytes.subarray(offset, length === null ? bytes.length : offset + length)
    sink(part)
    return part.length
  }
}

/** @param lines values by name; actions change them */
export const fakeGpio = (lines: Record<string, 0 | 1>): Gpio => ({
  async drive(line, action) {
    const before = lines[line]
    if (before === undefined) return null
    const toggled = before === 0 ? 1 : 0
    const value = ({ input: before, set: 1, clear: 0, toggle: toggled } as const)[action]
    lines[line] = value
    return value
  },
  lines: async name =>
    Object.entries(lines)
      .filter(([line]) => name === null || line.startsWith(name))
      .map(([line, value]) => ({ name: line, direction: 'input', value })),
})
