/** Finds and loads the addon. Its functions are declared in `src/functions.h`; callers use `index.ts`. */

import { existsSync } from 'node:fs'
import { join } from 'node:path'
import load from 'node-gyp-build'
import { AddonError } from './errors.js'

/** A UDP socket: its descriptor, and what the system gave it. */
export interface UdpSocket {
  readonly fd: number
  readonly port: number
  /** bytes, as the kernel counts them: about twice what datagrams hold */
  readonly bufferBytes: number
}

/** What one call received. */
export interface UdpReceived {
  /** blocks that came in order and lie in the memory of the call */
  readonly blocks: number
  /** those since the last ACK */
  readonly unacked: number
  /** the first datagram of another kind, and those behind it */
  readonly others: readonly { readonly bytes: Uint8Array; readonly address: string; readonly port: number }[]
}

/** The raw interface of the addon, which checks the types of arguments, but not their meaning. */
export interface Addon {
  /** bytes */
  readonly pageSize: number
  /** width of a physical address in `kexec_load(2)`: 32 or 64 */
  readonly addressBits: number
  load(entry: number, flags: number, segments: readonly (readonly [Uint8Array, number, number])[]): Promise<void>
  jump(): Promise<void>
  restart(): Promise<void>
  powerOff(): Promise<void>
  sync(): Promise<void>
  rawTty(fd: number): void
  drainTty(fd: number): Promise<void>
  linkDown(ifname: string): Promise<void>
  /** @returns the seconds that the driver made of it */
  watchdogTimeout(fd: number, seconds: number): number
  notify(path: string, state: string): void
  /** the whole file without `offset` and `length`; `offset` is a multiple of the page size */
  map(fd: number, offset?: number, length?: number): Uint8Array
  /** of maps whose arrays are not collected yet */
  mappedBytes(): number
  trimMemory(): void
  /** whole pages of physical memory; `device` is `/dev/mem` */
  readMemory(device: string, address: number, length: number): Uint8Array
  writeMemory(device: string, address: number, bytes: Uint8Array): void
  openUdp(address: string, port: number, bufferBytes: number): UdpSocket
  sendUdp(fd: number, datagram: Uint8Array, address: string, port: number): void
  receiveUdp(
    fd: number,
    ...expected:
      | readonly [wait: boolean]
      | readonly [
          memory: Uint8Array,
          address: string,
          port: number,
          next: number,
          blockSize: number,
          windowSize: number,
          unacked: number,
        ]
  ): Promise<UdpReceived>
}

/**
 * Where `prebuilds/` can be: next to this file in the sources, and next to the board's bundle; two levels up if this file
 * was compiled to `dist/native/`.
 */
const DIRECTORIES = [import.meta.dirname, join(import.meta.dirname, '../../native')]

/**
 * Load the addon built for this machine.
 *
 * @param directories the first that contains `prebuilds/` is used
 * @throws AddonError with the directories that were searched, or the message of the dynamic linker
 */
export function loadAddon(directories: readonly string[] = DIRECTORIES): Addon {
  const directory = directories.find(candidate => existsSync(join(candidate, 'prebuilds')))
  if (directory === undefined) {
    throw new AddonError(`no prebuilds/ in ${directories.join(' nor in ')}`)
  }
  try {
    return load(directory) as Addon
  } catch (cause) {
    const reason = cause instanceof Error ? cause.message : String(cause)
    throw new AddonError(reason.replace(/\s+/g, ' ').trim(), { cause })
  }
}
