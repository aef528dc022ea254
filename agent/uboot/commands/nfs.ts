/** `nfs`: U-Boot's words, and the failure to mount that it reports. Files come over TFTP and HTTP here. */

import type { Call, Command } from '../command.js'
import { quadHex } from '../ipv4.js'
import type { Machine } from '../machine.js'
import { untilInterrupted } from '../net-run.js'
import { loadArguments, netSettings, readyForTransfer, routeText, splitHost } from '../net-settings.js'
import { bareHex } from '../numbers.js'
import { answersArp } from '../tftp-load.js'

async function mount(machine: Machine, call: Call): Promise<boolean> {
  const { out } = machine
  const { address, file } = loadArguments(machine, call.args.slice(1))
  const { host, path } = splitHost(file)
  const ready = await readyForTransfer(machine, netSettings(machine.env), host)
  if (ready === null) return false
  const name = path === '' ? `/nfsroot/${quadHex(ready.ip)}.img` : path
  if (path === '') out.write(`*** Warning: no boot file name; using '${name}'\n`)
  out.write(
    `Using ${ready.device.name} device\n${routeText('File transfer via NFS from', ready)}Filename '${name}'.\n` +
      `Load address: 0x${bareHex(address)}\nLoading: *\b`,
  )
  if (await answersArp(machine, call, ready.server)) {
    out.write('\n*** ERROR: Cannot mount\n## fauxboot: NFS is not spoken here; use tftpboot or wget\n')
  }
  return false
}

async function nfs(machine: Machine, call: Call): Promise<number> {
  return (await untilInterrupted(machine, call, false, () => mount(machine, call))) ? 0 : 1
}

export const nfsCommands: readonly Command[] = [
  {
    name: 'nfs',
    maxArgs: 3,
    repeatable: true,
    summary: 'boot image via network using NFS protocol',
    usage: '[loadAddress] [[hostIPaddr:]bootfilename]',
    run: nfs,
  },
]
