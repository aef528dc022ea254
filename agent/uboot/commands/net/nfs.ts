/** `nfs`: a Cubieboard4's U-Boot lacks it, and LAVA's NFS jobs mount from the kernel. So it only says what to use instead. */

import type { Command } from '../../machine/machine.js'

export const nfsCommands: readonly Command[] = [
  {
    name: 'nfs',
    maxArgs: 3,
    repeatable: true,
    summary: 'boot image via network using NFS protocol',
    usage: '[loadAddress] [[hostIPaddr:]bootfilename]',
    run({ out }) {
      out.write('## fauxboot: nfs loads no files here; use tftp or wget\n')
      return 1
    },
  },
]
