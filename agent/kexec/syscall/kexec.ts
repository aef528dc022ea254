/** The system calls that fauxboot needs to leave the running kernel. `native-kexec.ts` makes them, `simulated-kexec.ts` imitates them. */

import type { ArmedWatchdog, KexecSegment } from '../../../native/index.js'

export type { ArmedWatchdog, KexecSegment }

export interface Kexec {
  /** Load an image. A failed load leaves an earlier image loaded: call `unload()` first. */
  load(entry: number, segments: readonly KexecSegment[], flags: number): Promise<void>
  /** Drop the loaded image, if any. */
  unload(): Promise<void>
  /** Whether an image is loaded, from `/sys/kernel/kexec_loaded`. */
  loaded(): Promise<boolean>
  /** `sync(2)`. */
  sync(): Promise<void>
  /** Take a network interface down, so that its DMA cannot write into the next kernel. */
  linkDown(ifname: string): Promise<void>
  /**
   * Start a hardware watchdog, which then has to be fed.
   *
   * @param device `/dev/watchdog0`
   * @param seconds until it resets the board
   */
  armWatchdog(device: string, seconds: number): Promise<ArmedWatchdog>
  /** `reboot(LINUX_REBOOT_CMD_KEXEC)`: it returns only if it fails. */
  jump(): Promise<void>
}
