/** Disks of the simulated board: files of this machine. Their file systems are read with mtools and debugfs, which need no root. */

import { type ChildProcessByStdio, spawn } from 'node:child_process'
import { once } from 'node:events'
import { closeSync, fstatSync, openSync, readSync, statSync } from 'node:fs'
import { basename, posix } from 'node:path'
import type { Readable } from 'node:stream'
import { fault } from '../../agent/errors.js'
import { yieldToEventLoop } from '../../agent/event-loop.js'
import { type CommandRunner, systemRunner } from '../../agent/uboot/hardware/command-runner.js'
import { filesystemName, readPartitionTable } from '../../agent/uboot/hardware/partition-table.js'
import type { BlockDevice, DirectoryEntry, Storage } from '../../agent/uboot/hardware/storage.js'

const SECTOR = 512
/** Bytes of a partition in which its file system shows. */
const HEAD = 4096
/** Bytes of one read. */
const CHUNK = 1024 * 1024

/** Links that a path may lead through. */
const MOST_LINKS = 8

function readAt(fd: number, offset: number, length: number): Buffer {
  if (!Number.isSafeInteger(offset)) return Buffer.alloc(0)
  const bytes = Buffer.alloc(length)
  return bytes.subarray(0, readSync(fd, bytes, 0, length, offset))
}

/** A path that neither program takes for an option or a command; null for one that cannot be written so. */
function plainPath(path: string): string | null {
  const parts = path.split('/').filter(part => part !== '' && part !== '.')
  return parts.includes('..') || /["\n\\*?[]/.test(path) ? null : `/${parts.join('/')}`
}

/** What a program calls a file system in an image. */
interface Mounted {
  readonly filesystem: string | null
  /** bytes from the start of the image */
  readonly start: number
  readonly image: string
}

/** How a family of file systems is read. */
interface Reader {
  /** the command that lists a directory */
  list(mounted: Mounted, path: string): readonly [program: string, ...args: string[]]
  entries(text: string): readonly DirectoryEntry[]
  /** whether it listed a directory: both programs exit with 0 for some other paths, too */
  isDirectory(text: string, path: string): boolean
  /** the command that prints a file */
  read(mounted: Mounted, path: string): readonly [program: string, ...args: string[]]
}

/** `ZIMAGE           5000 2026-11-27   1:10  zImage`: the short name, the size, the date, the long name if there is one */
const FAT_ROW = /^(.{8})[ ](.{3})[ ]+(<DIR>|\d+) +\d{4}-\d\d-\d\d +\d+:\d\d *(.*)$/

const fat: Reader = {
  list: ({ image, start }, path) => ['mdir', '-a', '-i', `${image}@@${start}`, `::${path}`],
  entries: text =>
    text.split('\n').flatMap(line => {
      const [, stem = '', extension = '', size = '', long = ''] = FAT_ROW.exec(line) ?? []
      const short = `${stem.trim()}${extension.trim() === '' ? '' : `.${extension.trim()}`}`
      const name = long.trim() || short
      if (size === '') return []
      return [{ name, directory: size === '<DIR>', link: false, size: size === '<DIR>' ? 0 : Number(size) }]
    }),
  isDirectory: (text, path) => text.toLowerCase().includes(`directory for ::${path.toLowerCase()}\n`),
  read: ({ image, start }, path) => ['mcopy', '-i', `${image}@@${start}`, `::${path}`, '-'],
}

const DIRECTORY = 0o040000
const LINK = 0o120000
const TYPE = 0o170000

const ext: Reader = {
  list: ({ image, start }, path) => ['debugfs', '-R', `ls -p "${path}"`, `${image}?offset=${start}`],
  entries: text =>
    text.split('\n').flatMap(line => {
      const [, , mode = '', , , name = '', size = ''] = line.split('/')
      if (!/^\d+$/.test(mode)) return []
      const type = Number.parseInt(mode, 8) & TYPE
      return [{ name, directory: type === DIRECTORY, link: type === LINK, size: Number(size) }]
    }),
  isDirectory: text => /^\/\d+\/04\d{4}\/\d+\/\d+\/\.\//m.test(text),
  read: ({ image, start }, path) => ['debugfs', '-R', `cat "${path}"`, `${image}?offset=${start}`],
}

const READERS: Readonly<Record<string, Reader>> = { vfat: fat, ext4: ext }

const isDots = ({ name }: DirectoryEntry): boolean => name === '.' || name === '..'

export class DiskImages implements Storage {
  readonly #images: readonly string[]
  readonly #runner: CommandRunner

  /** @param images files, in the order of their numbers: `mmc 0`, `mmc 1` */
  constructor(images: readonly string[], runner: CommandRunner = systemRunner) {
    this.#images = images
    this.#runner = runner
  }

  async devices(kind: string): Promise<readonly BlockDevice[]> {
    return kind === 'mmc' ? this.#images.map((image, number) => describe(image, number)) : []
  }

  async list(device: BlockDevice, partition: number, path: string): Promise<readonly DirectoryEntry[] | null> {
    const entries = await this.#entries(device, partition, path)
    return entries === null ? null : entries.filter(entry => !isDots(entry))
  }

  async size(device: BlockDevice, partition: number, path: string): Promise<number | null> {
    const plain = await this.#resolve(device, partition, path)
    if (plain === null || plain === '/') return null
    const at = plain.lastIndexOf('/')
    const name = plain.slice(at + 1)
    const entries = await this.#entries(device, partition, plain.slice(0, at))
    // FAT knows no case.
    const same = (other: string): boolean =>
      mounted(device, partition).filesystem === 'vfat' ? other.toLowerCase() === name.toLowerCase() : other === name
    const found = entries?.find(entry => same(entry.name))
    return found === undefined || found.directory || found.link ? null : found.size
  }

  async read(
    device: BlockDevice,
    partition: number,
    path: string,
    range: { readonly offset: number; readonly length: number | null },
    sink: (chunk: Uint8Array) => void,
    signal: AbortSignal,
  ): Promise<number> {
    const where = mounted(device, partition)
    if (path === '') return copyBlocks(where, device, partition, range, sink, signal)
    const plain = await this.#resolve(device, partition, path)
    const reader = READERS[where.filesystem ?? '']
    if (plain === null || reader === undefined) return 0
    return copyOutput(reader.read(where, plain), range, sink, signal)
  }

  /** A path whose last name is no link; null where links lead nowhere or in circles. */
  async #resolve(device: BlockDevice, partition: number, path: string): Promise<string | null> {
    const where = mounted(device, partition)
    let plain = plainPath(path)
    for (let links = 0; where.filesystem === 'ext4' && plain !== null; links++) {
      const { stdout } = await this.#runner.run('debugfs', [
        '-R',
        `stat "${plain}"`,
        `${where.image}?offset=${where.start}`,
      ])
      const [, to] = /^Fast link dest: "(.*)"$/m.exec(stdout) ?? []
      if (to === undefined) return plain
      if (links === MOST_LINKS) return null
      plain = plainPath(posix.normalize(to.startsWith('/') ? to : `${posix.dirname(plain)}/${to}`))
    }
    return plain
  }

  async #entries(device: BlockDevice, partition: number, path: string): Promise<readonly DirectoryEntry[] | null> {
    const where = mounted(device, partition)
    const reader = READERS[where.filesystem ?? '']
    const plain = plainPath(path)
    if (reader === undefined || plain === null) return null
    const [program, ...args] = reader.list(where, plain)
    const { status, stdout, stderr } = await this.#runner.run(program, args)
    if (status === null) {
      throw fault('PROGRAM_MISSING', { program, reason: stderr, package: program === 'mdir' ? 'mtools' : 'e2fsprogs' })
    }
    const entries = reader.entries(stdout)
    return status === 0 && reader.isDirectory(stdout, plain) ? entries : null
  }
}

function describe(image: string, number: number): BlockDevice {
  const fd = openSync(image, 'r')
  try {
    const table = readPartitionTable((offset, length) => readAt(fd, offset, length))
    const partitions = table.map(entry => ({
      ...entry,
      filesystem: filesystemName(readAt(fd, entry.start * SECTOR, HEAD)),
    }))
    const size = Math.floor(fstatSync(fd).size / SECTOR) * SECTOR
    const product = basename(image).slice(0, 16)
    return { kind: 'mmc', number, node: image, vendor: '', product, size, removable: true, partitions }
  } finally {
    closeSync(fd)
  }
}

function mounted({ node, partitions }: BlockDevice, partition: number): Mounted {
  const found = partitions.find(({ number }) => number === partition)
  if (found !== undefined) return { image: node, start: found.start * SECTOR, filesystem: found.filesystem }
  const fd = openSync(node, 'r')
  try {
    return { image: node, start: 0, filesystem: filesystemName(readAt(fd, 0, HEAD)) }
  } finally {
    closeSync(fd)
  }
}

/** Part of a disk or of a partition itself. */
async function copyBlocks(
  { image, start }: Mounted,
  { partitions, size }: BlockDevice,
  partition: number,
  { offset, length }: { readonly offset: number; readonly length: number | null },
  sink: (chunk: Uint8Array) => void,
  signal: AbortSignal,
): Promise<number> {
  const whole = partitions.find(({ number }) => number === partition)?.size
  const end = Math.min(whole === undefined ? size : whole * SECTOR, offset + (length ?? Number.POSITIVE_INFINITY))
  const fd = openSync(image, 'r')
  try {
    let at = offset
    while (at < end) {
      const chunk = readAt(fd, start + at, Math.min(CHUNK, end - at))
      if (chunk.length === 0) break
      sink(chunk)
      at += chunk.length
      await yieldToEventLoop(signal)
    }
    return at - offset
  } finally {
    closeSync(fd)
  }
}

/** Part of what a program prints. */
async function copyOutput(
  [program, ...args]: readonly [program: string, ...args: string[]],
  { offset, length }: { readonly offset: number; readonly length: number | null },
  sink: (chunk: Uint8Array) => void,
  signal: AbortSignal,
): Promise<number> {
  const child: ChildProcessByStdio<null, Readable, null> = spawn(program, args, {
    stdio: ['ignore', 'pipe', 'ignore'],
    signal,
    killSignal: 'SIGKILL',
  })
  const ended = once(child, 'close')
  // It is awaited below; until then, an error must not end the process.
  ended.catch(() => undefined)
  const end = offset + (length ?? Number.POSITIVE_INFINITY)
  let at = 0
  let done = 0
  for await (const chunk of child.stdout as AsyncIterable<Buffer>) {
    const wanted = chunk.subarray(Math.max(0, offset - at), Math.max(0, end - at))
    at += chunk.length
    if (wanted.length === 0) continue
    sink(wanted)
    done += wanted.length
  }
  await ended
  return done
}

/**
 * Check that an image can be read, before a board starts with it.
 *
 * @param refuse makes the error of a file
 */
export function checkDiskImage(image: string, refuse: (image: string, thrown: unknown) => unknown): void {
  try {
    if (statSync(image).size === 0) throw new Error('it is empty, and no image of a disk')
    describe(image, 0)
  } catch (thrown) {
    throw refuse(image, thrown)
  }
}
