/** The menu of this board on a TFTP server. */

import { parseHex } from '../lib/numbers.js'
import type { Call, Machine } from '../machine/machine.js'
import { connectedDevice } from '../net/connect.js'
import { netSettings } from '../net/net-settings.js'
import { loadOverTftp } from '../net/tftp-load.js'
import { menuNames, needed, type PxeSource, retrieveMenu } from './pxe-boot.js'

/** Files of the directory of `bootfile`, over TFTP. */
export function serverSource(machine: Machine, call: Call): PxeSource {
  const bootFile = machine.env.get('bootfile') ?? ''
  return {
    machine,
    call,
    prefix: bootFile.slice(0, bootFile.lastIndexOf('/') + 1),
    load: (file, address) => loadOverTftp(machine, call, { file, address }),
  }
}

/** How the search for a menu ended; `stopped`: without a link or address, or by ^C, which has been printed. */
export type MenuFetch = 'found' | 'not-found' | 'stopped'

/** Load the first menu that the server has for this board to the address in `pxefile_addr_r`. */
export async function fetchMenu(machine: Machine, call: Call): Promise<MenuFetch> {
  const address = needed(machine, 'pxefile_addr_r')
  if (address === null) return 'stopped'
  // Without a link, each of the names would wait for it.
  const device = await connectedDevice(machine, call)
  if (device === null) return 'stopped'
  const mac = netSettings(machine.env).mac ?? device.mac
  const source = serverSource(machine, call)
  for (const name of menuNames(machine, mac)) {
    if (await retrieveMenu(source, `pxelinux.cfg/${name}`, parseHex(address))) return 'found'
    if (call.signal.aborted) return 'stopped'
  }
  return 'not-found'
}
