/**
 * Typed system calls: `kexec_load`, `reboot` and others that Node does not have. Every function rejects or throws
 * `AddonError` if the addon is missing, `NativeArgumentError` if an argument is wrong, and `NativeError` if the kernel
 * refuses. Blocking calls run off the event loop. The addon is loaded by the first call: most commands never need it.
 */

import { closeSync, constants, openSync, writeSync } from 'node:fs'
import { readFile } from 'node:fs/promises'
import type { Addon } from './addon.js'
import { addon, explain, isSystemError, settle } from './invoke.js'
import { checkLoad, describeLoad, type KexecSegment } from './load-call.js'

export { AddonError, NativeArgumentError, NativeError } from './errors.js'
export { checkLoad, describeLoad, type KexecSegment, SEGMENT_MAX } from './load-call.js'

/**
 * Load an image with `kexec_load(2)`. The kernel reads the buffers in place: do not change them before the promise settles.
 * If a buffer is detached meanwhile, the call fails with EFAULT and nothing stays loaded.
 *
 * @param entry physical address within a segment
 * @param segments 1 to 16, page aligned, without overlaps
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

/** Unload the image, if any: `kexec_load(2)` without segments. */
export async function unload(): Promise<void> {
  const native = addon()
  await settle(describeLoad(0, [], 0), () => native.load(0, 0, []))
}

/**
 * Whether an image is loaded.
 *
 * @param path of the kernel's answer; a kernel without kexec has no such file
 */
export async function loaded(path = '/sys/kernel/kexec_loaded'): Promise<boolean> {
  try {
    return (await readFile(path, 'latin1')).trim() === '1'
  } catch (thrown) {
    if (isSystemError(thrown) && thrown.code === 'ENOENT') return false
    throw explain(`readFile(${JSON.stringify(path)})`, thrown)
  }
}

/** Start the loaded image: `reboot(LINUX_REBOOT_CMD_KEXEC)`. The promise settles only if the kernel refuses. */
export async function jump(): Promise<void> {
  const native = addon()
  await settle('reboot(LINUX_REBOOT_CMD_KEXEC)', () => native.jump())
}

/** Restart at once, without stopping services: `reboot(LINUX_REBOOT_CMD_RESTART)`. Settles only if the kernel refuses. */
export async function restart(): Promise<void> {
  const native = addon()
  await settle('reboot(LINUX_REBOOT_CMD_RESTART)', () => native.restart())
}

/** Power off at once: `reboot(LINUX_REBOOT_CMD_POWER_OFF)`. Settles only if the kernel refuses. */
export async function powerOff(): Promise<void> {
  const native = addon()
  await settle('reboot(LINUX_REBOOT_CMD_POWER_OFF)', () => native.powerOff())
}

/**
 * Make a terminal pass every byte unchanged in both directions: no echo, no signals, no conversion of line ends, no modem
 * lines. Its speed stays the same.
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

/** Wait until everything written to a terminal has been sent: `tcdrain(3)`. */
export async function drainTty(fd: number): Promise<void> {
  const native = addon()
  await settle(`drainTty(${fd})`, () => native.drainTty(fd))
}

/** Write all cached data to disks: `sync(2)`. */
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

/** A hardware watchdog that runs: it resets the machine when nothing feeds it for `timeout` seconds. */
export interface ArmedWatchdog {
  /** seconds: what the driver made of the time that was asked for */
  readonly timeout: number
  /** start the time anew */
  feed(): void
  /** stop the watchdog; the kernel lets it run on if it is `nowayout` */
  disarm(): void
}

/**
 * Start a hardware watchdog: opening the device starts it. It stays open, because some drivers stop a watchdog whose device
 * is closed; the others go on unless the last byte written was a `V` (`Documentation/watchdog/watchdog-api.rst`).
 *
 * @param device `/dev/watchdog0`
 * @param seconds until it resets the machine, 1 or more
 */
export function armWatchdog(device: string, seconds: number): ArmedWatchdog {
  const native = addon()
  const call = `armWatchdog(${JSON.stringify(device)}, ${seconds})`
  try {
    const fd = openSync(device, constants.O_WRONLY)
    const disarm = (): void => {
      writeSync(fd, 'V')
      closeSync(fd)
    }
    try {
      return { timeout: native.watchdogTimeout(fd, seconds), feed: () => void writeSync(fd, '.'), disarm }
    } catch (thrown) {
      disarm()
      throw thrown
    }
  } catch (thrown) {
    throw explain(call, thrown)
  }
}

/**
 * Send a datagram to a Unix socket without waiting: `sd_notify(3)`.
 *
 * @param path absolute; `@` begins the name of an abstract socket; at most 107 bytes
 * @param state assignments, one a line: `READY=1`
 */
export function notify(path: string, state: string): void {
  const native = addon()
  try {
    native.notify(path, state)
  } catch (thrown) {
    throw explain(`notify(${JSON.stringify(path)}, ${JSON.stringify(state)})`, thrown)
  }
}

/** A range of bytes in a file. */
export interface FileRange {
  readonly offset: number
  readonly size: number
}

/** The mapping starts at a page, the range anywhere. */
function mapRange(native: Addon, fd: number, range: FileRange | undefined): Uint8Array {
  if (range === undefined) return native.map(fd)
  const inPage = range.offset % native.pageSize
  return native.map(fd, range.offset - inPage, range.size + inPage).subarray(inPage)
}

/**
 * Map a regular file, or a range of it, into memory without reading it. Writing to the array changes a private copy of the
 * page, never the file. The mapping is removed when the array is collected. The file must not shrink while it is mapped:
 * access to a page that no longer exists ends the process (SIGBUS).
 *
 * @param file path, or a descriptor open for reading, which the caller owns and may close at once
 * @param range within the file; the whole file by default
 */
export function mapFile(file: string | number, range?: FileRange): Uint8Array {
  const native = addon()
  try {
    if (typeof file === 'number') return mapRange(native, file, range)
    // Opening a FIFO would wait for its writer; O_NONBLOCK prevents that, and does not affect regular files.
    const fd = openSync(file, constants.O_RDONLY | constants.O_NONBLOCK)
    try {
      return mapRange(native, fd, range)
    } finally {
      closeSync(fd)
    }
  } catch (thrown) {
    throw explain(`mapFile(${JSON.stringify(file)})`, thrown)
  }
}

/** Bytes that {@link mapFile} holds. An unused array counts until V8 collects it. */
export const mappedBytes = (): number => addon().mappedBytes()

/** Give freed memory back to the system: the C library keeps pages that lie between blocks in use. */
export function trimMemory(): void {
  addon().trimMemory()
}

/**
 * Copy physical memory that the running kernel does not use: a region that its device tree reserves with `no-map`. Needs
 * CAP_SYS_RAWIO. The memory is mapped only during the call.
 *
 * @param address physical, a multiple of the page size
 * @param length bytes, a multiple of the page size, at most 16 MiB
 * @param device a plain file in tests
 */
export function readMemory(address: number, length: number, device = '/dev/mem'): Uint8Array {
  const native = addon()
  try {
    return native.readMemory(device, address, length)
  } catch (thrown) {
    throw explain(`readMemory(${hexOf(address)}, ${hexOf(length)})`, thrown)
  }
}

/**
 * Write physical memory that the running kernel does not use.
 *
 * @param address physical, a multiple of the page size
 * @param bytes whole pages, at most 16 MiB
 * @param device a plain file in tests
 */
export function writeMemory(address: number, bytes: Uint8Array, device = '/dev/mem'): void {
  const native = addon()
  try {
    native.writeMemory(device, address, bytes)
  } catch (thrown) {
    throw explain(`writeMemory(${hexOf(address)}, ${bytes.length} bytes)`, thrown)
  }
}

const hexOf = (value: number): string => `0x${value.toString(16)}`
