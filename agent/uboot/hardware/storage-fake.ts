/** Disks in memory, for tests. */

import type { BlockDevice, DirectoryEntry, Storage } from './storage.js'

export interface FakeDisks {
  readonly devices?: readonly BlockDevice[]
  /** by `kind number:partition path`, as in `mmc 0:1 /boot.scr` */
  readonly files?: Readonly<Record<string, Uint8Array>>
  /** values by pin; they are changed */
  readonly pins?: Record<string, number>
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
      found.set(name, { name, directory, size: directory ? 0 : length })
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

  async gpio(pin: string, action: 'input' | 'set' | 'clear' | 'toggle'): Promise<number | null> {
    const pins = this.disks.pins ?? {}
    const before = pins[pin]
    if (before === undefined) return null
    const value = { input: before, set: 1, clear: 0, toggle: 1 - before }[action]
    pins[pin] = value
    return value
  }
}
