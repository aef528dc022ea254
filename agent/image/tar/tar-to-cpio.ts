/** Members of a tar as entries of a cpio: kernel modules that go behind a ramdisk, or a whole root file system. */

import { posix } from 'node:path'
import type { Header } from 'tar-stream'
import { fault } from '../../errors.js'
import type { StreamedCpioEntry } from '../cpio/cpio.js'
import type { TarMember } from './tar-members.js'

/** `st_mode` of `stat(2)` */
const TYPE = {
  file: 0o100_000,
  directory: 0o040_000,
  symlink: 0o120_000,
  'character-device': 0o020_000,
  'block-device': 0o060_000,
  fifo: 0o010_000,
} as const
type Kind = keyof typeof TYPE
const PERMISSIONS = 0o7777
/** Inodes of files with several names start here: above any number that an archive counts up to. */
const FIRST_SHARED_INODE = 0x4000_0000

export interface TarToCpioOptions {
  /** name of the archive, for messages */
  readonly what: string
  /** folder of the target that everything goes into; its root by default */
  readonly folder?: string
  /**
   * Given for a whole root file system, whose owners, devices and hard links are kept: how many names each file has
   * that has more than one, by its first name. Otherwise everything belongs to root, hard links become symbolic ones
   * (cpio needs to know of all links of a file when the first one comes), and devices are refused.
   */
  readonly names?: ReadonlyMap<string, number>
}

const malformed = (what: string, where: string, expected: string, found: string) =>
  fault('FORMAT_VALUE', { what, where, expected, found })

/**
 * The name of a member inside the root of the target: `./lib//modules` and `/lib/modules` are `lib/modules`.
 *
 * @param what name of the archive, for the error
 * @returns empty for the root itself
 * @throws FORMAT_VALUE for a name that leaves the root
 */
export function memberName(name: string, what: string): string {
  const parts = name.split('/').filter(part => part !== '' && part !== '.')
  if (parts.includes('..')) {
    throw malformed(what, `member ${JSON.stringify(name)}`, 'a name without ".."', name)
  }
  return parts.join('/')
}

function kindOf({ type, name }: Header, { what, names }: TarToCpioOptions): Kind {
  if (type === 'contiguous-file') return 'file'
  if (type === 'link') return names === undefined ? 'symlink' : 'file'
  if (type === 'file' || type === 'directory' || type === 'symlink') return type
  const device = type === 'character-device' || type === 'block-device' || type === 'fifo'
  if (device && names !== undefined) return type
  throw fault('FORMAT_UNSUPPORTED', {
    what,
    where: `member ${JSON.stringify(name)}`,
    found: `a ${type}`,
    expected: 'files, folders, links',
  })
}

/** Seconds that fit the cpio's field. */
const timeOf = ({ mtime }: Header): number =>
  Math.min(0xffff_ffff, Math.max(0, Math.floor(mtime.getTime() / 1000) || 0))

/** Converts one archive. */
class Conversion {
  readonly #options: TarToCpioOptions
  readonly #folders = new Set<string>()
  readonly #inodes = new Map<string, number>()

  constructor(options: TarToCpioOptions) {
    this.#options = options
  }

  *entries({ header, data }: TarMember): Generator<StreamedCpioEntry> {
    const { what, names } = this.#options
    const path = memberName(header.name, what)
    if (path === '') return
    const name = this.#placed(path)
    yield* this.#parents(name)
    const kind = kindOf(header, this.#options)
    const { uid = 0, gid = 0, devmajor: rdevMajor = 0, devminor: rdevMinor = 0 } = header
    const entry = {
      mode: TYPE[kind] | (header.mode & PERMISSIONS),
      mtime: timeOf(header),
      ...(names !== undefined && { uid, gid }),
    }
    if (kind === 'directory') {
      this.#folders.add(name)
      yield { ...entry, name: `${name}/` }
    } else if (kind === 'symlink') {
      yield { ...entry, name, data: Buffer.from(this.#linkTarget(header, name)) }
    } else if (kind === 'file') {
      const target = header.type === 'link' ? this.#linked(header) : path
      const content = header.type === 'link' ? {} : { data: { size: header.size, chunks: data } }
      yield { ...entry, ...content, ...this.#hardLink(target), name }
    } else {
      yield { ...entry, name, rdevMajor, rdevMinor }
    }
  }

  #placed(path: string): string {
    const { folder } = this.#options
    return folder === undefined ? path : `${folder}/${path}`
  }

  /** Missing parent folders, because the kernel does not make them. */
  *#parents(name: string): Generator<StreamedCpioEntry> {
    const parents = name.split('/').slice(0, -1)
    for (let depth = 1; depth <= parents.length; depth++) {
      const folder = parents.slice(0, depth).join('/')
      if (!this.#folders.has(folder)) yield { name: `${folder}/`, mode: TYPE.directory | 0o755 }
      this.#folders.add(folder)
    }
  }

  #linkTarget(header: Header, name: string): string {
    if (!header.linkname) throw this.#noTarget(header)
    if (header.type === 'symlink') return header.linkname
    return posix.relative(posix.dirname(`/${name}`), `/${this.#placed(this.#linked(header))}`)
  }

  /** The first name of the file that a hard link is another name of. */
  #linked(header: Header): string {
    if (!header.linkname) throw this.#noTarget(header)
    return memberName(header.linkname, this.#options.what)
  }

  #hardLink(target: string): Pick<StreamedCpioEntry, 'hardLink'> {
    const names = this.#options.names?.get(target)
    if (names === undefined) return {}
    const inode = this.#inodes.get(target) ?? FIRST_SHARED_INODE + this.#inodes.size
    this.#inodes.set(target, inode)
    return { hardLink: { inode, names } }
  }

  #noTarget({ name }: Header) {
    return malformed(this.#options.what, `member ${JSON.stringify(name)}`, 'a link with a target', 'none')
  }
}

/**
 * Members of a tar as entries of a cpio.
 *
 * A folder's name ends in a slash. Where an earlier archive has a symbolic link to a folder in that place (`lib ->
 * usr/lib`), the kernel then follows it; without the slash it would replace the link by an empty folder.
 *
 * @throws FORMAT_VALUE, FORMAT_UNSUPPORTED; what the members throw
 */
export async function* cpioEntries(
  members: AsyncIterable<TarMember>,
  options: TarToCpioOptions,
): AsyncGenerator<StreamedCpioEntry> {
  const conversion = new Conversion(options)
  for await (const member of members) yield* conversion.entries(member)
}
