/** A subcommand of `fdt`. */

import type { Machine } from '../machine/machine.js'

export interface FdtSubcommand {
  /** a word that starts so means this one */
  readonly prefix: string
  /** it needs no working tree; `working` is then of no meaning */
  readonly unplaced?: boolean
  /**
   * Run it.
   *
   * @param args words of the line from `fdt` on, as `Call.args`
   * @param working address of the working tree
   * @returns `$?`, or USAGE
   * @throws FauxbootError: FDT_EDIT and others; its U-Boot text is printed
   */
  run(machine: Machine, args: readonly string[], working: number): number
}
