/** What `bootflow scan` finds. */

import type { BlockDevice } from '../hardware/storage.js'

/** Something that may hold a boot flow: a disk or the network. */
export interface BootDevice {
  /** `mmc#0.bootdev` */
  readonly name: string
  /** as U-Boot calls the kind: `mmc`, `ethernet` */
  readonly uclass: string
  /** null: the network */
  readonly disk: BlockDevice | null
}

/** How to boot from a device, in the order in which U-Boot tries it. UEFI is not among them: there is none. */
export const BOOT_METHODS = ['extlinux', 'script', 'pxe'] as const

export type BootMethod = (typeof BOOT_METHODS)[number]

/** How far a method came: it suits the device, the medium is there, its file system is readable, the file was read. */
type BootflowState = 'base' | 'media' | 'fs' | 'ready'

export interface Bootflow {
  readonly method: BootMethod
  readonly state: BootflowState
  readonly device: BootDevice
  /** of the disk, from 1; 0: all of it, or the network */
  readonly partition: number
  readonly name: string
  /** may be empty */
  readonly file: string
  /** directory of the file: `/`, `/boot/`; null without one */
  readonly prefix: string | null
  /** of the file; null when it was not read */
  readonly bytes: Uint8Array | null
  /** errno, positive; 0: it is ready */
  readonly error: number
}
