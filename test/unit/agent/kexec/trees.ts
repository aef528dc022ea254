/** Device trees for tests. */

import { type Fdt, type FdtNode, writeFdt } from '../../../../agent/image/fdt/fdt.js'
import { encodeCells, encodeNumber, encodeString } from '../../../../agent/image/fdt/fdt-query.js'

export interface TreeParts {
  /** of the root, for addresses and sizes alike; 2 unless given */
  readonly cells?: 1 | 2
  /** address and size of each range; no memory node without */
  readonly memory?: readonly (readonly [number, number])[]
  readonly memoryName?: string
  readonly memoryStatus?: string
  readonly chosen?: Readonly<Record<string, Uint8Array>>
  readonly compatible?: readonly string[]
  readonly model?: string
  /** address and size */
  readonly reservations?: readonly (readonly [number, number])[]
  /** address and size of static regions of /reserved-memory */
  readonly regions?: readonly (readonly [number, number])[]
  readonly children?: readonly FdtNode[]
  /** bytes of a property that only makes the tree larger */
  readonly ballast?: number
}

/** A list of strings in the form of a property, each with its NUL. */
export const encodeStrings = (texts: readonly string[]): Uint8Array => encodeString(texts.join('\0'))

/** A node. */
export function node(
  name: string,
  properties: Readonly<Record<string, Uint8Array>> = {},
  ...children: FdtNode[]
): FdtNode {
  return { name, properties: new Map(Object.entries(properties)), children }
}

export function tree(parts: TreeParts): Fdt {
  const { cells = 2, memory, memoryStatus } = parts
  const widths = { '#address-cells': encodeCells([cells]), '#size-cells': encodeCells([cells]) }
  const reg = (pairs: readonly (readonly [number, number])[]) =>
    new Uint8Array(Buffer.concat(pairs.flat().map(value => encodeNumber(value, cells))))
  const memoryNode = (ranges: readonly (readonly [number, number])[]) =>
    node(parts.memoryName ?? 'memory', {
      device_type: encodeString('memory'),
      ...(ranges.length > 0 ? { reg: reg(ranges) } : {}),
      ...(memoryStatus === undefined ? {} : { status: encodeString(memoryStatus) }),
    })
  const regions = (parts.regions ?? []).map(range => node(`region@${range[0].toString(16)}`, { reg: reg([range]) }))
  const root = node(
    '',
    {
      ...widths,
      ...(parts.compatible === undefined ? {} : { compatible: encodeStrings(parts.compatible) }),
      ...(parts.model === undefined ? {} : { model: encodeString(parts.model) }),
      ...(parts.ballast === undefined ? {} : { ballast: new Uint8Array(parts.ballast) }),
    },
    ...(memory === undefined ? [] : [memoryNode(memory)]),
    ...(parts.chosen === undefined ? [] : [node('chosen', parts.chosen)]),
    ...(regions.length === 0 ? [] : [node('reserved-memory', { ...widths, ranges: new Uint8Array() }, ...regions)]),
    ...(parts.children ?? []),
  )
  const reservations = (parts.reservations ?? []).map(([address, size]) => ({
    address: BigInt(address),
    size: BigInt(size),
  }))
  return { root, reservations, bootCpu: 0 }
}

/** The same as a file. */
export function treeFile(parts: TreeParts): Uint8Array {
  return writeFdt(tree(parts))
}
