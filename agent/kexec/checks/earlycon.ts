/**
 * `earlycon`: the kernel's output before its console driver is up, and the only output of a kernel that dies early.
 * Without a value it follows `stdout-path` of `/chosen`; otherwise driver and address must be spelled out
 * (`Documentation/admin-guide/kernel-parameters.txt`).
 */

import type { Fdt, FdtNode } from '../../image/fdt/fdt.js'
import { cellsOf, childNode, findNode, propStrings, propU32, readRegs } from '../../image/fdt/fdt-query.js'
import { hex } from '../layout/ranges.js'

/** `compatible` of UARTs, and the names of their earlycon drivers. */
const UARTS: readonly { readonly compatible: string; readonly driver: string }[] = [
  { compatible: 'snps,dw-apb-uart', driver: 'uart8250,mmio32' },
  { compatible: 'ns16550a', driver: 'uart8250' },
  { compatible: 'ns16550', driver: 'uart8250' },
  { compatible: 'ti,omap3-uart', driver: 'uart8250,mmio32' },
  { compatible: 'ti,am3352-uart', driver: 'uart8250,mmio32' },
  { compatible: 'arm,pl011', driver: 'pl011' },
  { compatible: 'fsl,imx6q-uart', driver: 'ec_imx6q' },
  { compatible: 'fsl,imx21-uart', driver: 'ec_imx21' },
  { compatible: 'samsung,exynos4210-uart', driver: 'exynos4210' },
  { compatible: 'amlogic,meson-uart', driver: 'meson' },
  { compatible: 'qcom,msm-uartdm', driver: 'msm_serial_dm' },
  { compatible: 'xlnx,xuartps', driver: 'cdns' },
]

/** A console on a UART, `ttyS0` or `ttymxc1`; `tty0` is a screen. */
const SERIAL_CONSOLE = /(?:^|\s)console=tty[A-Za-z]+(\d+)/g

/**
 * The argument to add to a command line.
 *
 * @param option true to find the value, or the value itself; nothing is added for false, undefined and an empty string
 * @param cmdline command line of the target; if it has an earlycon, nothing is added
 * @returns `earlycon` or `earlycon=VALUE`; null if nothing is to be added, or if no UART was found
 */
export function earlyconArgument(
  fdt: Fdt | null,
  cmdline: string,
  option: boolean | string | undefined,
): string | null {
  if (option === undefined || option === false || option === '' || hasEarlycon(cmdline)) return null
  if (typeof option === 'string') return `earlycon=${option}`
  if (fdt === null) return null
  if (stdoutPath(fdt) !== null) return 'earlycon'
  const value = earlyconFromConsole(fdt, cmdline)
  return value === null ? null : `earlycon=${value}`
}

/** Whether a command line asks for earlycon. */
export function hasEarlycon(cmdline: string): boolean {
  return /(?:^|\s)earlycon(?:=|\s|$)/.test(cmdline)
}

/** `stdout-path` of `/chosen`, without the options after its colon; null if there is no such node. */
export function stdoutPath(fdt: Fdt): string | null {
  const chosen = childNode(fdt.root, 'chosen')
  const value = chosen && (propStrings(chosen, 'stdout-path')?.[0] ?? propStrings(chosen, 'linux,stdout-path')?.[0])
  const path = value?.split(':')[0] ?? ''
  return path !== '' && findNode(fdt, path) !== null ? path : null
}

/** The UART of the last serial `console=`, which has the number of the alias `serialN`. */
function earlyconFromConsole(fdt: Fdt, cmdline: string): string | null {
  const index = [...cmdline.matchAll(SERIAL_CONSOLE)].at(-1)?.[1]
  if (index === undefined) return null
  const aliases = childNode(fdt.root, 'aliases')
  const path = aliases && propStrings(aliases, `serial${index}`)?.[0]
  if (!path?.startsWith('/')) return null

  const nodes = nodesAlong(fdt, path)
  const uart = nodes?.at(-1)
  const address = nodes === null ? null : cpuAddress(nodes)
  if (uart === undefined || address === null) return null
  const compatible = propStrings(uart, 'compatible') ?? []
  const known = UARTS.find(row => compatible.includes(row.compatible))
  if (known === undefined) return null
  const shifted = known.driver === 'uart8250' ? (propU32(uart, 'reg-shift') === 2 ? ',mmio32' : ',mmio') : ''
  return `${known.driver}${shifted},${hex(address)}`
}

/** The nodes from the root to the one at `path`. */
function nodesAlong(fdt: Fdt, path: string): FdtNode[] | null {
  const nodes = [fdt.root]
  for (const name of path.split('/').filter(part => part !== '')) {
    const child = childNode(nodes.at(-1) ?? fdt.root, name)
    if (child === null) return null
    nodes.push(child)
  }
  return nodes
}

/** The first address of the last node, translated to the CPU's view (`ranges`, Devicetree Specification v0.4 section 2.3.8). */
function cpuAddress(nodes: readonly FdtNode[]): bigint | null {
  const buses = nodes.slice(0, -1)
  const device = nodes.at(-1)
  const bus = buses.at(-1)
  if (device === undefined || bus === undefined) return null
  const cells = cellsOf(bus)
  let address = readRegs(device, cells.addressCells, cells.sizeCells)[0]?.address
  for (let level = buses.length - 1; level > 0 && address !== undefined; level--) {
    const child = buses[level]
    const parent = buses[level - 1]
    address = child === undefined || parent === undefined ? undefined : translate(address, child, parent)
  }
  return address ?? null
}

function translate(address: bigint, bus: FdtNode, parent: FdtNode): bigint | undefined {
  const ranges = bus.properties.get('ranges')
  if (ranges === undefined) return undefined
  if (ranges.length === 0) return address
  const { addressCells, sizeCells } = cellsOf(bus)
  const row = rowsOf(ranges, [addressCells, cellsOf(parent).addressCells, sizeCells]).find(
    ([from = 0n, , size = 0n]) => address >= from && address < from + size,
  )
  return row === undefined ? undefined : address - (row[0] ?? 0n) + (row[1] ?? 0n)
}

/** Rows of numbers, each of `width` cells. */
function rowsOf(bytes: Uint8Array, widths: readonly number[]): bigint[][] {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length)
  const step = widths.reduce((sum, cells) => sum + cells * 4, 0)
  return Array.from({ length: Math.floor(bytes.length / step) }, (_, index) => {
    let offset = index * step
    return widths.map(cells => {
      let value = 0n
      for (const end = offset + cells * 4; offset < end; offset += 4)
        value = (value << 32n) | BigInt(view.getUint32(offset))
      return value
    })
  })
}
