/** A card in a reader of this machine: what is on it, and how an image gets there. */

import { open, stat } from 'node:fs/promises'
import { fault } from '../../agent/errors.js'
import { run } from '../run.js'

/** A disk, as `lsblk` shows it. */
export interface Card {
  /** `/dev/sdb` */
  readonly device: string
  /** bytes */
  readonly size: number
  /** may be empty */
  readonly model: string
  /** removable, in a reader for cards, or a file behind a loop device: not this machine's own disk */
  readonly isCard: boolean
  /** one line for each thing on it */
  readonly contents: readonly string[]
  /** where parts of it are mounted */
  readonly mounts: readonly string[]
}

/** A row of `lsblk --json`; rows nest. */
interface Row {
  readonly name?: string
  readonly type?: string
  readonly size?: number | string | null
  readonly model?: string | null
  readonly tran?: string | null
  readonly rm?: boolean | string | null
  readonly fstype?: string | null
  readonly label?: string | null
  readonly mountpoint?: string | null
  readonly children?: readonly Row[]
}

const COLUMNS = 'NAME,TYPE,SIZE,MODEL,TRAN,RM,FSTYPE,LABEL,MOUNTPOINT'
/** How removable disks are attached, though some readers call their cards fixed. */
const CARD_BUSES: readonly unknown[] = ['usb', 'mmc']
const MIB = 1024 * 1024

const refuse = (device: string, reason: string) => fault('BUILD_INPUT', { doing: `writing ${device}`, reason })

const withChildren = (row: Row): readonly Row[] => [row, ...(row.children ?? []).flatMap(withChildren)]

function contentOf({ name = '', size, fstype, label, mountpoint }: Row): string {
  const words = [fstype, label === null || label === undefined ? null : `"${label}"`]
  const mounted = mountpoint ? [`mounted at ${mountpoint}`] : []
  const what = [...words.filter(Boolean), ...mounted].join(' ')
  return `${name}  ${Math.round(Number(size) / MIB)} MiB  ${what || 'no file system'}`
}

const isRemovable = ({ name = '', type, tran, rm }: Row): boolean =>
  type === 'loop' || rm === true || rm === '1' || CARD_BUSES.includes(tran) || /^mmcblk\d+$/.test(name)

/**
 * Read what `lsblk --bytes --json` printed of one disk.
 *
 * @throws BUILD_INPUT when it is no whole disk
 */
export function parseCard(device: string, json: string): Card {
  let rows: readonly Row[]
  try {
    rows = (JSON.parse(json) as { blockdevices?: readonly Row[] }).blockdevices ?? []
  } catch (thrown) {
    throw fault('BUILD_INPUT', { doing: `writing ${device}`, reason: 'lsblk printed no JSON' }, thrown)
  }
  const [row] = rows
  if (row === undefined || (row.type !== 'disk' && row.type !== 'loop')) {
    throw refuse(
      device,
      `it is ${row?.type === 'part' ? 'a partition' : 'no disk'}; give the whole card: /dev/sdX, /dev/mmcblkX`,
    )
  }
  const parts = withChildren(row)
  return {
    device,
    size: Number(row.size),
    model: row.model?.trim() ?? '',
    isCard: isRemovable(row),
    contents: parts.filter(({ type, fstype }) => type === 'part' || fstype).map(contentOf),
    mounts: parts.flatMap(({ mountpoint }) => (mountpoint ? [mountpoint] : [])),
  }
}

/**
 * Look at a card.
 *
 * @throws BUILD_INPUT when it is no disk, BUILD_TOOL
 */
export async function readCard(device: string): Promise<Card> {
  const isDisk = await stat(device).then(
    found => found.isBlockDevice(),
    () => false,
  )
  if (!isDisk)
    throw fault('BUILD_INPUT', { doing: `writing ${device}`, reason: 'it is no disk; lsblk lists the disks' })
  const args = ['--bytes', '--json', '--output', COLUMNS, device] as const
  return parseCard(device, (await run(`looking at ${device}`, ['lsblk', ...args])).toString())
}

/**
 * Refuse a disk that must not be overwritten, or that is too small.
 *
 * @param size of the image, bytes
 * @throws BUILD_INPUT
 */
export function checkCard({ device, size: room, isCard, mounts }: Card, size: number): void {
  if (mounts.length > 0) throw refuse(device, `it is in use: unmount it first (sudo umount ${mounts.join(' ')})`)
  if (!isCard) throw refuse(device, "it is neither removable nor on USB: it looks like this machine's own disk")
  if (room < size) {
    throw refuse(
      device,
      `it has ${Math.floor(room / MIB)} MiB, and the image ${Math.ceil(size / MIB)} MiB; take a larger card`,
    )
  }
}

/** Bytes of one write. */
const CHUNK = 4 * MIB

/** How far a phase is, in bytes. */
export type CardProgress = (phase: 'write' | 'verify', done: number, total: number) => void

/**
 * Write an image to a card, let the kernel forget what it holds of the card, and compare.
 *
 * @param forget makes the next read come from the card
 * @throws BUILD_INPUT when the card reads differently or cannot be written; the reason of `signal`
 */
export async function writeCard(
  device: string,
  image: string,
  progress: CardProgress,
  signal: AbortSignal,
  forget: (device: string) => Promise<unknown> = flushed =>
    run(`flushing ${flushed}`, ['blockdev', '--flushbufs', flushed]),
): Promise<void> {
  const from = await open(image, 'r')
  try {
    const { size } = await from.stat()
    const to = await openCard(device)
    try {
      for await (const { bytes, at } of chunksOf(from, size, signal)) {
        await to.write(bytes, 0, bytes.length, at)
        progress('write', at + bytes.length, size)
      }
      await to.sync()
      await forget(device)
      const found = Buffer.alloc(CHUNK)
      for await (const { bytes, at } of chunksOf(from, size, signal)) {
        await to.read(found, 0, bytes.length, at)
        const differs = bytes.findIndex((byte, index) => byte !== found[index])
        if (differs !== -1)
          throw refuse(device, `byte ${at + differs} reads differently than it was written: try another card`)
        progress('verify', at + bytes.length, size)
      }
    } finally {
      await to.close()
    }
  } finally {
    await from.close()
  }
}

type FileHandle = Awaited<ReturnType<typeof open>>

async function openCard(device: string): Promise<FileHandle> {
  try {
    return await open(device, 'r+')
  } catch (thrown) {
    const denied = thrown instanceof Error && 'code' in thrown && (thrown.code === 'EACCES' || thrown.code === 'EPERM')
    const reason = denied ? 'permission denied; run this command with sudo' : String(thrown)
    throw fault('BUILD_INPUT', { doing: `writing ${device}`, reason }, thrown)
  }
}

async function* chunksOf(file: FileHandle, size: number, signal: AbortSignal) {
  const buffer = Buffer.alloc(CHUNK)
  for (let at = 0; at < size; ) {
    signal.throwIfAborted()
    const { bytesRead } = await file.read(buffer, 0, Math.min(CHUNK, size - at), at)
    if (bytesRead === 0) return
    yield { bytes: buffer.subarray(0, bytesRead), at }
    at += bytesRead
  }
}
