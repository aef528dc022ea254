/**
 * The system calls of the jump, typed. Every function rejects or throws `AddonError` when the addon is missing,
 * `NativeArgumentError` when the arguments are wrong, and `NativeError` when the kernel refuses. Blocking calls run off
 * the event loop. The addon is loaded by the first call, not by the import: most commands never need it.
 */

import { closeSync, constants, openSync } from 'node:fs'
import { readFile } from 'node:fs/promises'
import { type Addon, loadAddon } from './addon.js'
import { NativeArgumentError, NativeError } from './errors.js'
import { checkLoad, describeLoad, type KexecSegment } from './load-call.js'

export { AddonError, NativeArgumentError, NativeError } from './errors.js'
export { checkLoad, describeLoad, type KexecSegment, SEGMENT_MAX } from './load-call.js'

let loadedAddon: Addon | undefined

function addon(): Addon {
  loadedAddon ??= loadAddon()
  return loadedAddon
}

/** A failed system call as Node's own functions report it, and the addon too (`SystemError` in `src/call.cc`). */
function isSystemError(thrown: unknown): thrown is Error & { errno: number; code: string; syscall: string } {
  return thrown instanceof Error && 'errno' in thrown && 'code' in thrown && 'syscall' in thrown
}

/** Whatever was thrown during a call, with the whole call as text. */
function explain(call: string, thrown: unknown): Error {
  if (isSystemError(thrown)) return new NativeError(call, thrown)
  const reason = thrown instanceof Error ? thrown.message : String(thrown)
  return new NativeArgumentError(call, reason, { cause: thrown })
}

async function settle(call: string, make: () => Promise<void>): Promise<void> {
  try {
    await make()
  } catch (thrown) {
    throw explain(call, thrown)
  }
}

/**
 * `kexec_load(2)`. The kernel reads the buffers where they are: they must not be changed before the promise settles. A
 * buffer that was detached meanwhile makes the call fail with EFAULT, and nothing stays loaded.
 *
 * @param entry physical address, inside a segment
 * @param segments 1 to 16, page aligned, not overlapping
 * @param flags the architecture in the upper half: 0x280000 is ARM
 */
export async function load(entry: number, segments: readonly KexecSegment[], flags: number): Promise<void> {
  const native = addon()
  const checked = checkLoad(entry, segments, flags, native)
  await settle(describeLoad(entry, checked, flags), () =>
    native.load(
      entry,
      flags,
      checked.map(({ buffer, mem, memsz }) => [buffer, mem, memsz] as const),
    ),
  )
}

/** `kexec_load(2)` without segments: the loaded image is dropped, if there is one. */
export async function unload(): Promise<void> {
  const native = addon()
  await settle(describeLoad(0, [], 0), () => native.load(0, 0, []))
}

/**
 * Whether an image is loaded.
 *
 * @param path where the kernel says so; a kernel without kexec has no such file
 */
export async function loaded(path = '/sys/kernel/kexec_loaded'): Promise<boolean> {
  try {
    return (await readFile(path, 'latin1')).trim() === '1'
  } catch (thrown) {
    if (isSystemError(thrown) && thrown.code === 'ENOENT') return false
    throw explain(`readFile(${JSON.stringify(path)})`, thrown)
  }
}

/** `reboot(LINUX_REBOOT_CMD_KEXEC)`: the promise settles only when the kernel refuses. */
export async function jump(): Promise<void> {
  const native = addon()
  await settle('reboot(LINUX_REBOOT_CMD_KEXEC)', () => native.jump())
}

/** `reboot(LINUX_REBOOT_CMD_RESTART)`: at once, without a word to anybody. Settles only when the kernel refuses. */
export async function restart(): Promise<void> {
  const native = addon()
  await settle('reboot(LINUX_REBOOT_CMD_RESTART)', () => native.restart())
}

/** `reboot(LINUX_REBOOT_CMD_POWER_OFF)`: at once. Settles only when the kernel refuses. */
export async function powerOff(): Promise<void> {
  const native = addon()
  await settle('reboot(LINUX_REBOOT_CMD_POWER_OFF)', () => native.powerOff())
}

/**
 * Make a terminal transparent to every byte in both directions: no echo, no signals, no conversion of line ends, no
 * modem lines. Its speed stays.
 *
 * @param fd open terminal
 */
export function rawTty(fd: number): void {
  const native = addon()
  try {
    native.rawTty(fd)
  } catch (thrown) {
    throw explain(`rawTty(${fd})`, thrown)
  }
}

/** `tcdrain(3)`: resolves when everything that was written has left the line. */
export async function drainTty(fd: number): Promise<void> {
  const native = addon()
  await settle(`drainTty(${fd})`, () => native.drainTty(fd))
}

/** `sync(2)`. */
export async function sync(): Promise<void> {
  const native = addon()
  await settle('sync()', () => native.sync())
}

/**
 * Take a network interface down: `SIOCSIFFLAGS` without `IFF_UP`.
 *
 * @param ifname 1 to 15 bytes
 */
export async function linkDown(ifname: string): Promise<void> {
  const native = addon()
  await settle(`linkDown(${JSON.stringify(ifname)})`, async () => native.linkDown(ifname))
}

/** Bytes of a file. */
export interface FilePart {
  readonly offset: number
  readonly size: number
}

/** The mapping starts at a page, the part wherever it likes. */
function mapPart(native: Addon, fd: number, part: FilePart | undefined): Uint8Array {
  if (part === undefined) return native.map(fd)
  const inPage = part.offset % native.pageSize
  return native.map(fd, part.offset - inPage, part.size + inPage).subarray(inPage)
}

/**
 * Map a regular file, or part of it, into memory, without reading it. Writing to the array changes a private copy of the page,
 * never the file. The mapping goes when the array is collected. The file must not shrink while it is mapped: touching a
 * page that is no longer there ends the process (SIGBUS).
 *
 * @param file path, or a descriptor open for reading, which the caller keeps and may close at once
 * @param part the whole file unless given; it must lie inside
 */
export function mapFile(file: string | number, part?: FilePart): Uint8Array {
  const native = addon()
  try {
    if (typeof file === 'number') return mapPart(native, file, part)
    // Opening a FIFO would wait for its writer; O_NONBLOCK makes it return, and regular files ignore it.
    const fd = openSync(file, constants.O_RDONLY | constants.O_NONBLOCK)
    try {
      return mapPart(native, fd, part)
    } finally {
      closeSync(fd)
    }
  } catch (thrown) {
    throw explain(`mapFile(${JSON.stringify(file)})`, thrown)
  }
}
