/**
 * FIT images: a device tree whose nodes describe images, with their data in the tree or after it, and configurations that
 * group them (Flattened Image Tree specification 1.0; U-Boot `doc/usage/fit/source_file_format.rst`).
 */
import { ByteReader } from '../byte-reader.js'
import { type FdtNode, parseFdt } from '../fdt/fdt.js'
import { align, FDT_HEADER } from '../fdt/fdt-format.js'

/** Position of an image's data from the start of the FIT. External data lies after the tree's total size. */
interface FitData {
  readonly offset: number
  /** bytes */
  readonly size: number
}

export interface FitHash {
  /** of the node: `hash-1` */
  readonly name: string
  readonly algorithm: string | null
  /** a view of the FIT */
  readonly value: Uint8Array | null
  /** the node has a flag that it is not to be checked */
  readonly ignored: boolean
}

/** A signature. It is not checked. */
interface FitSignature {
  /** of the node: `signature-1` */
  readonly name: string
  /** `sha256,rsa2048` */
  readonly algorithm: string | null
  readonly keyName: string | null
  readonly required: boolean
  readonly padding: string | null
  readonly value: Uint8Array | null
  /** seconds since 1970 */
  readonly time: number | null
}

/** A hash or signature of an image or a configuration, in the order of the nodes. */
export type FitProof = ({ readonly kind: 'hash' } & FitHash) | ({ readonly kind: 'signature' } & FitSignature)

/** An image. A field is null if its property is missing, or not a string. */
export interface FitImage {
  /** of the node: `kernel-1` */
  readonly name: string
  readonly description: string | null
  readonly type: string | null
  readonly arch: string | null
  readonly os: string | null
  readonly compression: string | null
  /** physical address; null if there is none */
  readonly load: number | null
  readonly entry: number | null
  /** null without data */
  readonly data: FitData | null
  readonly proofs: readonly FitProof[]
}

/** Names of images by purpose: `kernel`, `ramdisk`, `fdt` and its overlays, `loadables`, `script`. */
export interface FitConfiguration {
  /** of the node: `conf-1` */
  readonly name: string
  readonly description: string | null
  /** each property that is a list of names */
  readonly images: ReadonlyMap<string, readonly string[]>
  readonly proofs: readonly FitProof[]
}

export interface Fit {
  readonly description: string | null
  /** seconds since 1970 */
  readonly time: number | null
  readonly images: readonly FitImage[]
  readonly configurations: readonly FitConfiguration[]
  /** name of the default configuration */
  readonly defaultConfiguration: string | null
  /** name of the default image, for a FIT of scripts */
  readonly defaultImage: string | null
}

const CELL_BYTES = 4
const text = (bytes: Uint8Array) => Buffer.from(bytes).toString('latin1')

/** Strings of a property; none if it is missing or does not end with a NUL. */
function strings(node: FdtNode, name: string): string[] {
  const value = node.properties.get(name)
  return value === undefined || value.length < 1 || value.at(-1) !== 0 ? [] : text(value.subarray(0, -1)).split('\0')
}

const string = (node: FdtNode, name: string): string | null => strings(node, name)[0] ?? null

/** A number of one or two cells, below 2^53; null if it is missing or anything else. */
function number(node: FdtNode, name: string): number | null {
  const value = node.properties.get(name)
  if (value?.length === CELL_BYTES) return Buffer.from(value).readUInt32BE(0)
  if (value?.length !== 2 * CELL_BYTES) return null
  const wide = Number(Buffer.from(value).readBigUInt64BE(0))
  return Number.isSafeInteger(wide) ? wide : null
}

const flag = (node: FdtNode, name: string) => (number(node, name) ?? 0) !== 0

function readProofs(node: FdtNode): FitProof[] {
  return node.children.flatMap((child): FitProof[] => {
    const { name } = child
    const common = { name, algorithm: string(child, 'algo'), value: child.properties.get('value') ?? null }
    if (name.startsWith('hash')) return [{ kind: 'hash', ...common, ignored: flag(child, 'uboot-ignore') }]
    if (!name.startsWith('signature')) return []
    const required = child.properties.has('required')
    const [keyName, padding] = [string(child, 'key-name-hint'), string(child, 'padding')]
    return [{ kind: 'signature', ...common, keyName, required, padding, time: number(child, 'timestamp') }]
  })
}

/** Position of the data. Offsets of external data count from `total`, the size of the tree. */
function readData(node: FdtNode, blob: Uint8Array, total: number): FitData | null {
  const position = number(node, 'data-position')
  const offset = number(node, 'data-offset')
  if (position !== null || offset !== null) {
    const size = number(node, 'data-size')
    return size === null ? null : { offset: position ?? align(total, CELL_BYTES) + (offset ?? 0), size }
  }
  const data = node.properties.get('data')
  return data === undefined ? null : { offset: data.byteOffset - blob.byteOffset, size: data.length }
}

const child = (node: FdtNode, name: string) => node.children.find(found => found.name === name)

function readConfiguration(node: FdtNode): FitConfiguration {
  const names = [...node.properties.keys()].filter(name => strings(node, name).length > 0)
  return {
    name: node.name,
    description: string(node, 'description'),
    images: new Map(names.map(name => [name, strings(node, name)])),
    proofs: readProofs(node),
  }
}

/** A FIT has a description, a time, and a node for images. */
const isFitRoot = (root: FdtNode) =>
  root.properties.has('description') && root.properties.has('timestamp') && child(root, 'images') !== undefined

/**
 * Parse a FIT. Its data is not read; external data may be missing.
 *
 * @param bytes the FIT; nothing is copied from it
 * @param what name of the file, for errors
 * @param totalSize size of the tree, after which external data starts, if `bytes` has another one
 * @returns null if it is a device tree but not a FIT
 * @throws FORMAT_*
 */
export function parseFit(bytes: Uint8Array, what = 'FIT', totalSize?: number): Fit | null {
  const { root } = parseFdt(bytes, what, bytes.length)
  if (!isFitRoot(root)) return null
  const total = totalSize ?? new ByteReader(bytes, what).u32be(FDT_HEADER.totalSize, 'total size')
  const configurations = child(root, 'configurations')
  return {
    description: string(root, 'description'),
    time: number(root, 'timestamp'),
    images: (child(root, 'images')?.children ?? []).map(node => ({
      name: node.name,
      description: string(node, 'description'),
      type: string(node, 'type'),
      arch: string(node, 'arch'),
      os: string(node, 'os'),
      compression: string(node, 'compression'),
      load: number(node, 'load'),
      entry: number(node, 'entry'),
      data: readData(node, bytes, total),
      proofs: readProofs(node),
    })),
    configurations: (configurations?.children ?? []).map(readConfiguration),
    defaultConfiguration: configurations === undefined ? null : string(configurations, 'default'),
    defaultImage: string(root, 'default'),
  }
}
