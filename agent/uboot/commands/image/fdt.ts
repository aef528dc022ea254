/** The command `fdt`: one row for each subcommand. */

import { changeSubcommands } from '../../fdt/change.js'
import { fixupSubcommands } from '../../fdt/fixup.js'
import { placeSubcommands } from '../../fdt/location.js'
import { showSubcommands } from '../../fdt/show.js'
import { type Command, USAGE } from '../../machine/machine.js'

const SUBCOMMANDS = [...placeSubcommands, ...changeSubcommands, ...showSubcommands, ...fixupSubcommands]

const NO_TREE = `No FDT memory address configured. Please configure
the FDT address via "fdt addr <address>" command.
Aborting!
`

/** `fdt apply` and `fdt boardsetup` are missing from this text, as in the recorded U-Boot. */
const USAGE_TEXT = `addr [-c] [-q] <addr> [<size>]  - Set the [control] fdt location to <addr>
fdt move   <fdt> <newaddr> <length> - Copy the fdt to <addr> and make it active
fdt resize [<extrasize>]            - Resize fdt to size + padding to 4k addr + some optional <extrasize> if needed
fdt print  <path> [<prop>]          - Recursive print starting at <path>
fdt list   <path> [<prop>]          - Print one level starting at <path>
fdt get value <var> <path> <prop> [<index>] - Get <property> and store in <var>
                                      In case of stringlist property, use optional <index>
                                      to select string within the stringlist. Default is 0.
fdt get name <var> <path> <index>   - Get name of node <index> and store in <var>
fdt get addr <var> <path> <prop>    - Get start address of <property> and store in <var>
fdt get size <var> <path> [<prop>]  - Get size of [<property>] or num nodes and store in <var>
fdt set    <path> <prop> [<val>]    - Set <property> [to <val>]
fdt mknode <path> <node>            - Create a new node after <path>
fdt rm     <path> [<prop>]          - Delete the node or <property>
fdt header [get <var> <member>]     - Display header info
                                      get - get header member <member> and store it in <var>
fdt bootcpu <id>                    - Set boot cpuid
fdt memory <addr> <size>            - Add/Update memory node
fdt rsvmem print                    - Show current mem reserves
fdt rsvmem add <addr> <size>        - Add a mem reserve
fdt rsvmem delete <index>           - Delete a mem reserves
fdt chosen [<start> <size>]         - Add/update the /chosen branch in the tree
                                        <start>/<size> - initrd start addr/size
fdt checksign [<addr>]              - check FIT signature
                                      <addr> - address of key blob
                                               default gd->fdt_blob
NOTE: Dereference aliases by omitting the leading '/', e.g. fdt print ethernet0.`

export const fdtCommands: readonly Command[] = [
  {
    name: 'fdt',
    maxArgs: 255,
    summary: 'flattened device tree utility commands',
    usage: USAGE_TEXT,
    run(machine, { args }) {
      const [, word] = args
      if (word === undefined) return USAGE
      const subcommand = SUBCOMMANDS.find(({ prefix }) => word.startsWith(prefix))
      if (subcommand?.unplaced) return subcommand.run(machine, args, 0)
      if (machine.state.workingFdt === null) {
        machine.out.write(NO_TREE)
        return 1
      }
      return subcommand === undefined ? USAGE : subcommand.run(machine, args, machine.state.workingFdt)
    },
  },
]
