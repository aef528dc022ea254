/** The first stage's disks: found in sysfs, mounted read-only where a file is wanted. Mounting needs root. */

import {
  closeSync,
  existsSync,
  lstatSync,
  mkdirSync,
  opendirSync,
  openSync,
  readdirSync,
  readFileSync,
  readSync,
  realpathSync,
  statSync,
} from 'node:fs'
import { basename, join, normalize } from 'node:path'
import { yieldToEventLoop } from '../../event-loop.js'
import { type CommandRunner, systemRunner } from './command-runner.js'
import { filesystemName, readPartitionTable } from './partition-table.js'
import type { BlockDevice, DirectoryEntry, Partition, Storage } from './storage.js'

/** Bytes of one read. */
const CHUNK = 1024 * 1024
/** Bytes of a partition in which its filesystem shows. */
const HEAD = 4096
const SECTOR = 512

/** Kind of a disk, by its kernel name and the way to it in `/sys/devices`. */
const KINDS: readonly (readonly [kind: string, name: RegExp, path: RegExp])[] = [
  ['mmc', /^mmcblk\d+$/, /./],
  ['virtio', /^vd[a-z]+$/, /./],
  ['usb', /^sd[a-z]+$/, /\/usb\d/],
  ['scsi', /^sd[a-z]+$/, /./],
]

export interface LinuxStorageOptions {
  /** a folder of our own, under which disks are mounted */
  readonly directory: string
  readonly runner?: CommandRunner
  /** where `/sys` and `/dev` are; default the system's */
  readonly root?: string
}

/** Text of a file in sysfs; empty if it does not exist. */
const textOf = (file: string): string => (existsSync(file) ? readFileSync(file, 'latin1').trim() : '')

/** Whether an error only means that a name does not exist. */
const isAbsent = (thrown: unknown): boolean =>
  thrown instanceof Error && 'code' in thrown && ['ENOENT', 'ENOTDIR', 'EISDIR', 'ELOOP'].includes(String(thrown.code))

/** Part of a file; shorter where it ends. */
function readAt(fd: number, offset: number, length: number): Buffer {
  // A partition table may say anything.
  if (!Number.isSafeInteger(offset)) return Buffer.alloc(0)
  const bytes = Buffer.alloc(length)
  return bytes.subarray(0, readSync(fd, bytes, 0, length, offset))
}

/** Names in a directory in the kernel's order, which is the disk's on FAT; `readdirSync` would sort them. */
function namesOnDisk(directory: string): readonly string[] {
  const names: string[] = []
  const open = opendirSync(directory)
  try {
    for (let entry = open.readSync(); entry !== null; entry = open.readSync()) names.push(entry.name)
  } finally {
    open.closeSync()
  }
  return names
}

/** The kernel's name of a partition: `mmcblk0p1`, `sda1`. */
const partitionNode = (node: string, number: number): string => `${node}${/\d$/.test(node) ? 'p' : ''}${number}`

export class LinuxStorage implements Storage {
  readonly #directory: string
  readonly #runner: CommandRunner
  readonly #root: string

  constructor({ directory, runner = systemRunner, root = '/' }: LinuxStorageOptions) {
    this.#directory = directory
    this.#runner = runner
    this.#root = root
  }

  async devices(kind: string): Promise<readonly BlockDevice[]> {
    const base = join(this.#root, 'sys/block')
    const names = existsSync(base) ? readdirSync(base).sort() : []
    const found = names.filter(name => this.#kindOf(name) === kind)
    return found.map((name, index) => this.#device(kind, kind === 'mmc' ? Number(name.slice(6)) : index, name))
  }

  async list(device: BlockDevice, partition: number, path: string): Promise<readonly DirectoryEntry[] | null> {
    return this.#within(device, partition, path, file =>
      namesOnDisk(file).map(name => {
        const entry = lstatSync(join(file, name))
        return { name, directory: entry.isDirectory(), link: entry.isSymbolicLink(), size: entry.size }
      }),
    )
  }

  async size(device: BlockDevice, partition: number, path: string): Promise<number | null> {
    return this.#within(device, partition, path, file => {
      const entry = statSync(file)
      return entry.isFile() ? entry.size : null
    })
  }

  async read(
    device: BlockDevice,
    partition: number,
    path: string,
    range: { readonly offset: number; readonly length: number | null },
    sink: (chunk: Uint8Array) => void,
    signal: AbortSignal,
  ): Promise<number> {
    if (path === '') return this.#copy(this.#nodeOf(device, partition), range, sink, signal)
    return (await this.#within(device, partition, path, file => this.#copy(file, range, sink, signal))) ?? 0
  }

  #kindOf(name: string): string | null {
    const path = realpathSync(join(this.#root, 'sys/block', name))
    return KINDS.find(([, names, paths]) => names.test(name) && paths.test(path))?.[0] ?? null
  }

  #device(kind: string, number: number, name: string): BlockDevice {
    const sys = join(this.#root, 'sys/block', name)
    const node = join(this.#root, 'dev', name)
    return {
      kind,
      number,
      node,
      vendor: textOf(join(sys, 'device/vendor')),
      product: textOf(join(sys, 'device/model')) || textOf(join(sys, 'device/name')),
      size: Number(textOf(join(sys, 'size'))) * SECTOR,
      // sysfs never calls a memory card removable, but its type shows it: SD or MMC.
      removable: textOf(join(sys, 'removable')) === '1' || textOf(join(sys, 'device/type')) === 'SD',
      partitions: this.#partitions(node),
    }
  }

  #partitions(node: string): readonly Partition[] {
    if (!existsSync(node)) return []
    const fd = openSync(node, 'r')
    try {
      return readPartitionTable((offset, length) => readAt(fd, offset, length)).map(entry => ({
        ...entry,
        filesystem: filesystemName(readAt(fd, entry.start * SECTOR, HEAD)),
      }))
    } finally {
      closeSync(fd)
    }
  }

  #nodeOf({ node }: BlockDevice, partition: number): string {
    return partition === 0 ? node : partitionNode(node, partition)
  }

  /** A path inside of a mounted disk with its links followed; null when it leads nowhere, or out of the disk. */
  #resolve(base: string, file: string): string | null {
    try {
      const real = realpathSync(file)
      return real === base || real.startsWith(`${base}/`) ? real : null
    } catch (thrown) {
      if (isAbsent(thrown)) return null
      throw thrown
    }
  }

  /** Mount, use a file, and unmount. Null if there is no such file, or nothing that can be mounted. */
  async #within<T>(
    device: BlockDevice,
    partition: number,
    path: string,
    use: (file: string) => T | Promise<T>,
  ): Promise<T | null> {
    const node = this.#nodeOf(device, partition)
    const mount = join(this.#directory, 'disks', basename(node))
    mkdirSync(mount, { recursive: true })
    const mounted = await this.#runner.run('busybox', ['mount', '-o', 'ro,nosuid,nodev,noexec', node, mount])
    if (mounted.status !== 0) return null
    try {
      const base = realpathSync(mount)
      const file = this.#resolve(base, join(base, normalize(`/${path}`)))
      return file === null ? null : await use(file)
    } catch (thrown) {
      if (isAbsent(thrown)) return null
      throw thrown
    } finally {
      await this.#runner.run('busybox', ['umount', mount])
    }
  }

  async #copy(
    file: string,
    { offset, length }: { readonly offset: number; readonly length: number | null },
    sink: (chunk: Uint8Array) => void,
    signal: AbortSignal,
  ): Promise<number> {
    const fd = openSync(file, 'r')
    try {
      let done = 0
      for (;;) {
        const chunk = readAt(fd, offset + done, Math.min(CHUNK, (length ?? Number.POSITIVE_INFINITY) - done))
        if (chunk.length === 0) return done
        sink(chunk)
        done += chunk.length
        await yieldToEventLoop(signal)
      }
    } finally {
      closeSync(fd)
    }
  }
}
