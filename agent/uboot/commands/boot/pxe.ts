/** Menus from a server: `pxe`; from a disk: `sysboot`. */

import { bootMenu, needed, type PxeSource, retrieveMenu } from '../../boot/pxe-boot.js'
import { fetchMenu, serverSource } from '../../boot/pxe-server.js'
import { loadFile } from '../../disk/load-file.js'
import { wholeHex } from '../../lib/numbers.js'
import { type Call, type Command, type Machine, USAGE } from '../../machine/machine.js'

async function get(machine: Machine, call: Call): Promise<number> {
  const { env, out } = machine
  const fetched = await fetchMenu(machine, call)
  if (fetched === 'found') out.write(`Config file '${env.get('bootfile') ?? '<NULL>'}' found\n`)
  if (fetched === 'not-found') out.write('Config file not found\n')
  return fetched === 'found' ? 0 : 1
}

async function boot(machine: Machine, call: Call, word: string | undefined): Promise<number> {
  const text = word ?? needed(machine, 'pxefile_addr_r')
  if (text === null) return 1
  const address = wholeHex(text)
  if (address === null) {
    machine.out.write(`Invalid pxefile address: ${text}\n`)
    return 1
  }
  await bootMenu(serverSource(machine, call), address, false)
  return 0
}

/** `-ipv6` is taken and means nothing: TFTP goes over IPv4. */
function pxe(machine: Machine, call: Call): Promise<number> | number {
  const [, verb, ...words] = call.args.filter(word => word !== '-ipv6')
  if (verb === 'get' && words.length === 0) return get(machine, call)
  return verb === 'boot' && words.length < 2 ? boot(machine, call, words[0]) : USAGE
}

async function sysboot(machine: Machine, call: Call): Promise<number> {
  const { env, out } = machine
  const prompt = call.args[1] === '-p'
  const [kind, device, filesystem, addressText, fileText] = call.args.slice(prompt ? 2 : 1)
  if (kind === undefined || device === undefined || filesystem === undefined) return USAGE
  const file = fileText ?? env.get('bootfile')
  if (file === undefined) {
    out.write('Specify a filename on the command line, or set bootfile\n')
    return 1
  }
  const text = addressText ?? needed(machine, 'pxefile_addr_r')
  if (text === null) return 1
  const address = wholeHex(text)
  if (address === null) {
    out.write(`Invalid pxefile address: ${text}\n`)
    return 1
  }
  const source: PxeSource = {
    machine,
    call,
    prefix: file.slice(0, file.lastIndexOf('/') + 1),
    load: async (path, at) => (await loadFile(machine, call, { kind, device, filesystem, path, address: at })) === 0,
  }
  if (!(await retrieveMenu(source, file.startsWith('/') ? file : file.slice(source.prefix.length), address))) {
    out.write('Error reading config file\n')
    return 1
  }
  await bootMenu(source, address, prompt)
  return 0
}

export const pxeCommands: readonly Command[] = [
  {
    name: 'pxe',
    maxArgs: 4,
    summary: 'get and boot from pxe files',
    usage:
      'get [-ipv6] - try to retrieve a pxe file using tftp\n' +
      'pxe boot [pxefile_addr_r] [-ipv6] - boot from the pxe file at pxefile_addr_r\n',
    run: pxe,
  },
  {
    name: 'sysboot',
    maxArgs: 7,
    repeatable: true,
    summary: 'command to get and boot from syslinux files',
    usage:
      '[-p] <interface> <dev[:part]> <ext2|fat|any> [addr] [filename]\n' +
      "    - load and parse syslinux menu file 'filename' from ext2, fat\n" +
      "      or any filesystem on 'dev' on 'interface' to address 'addr'",
    run: sysboot,
  },
]
