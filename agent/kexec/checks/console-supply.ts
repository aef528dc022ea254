/**
 * The regulator that powers the pins of the target's console. On Allwinner chips the pin controller names one for each bank of
 * pins (`vcc-ph-supply`, Linux `Documentation/devicetree/bindings/pinctrl/allwinner,sun4i-a10-pinctrl.yaml`). The kernel
 * defers the UART until that regulator's driver is loaded, which distributions build as a module.
 */

import type { Fdt, FdtNode } from '../../image/fdt/fdt.js'
import { findNode, propCells, propString } from '../../image/fdt/fdt-query.js'
import { stdoutPath } from './earlycon.js'

/** A console on a UART, `ttyS0` or `ttymxc1`. */
const SERIAL_CONSOLE = /(?:^|\s)console=tty[A-Za-z]+(\d+)/g

/**
 * @param cmdline command line of the target: its last `console=` counts, else the tree's `stdout-path`
 * @returns the property of the pin controller, such as `vcc-ph-supply`; null if the pins need no regulator or are unknown
 * @throws FORMAT_VALUE for a damaged property
 */
export function consoleSupply(fdt: Fdt, cmdline: string): string | null {
  const index = [...cmdline.matchAll(SERIAL_CONSOLE)].at(-1)?.[1]
  const path = index === undefined ? stdoutPath(fdt) : `serial${index}`
  const uart = path === null ? null : findNode(fdt, path)
  const group = uart && propCells(uart, 'pinctrl-0')?.[0]
  const pins = group == null ? null : findByPhandle(fdt.root, group)
  if (pins === null) return null
  const bank = /^P([A-Z])\d+$/.exec(propString(pins.node, 'pins') ?? '')?.[1]
  const supply = `vcc-p${bank?.toLowerCase()}-supply`
  return pins.parent.properties.has(supply) ? supply : null
}

/** The parser bounds the depth of the recursion. */
function findByPhandle(parent: FdtNode, phandle: number): { node: FdtNode; parent: FdtNode } | null {
  for (const node of parent.children) {
    if (propCells(node, 'phandle')?.[0] === phandle) return { node, parent }
    const found = findByPhandle(node, phandle)
    if (found !== null) return found
  }
  return null
}
