/** The table of commands. A new group is one line here. */

import { bdinfoCommands } from './commands/bdinfo.js'
import { blockCommands } from './commands/block.js'
import { bootCommands } from './commands/boot.js'
import { bootflowCommands } from './commands/bootflow.js'
import { bootmenuCommands } from './commands/bootmenu.js'
import { bootstdCommands } from './commands/bootstd.js'
import { checksumCommands } from './commands/checksum.js'
import { configCommands } from './commands/config.js'
import { dateCommands } from './commands/date.js'
import { deviceCommands } from './commands/devices.js'
import { dhcpCommands } from './commands/dhcp.js'
import { echoCommands } from './commands/echo.js'
import { envCommands } from './commands/env.js'
import { fdtCommands } from './commands/fdt.js'
import { fileTextCommands } from './commands/file-text.js'
import { fileCommands } from './commands/files.js'
import { flowCommands } from './commands/flow.js'
import { gpioCommands } from './commands/gpio.js'
import { helpCommands } from './commands/help.js'
import { imageCommands } from './commands/images.js'
import { itestCommands } from './commands/itest.js'
import { memoryDisplayCommands } from './commands/memory-display.js'
import { memoryFillCommands } from './commands/memory-fill.js'
import { memoryModifyCommands } from './commands/memory-modify.js'
import { memoryTestCommands } from './commands/memory-test.js'
import { netCommands } from './commands/net.js'
import { nfsCommands } from './commands/nfs.js'
import { partCommands } from './commands/part.js'
import { pingCommands } from './commands/ping.js'
import { powerCommands } from './commands/power.js'
import { pxeCommands } from './commands/pxe.js'
import { setexprCommands } from './commands/setexpr.js'
import { sourceCommands } from './commands/source.js'
import { testCommands } from './commands/test.js'
import { tftpCommands } from './commands/tftp.js'
import { unavailableCommands } from './commands/unavailable.js'
import { unpackCommands } from './commands/unpack.js'
import { versionCommands } from './commands/version.js'
import { wgetCommands } from './commands/wget.js'
import type { Command } from './machine/machine.js'

const GROUPS: readonly (readonly Command[])[] = [
  bdinfoCommands,
  blockCommands,
  bootCommands,
  bootflowCommands,
  bootmenuCommands,
  bootstdCommands,
  checksumCommands,
  configCommands,
  dateCommands,
  deviceCommands,
  dhcpCommands,
  echoCommands,
  envCommands,
  fdtCommands,
  fileCommands,
  fileTextCommands,
  flowCommands,
  gpioCommands,
  helpCommands,
  imageCommands,
  itestCommands,
  memoryDisplayCommands,
  memoryFillCommands,
  memoryModifyCommands,
  memoryTestCommands,
  netCommands,
  nfsCommands,
  partCommands,
  pingCommands,
  powerCommands,
  pxeCommands,
  setexprCommands,
  sourceCommands,
  testCommands,
  tftpCommands,
  unavailableCommands,
  unpackCommands,
  versionCommands,
  wgetCommands,
]

/** All commands, by name. */
export const COMMANDS: readonly Command[] = GROUPS.flat().sort((a, b) => (a.name < b.name ? -1 : 1))
