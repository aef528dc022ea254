/**
 * The memory that commands address: one sparse file on a tmpfs, in which an address is an offset. Unwritten memory
 * reads as zeros and takes no space; a download is written once, where `kexec_load` can map it; and everything
 * else that U-Boot lets people do to memory works on the same bytes.
 */

import { closeSync, fstatSync, ftruncateSync, openSync, readSync, rmSync, writeSync } from 'node:fs'
import { isFull } from '../../boot/artifacts/partial-file.js'
import { fault } from '../../errors.js'
import { yieldToEventLoop } from '../../event-loop.js'

/** Physical addresses, `end` excluded. */
export interface MemoryRange {
  readonly start: number
  readonly end: number
}

/** A loaded file, which the next load must not overwrite in part. */
export interface Claim {
  readonly start: number
  readonly end: number
  /** the file's name, for the message */
  readonly name: string
}

const hex = (value: number): string => `0x${value.toString(16)}`

/** Bytes after which the free memory is checked again, because other processes use it too. */
const ROOM_STEP = 8 * 1024 * 1024

/** Bytes of one fill, comparison or digest step. */
export const MEMORY_CHUNK = 1024 * 1024

/** Bytes of the smallest page: no hole in the file is smaller. */
const PAGE = Buffer.alloc(4096)

const overlaps = (range: MemoryRange | null, address: number, size: number): boolean =>
  range !== null && address < range.end && range.start < address + size

export class Memory {
  readonly #fd: number
  readonly #room: (used: number) => number
  readonly #claims: Claim[] = []
  /** what a load has brought so far; it stays when the load ends early, until something else writes there */
  #unfinished: MemoryRange | null = null
  /** bytes that need no further look at the room */
  #allowed = 0

  private constructor(
    /** the file; an address is its offset */
    readonly path: string,
    /** DRAM, by address */
    readonly ranges: readonly MemoryRange[],
    room: (used: number) => number,
    fd: number,
  ) {
    this.#room = room
    this.#fd = fd
  }

  /**
   * Make the file, empty.
   *
   * @param path on a tmpfs; an earlier file of this name is replaced
   * @param ranges DRAM of the board
   * @param room bytes that may still be taken, if the file takes up `used`; writes beyond it are refused
   */
  static open(
    path: string,
    ranges: readonly MemoryRange[],
    room: (used: number) => number = () => Number.POSITIVE_INFINITY,
  ): Memory {
    rmSync(path, { force: true, recursive: true })
    return new Memory(path, ranges, room, openSync(path, 'wx+', 0o600))
  }

  /** Whether all of `size` bytes at `address` are DRAM. */
  contains(address: number, size: number): boolean {
    return this.ranges.some(({ start, end }) => address >= start && address + size <= end)
  }

  /** @throws UBOOT_MEMORY if any of it is outside DRAM */
  #check(address: number, size: number): void {
    if (this.contains(address, size)) return
    const dram = this.ranges.map(({ start, end }) => `${hex(start)}-${hex(end - 1)}`).join(', ')
    throw fault('UBOOT_MEMORY', { address: hex(address), size: hex(size), dram })
  }

  /**
   * Copy bytes out.
   *
   * @throws UBOOT_MEMORY if any of it is outside DRAM
   */
  read(address: number, size: number): Buffer {
    this.#check(address, size)
    const bytes = Buffer.alloc(size)
    for (let done = 0; done < size; ) {
      const count = readSync(this.#fd, bytes, done, size - done, address + done)
      // Behind the end of the file there are zeros too.
      if (count === 0) break
      done += count
    }
    return bytes
  }

  /**
   * Bytes in chunks of at most {@link MEMORY_CHUNK}, so that reading much memory needs little.
   *
   * @throws UBOOT_MEMORY if any of it is outside DRAM
   */
  *chunks(address: number, size: number): Generator<Buffer> {
    this.#check(address, size)
    for (let done = 0; done < size; done += MEMORY_CHUNK) {
      yield this.read(address + done, Math.min(MEMORY_CHUNK, size - done))
    }
  }

  /**
   * Put bytes in.
   *
   * @throws UBOOT_MEMORY if any of it is outside DRAM; UBOOT_MEMORY_FULL if the machine lacks memory
   */
  write(address: number, bytes: Uint8Array): void {
    this.#check(address, bytes.length)
    this.#takeRoom(address, bytes.length)
    this.#put(address, bytes)
    if (overlaps(this.#unfinished, address, bytes.length)) this.#unfinished = null
  }

  #put(address: number, bytes: Uint8Array): void {
    let done = 0
    try {
      while (done < bytes.length) done += writeSync(this.#fd, bytes, done, bytes.length - done, address + done)
    } catch (thrown) {
      if (!isFull(thrown)) throw thrown
      const [start, size] = [address + done, bytes.length - done]
      throw fault('UBOOT_MEMORY_FULL', { address: hex(start), size, limit: 0 }, thrown)
    }
  }

  /** @throws UBOOT_MEMORY_FULL */
  #takeRoom(address: number, size: number): void {
    if (size > this.#allowed) {
      const room = this.room()
      if (size > room) throw fault('UBOOT_MEMORY_FULL', { address: hex(address), size, limit: room })
      this.#allowed = Math.min(room, Math.max(size, ROOM_STEP))
    }
    this.#allowed -= size
  }

  /** Bytes that may still be taken. */
  room(): number {
    return this.#room(this.used)
  }

  /** Bytes that the file takes up. */
  get used(): number {
    return fstatSync(this.#fd).blocks * 512
  }

  /**
   * The earlier load that writing `size` bytes to `address` would destroy in part: it overlaps, and does not start at the
   * same address (loading the same file again is intended). Null if there is none.
   */
  clobbered(address: number, size: number): Claim | null {
    return this.#claims.find(({ start, end }) => start !== address && address < end && start < address + size) ?? null
  }

  /** The file that starts at an address, or null. */
  claimAt(address: number): Claim | null {
    return this.#claims.find(({ start }) => start === address) ?? null
  }

  /** Bytes of a file that starts at an address, be it complete or a load that ended early; null without one. */
  loadedAt(address: number): number | null {
    const found = this.#unfinished?.start === address ? this.#unfinished : this.claimAt(address)
    return found && found.end - found.start
  }

  /** Record that a load has brought its first `size` bytes. */
  loading(address: number, size: number): void {
    this.#unfinished = { start: address, end: address + size }
  }

  /** Record a completely loaded file. It replaces earlier records. */
  claim(address: number, size: number, name: string): void {
    const end = address + size
    this.forget(address, size)
    this.#claims.push({ start: address, end, name })
  }

  /** Loads that overlap these bytes are no longer watched over. */
  forget(address: number, size: number): void {
    const kept = this.#claims.filter(claim => !overlaps(claim, address, size))
    if (overlaps(this.#unfinished, address, size)) this.#unfinished = null
    this.#claims.splice(0, this.#claims.length, ...kept)
  }

  /**
   * These bytes as a part of the file that can be mapped: reading a page after its end, or one that a full tmpfs has no
   * memory for, would end the process. So the file is extended to hold them, and its holes become pages.
   *
   * @throws UBOOT_MEMORY if any of it is outside DRAM; UBOOT_MEMORY_FULL if the machine lacks memory; the reason of `signal`
   */
  async part(
    address: number,
    size: number,
    signal?: AbortSignal,
  ): Promise<{ readonly path: string; readonly offset: number; readonly size: number }> {
    this.#check(address, size)
    if (fstatSync(this.#fd).size < address + size) ftruncateSync(this.#fd, address + size)
    const end = Math.ceil((address + size) / PAGE.length) * PAGE.length
    for (let at = address - (address % PAGE.length); at < end; at += MEMORY_CHUNK) {
      this.#fillHoles(at, Math.min(MEMORY_CHUNK, end - at))
      await yieldToEventLoop(signal)
    }
    return { path: this.path, offset: address, size }
  }

  /** Write every page that reads as zeros: it may be a hole. Node cannot ask the file system. */
  #fillHoles(start: number, size: number): void {
    const bytes = Buffer.alloc(size)
    readSync(this.#fd, bytes, 0, size, start)
    let from = -1
    for (let at = 0; at <= size; at += PAGE.length) {
      const isHole = at < size && bytes.compare(PAGE, 0, PAGE.length, at, at + PAGE.length) === 0
      if (isHole && from < 0) from = at
      if (isHole || from < 0) continue
      this.#takeRoom(start + from, at - from)
      this.#put(start + from, bytes.subarray(from, at))
      from = -1
    }
  }

  /** Remove the file. */
  close(): void {
    closeSync(this.#fd)
    rmSync(this.path, { force: true })
  }
}
