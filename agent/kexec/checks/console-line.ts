/**
 * Whether the target prints on the line that people read, and at its speed. A kernel prints on every `console=` that it has a
 * driver for; without any, on the `stdout-path` of its device tree (`Documentation/admin-guide/serial-console.rst`).
 */

import type { Fdt } from '../../image/fdt/fdt.js'
import { findNode } from '../../image/fdt/fdt-query.js'
import { stdoutPath } from './earlycon.js'

/** The serial line that the lab reads. */
export interface ConsoleLine {
  /** its name in the running kernel, `ttyS0` */
  readonly tty: string
  /** bits per second; null if they are not known */
  readonly baud: number | null
  /** path of its UART in the running kernel's device tree; null if it has none there */
  readonly node: string | null
}

/** Each `console=` of a command line: the name, and the speed if there is one. */
const CONSOLE = /(?:^|\s)console=([^\s,]+)(?:,(\d+))?/g

/**
 * @param cmdline of the target
 * @returns why nothing legible will appear on the line, and what to do; null if nothing speaks against it
 */
export function silence(
  cmdline: string,
  fdt: Fdt | null,
  { tty, baud, node }: ConsoleLine,
): { readonly message: string; readonly remedy: string } | null {
  const remedy = `set console=${tty}${baud === null ? '' : `,${baud}`}`
  const consoles = [...cmdline.matchAll(CONSOLE)].map(([, name = '', speed]) => ({ name, speed }))
  if (consoles.length === 0) {
    const path = fdt === null ? null : stdoutPath(fdt)
    const uart = fdt === null || node === null ? null : findNode(fdt, node)
    return fdt === null || path === null || uart === null || findNode(fdt, path) === uart
      ? null
      : {
          message: `the target will be silent on this line, ${tty}: without console= it prints on stdout-path, ${path}, which is another UART than ${node}`,
          remedy,
        }
  }
  const here = consoles.filter(({ name }) => name === tty)
  if (here.length === 0) {
    const names = consoles.map(({ name }) => name).join(', ')
    return {
      message: `the target will be silent on this line: it is ${tty}, and the target prints on ${names}`,
      remedy,
    }
  }
  const wrong = here.find(({ speed }) => speed !== undefined && baud !== null && Number(speed) !== baud)
  return wrong === undefined
    ? null
    : { message: `the target will print at ${wrong.speed} bit/s on this line, which has ${baud}`, remedy }
}
