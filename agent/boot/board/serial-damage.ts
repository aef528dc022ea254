/**
 * Damaged input of a serial line, as its driver counts it: `/proc/tty/driver/NAME`, written by `uart_line_info` in Linux
 * `drivers/tty/serial/serial_core.c`.
 */

/** Counts since the driver was loaded. */
export interface SerialDamage {
  /** bytes lost because the UART or the kernel had no room */
  readonly overrun: number
  readonly frame: number
  readonly parity: number
  readonly break: number
}

/** The short names in the driver's line. It leaves out counters that are zero. */
const FIELDS = { overrun: ['oe', 'bo'], frame: ['fe'], parity: ['pe'], break: ['brk'] } as const

/**
 * The driver of a line.
 *
 * @param drivers text of `/proc/tty/drivers`: name, path without number, major, minors, type
 * @param tty `ttyS0`
 * @returns the name of its file in `/proc/tty/driver`, and the number of the line; null for a line without a UART
 */
export function uartDriver(drivers: string, tty: string): { readonly name: string; readonly line: string } | null {
  const [, prefix, line] = /^(.*?)(\d+)$/.exec(tty) ?? []
  if (prefix === undefined || line === undefined) return null
  const rows = drivers.split('\n').map(row => row.split(/\s+/))
  const name = rows.find(([, path, , , type]) => path === `/dev/${prefix}` && type === 'serial')?.[0]
  return name === undefined ? null : { name, line }
}

/**
 * @param text of the driver's file
 * @returns null if the line has no UART, or hides its counters
 */
export function serialDamage(text: string, line: string): SerialDamage | null {
  const row = text.split('\n').find(row => row.startsWith(`${line}: uart:`))
  if (row === undefined || !/ rx:\d/.test(row)) return null
  const count = (names: readonly string[]): number =>
    names.reduce((sum, name) => sum + Number(new RegExp(` ${name}:(\\d+)`).exec(row)?.[1] ?? 0), 0)
  return {
    overrun: count(FIELDS.overrun),
    frame: count(FIELDS.frame),
    parity: count(FIELDS.parity),
    break: count(FIELDS.break),
  }
}
