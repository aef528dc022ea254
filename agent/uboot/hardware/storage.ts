/** Block devices and files as the commands see them. The real one is `storage-linux.ts`. */

export interface Partition {
  /** from 1 */
  readonly number: number
  /** in blocks of 512 bytes */
  readonly start: number
  readonly size: number
  /** of the partition table: `dos`, `efi` */
  readonly table: string
  /** partition UUID; empty if it has none */
  readonly uuid: string
  /** partition name; empty if it has none */
  readonly name: string
  /** `0c`, or a type GUID */
  readonly type: string
  readonly bootable: boolean
  /** its file system as `blkid` names it: `vfat`, `ext4`; null if unknown */
  readonly filesystem: string | null
}

export interface BlockDevice {
  /** `mmc`, `usb`, `scsi`, `virtio` */
  readonly kind: string
  /** number within its kind, from 0 */
  readonly number: number
  /** `/dev/mmcblk0` */
  readonly node: string
  readonly vendor: string
  readonly product: string
  /** bytes */
  readonly size: number
  readonly removable: boolean
  readonly partitions: readonly Partition[]
}

export interface DirectoryEntry {
  readonly name: string
  readonly directory: boolean
  /** it is a symbolic link, and `directory` is false */
  readonly link: boolean
  /** bytes */
  readonly size: number
}

export interface Storage {
  /** Look for devices of a kind, as `usb start` and `scsi scan` do. */
  devices(kind: string): Promise<readonly BlockDevice[]>
  /** Entries of a directory without `.` and `..`, as they lie on the disk; null if it does not exist. `partition` 0 is the whole device. */
  list(device: BlockDevice, partition: number, path: string): Promise<readonly DirectoryEntry[] | null>
  /** Bytes of a file; null if it does not exist. */
  size(device: BlockDevice, partition: number, path: string): Promise<number | null>
  /**
   * Read a file from `offset`; `length` null: to its end. `sink` is called in order. An empty `path` is the device or
   * the partition itself.
   *
   * @returns bytes
   */
  read(
    device: BlockDevice,
    partition: number,
    path: string,
    range: { readonly offset: number; readonly length: number | null },
    sink: (chunk: Uint8Array) => void,
    signal: AbortSignal,
  ): Promise<number>
}
