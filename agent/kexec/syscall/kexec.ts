/**
 * What fauxboot needs from the running kernel to leave it. The real one is `kexec-native.ts` (the addon), the one for
 * unit tests is `kexec-fake.ts`.
 */

/** One segment of `kexec_load(2)`: `buffer` is copied to `mem`, the rest of `memsz` is zeroed. */
export interface KexecSegment {
  readonly buffer: Uint8Array
  /** physical address, a multiple of the page size */
  readonly mem: number
  /** bytes, a multiple of the page size, at least `buffer.length` */
  readonly memsz: number
  /** what it is, for messages: `kernel`, `ramdisk`, `dtb` */
  readonly kind?: string
}

export interface Kexec {
  /** Load an image. A failed load leaves an earlier image loaded: call `unload()` first. */
  load(entry: number, segments: readonly KexecSegment[], flags: number): Promise<void>
  /** Drop the loaded image, if any. */
  unload(): Promise<void>
  /** Whether an image is loaded, as the kernel says in `/sys/kernel/kexec_loaded`. */
  loaded(): Promise<boolean>
  /** `sync(2)`. */
  sync(): Promise<void>
  /** Take a network interface down, so that its DMA cannot write into the next kernel. */
  linkDown(ifname: string): Promise<void>
  /** `reboot(LINUX_REBOOT_CMD_KEXEC)`: does not return when it succeeds. */
  jump(): Promise<void>
}
