/** The table of commands. A new group is one line here. */

import { bdinfoCommands } from './commands/board/bdinfo.js'
import { configCommands } from './commands/board/config.js'
import { dateCommands } from './commands/board/date.js'
import { deviceCommands } from './commands/board/devices.js'
import { gpioCommands } from './commands/board/gpio.js'
import { powerCommands } from './commands/board/power.js'
import { bootCommands } from './commands/boot/boot.js'
import { bootflowCommands } from './commands/boot/bootflow.js'
import { bootmenuCommands } from './commands/boot/bootmenu.js'
import { bootstdCommands } from './commands/boot/bootstd.js'
import { pxeCommands } from './commands/boot/pxe.js'
import { blockCommands } from './commands/disk/block.js'
import { fileTextCommands } from './commands/disk/file-text.js'
import { fileCommands } from './commands/disk/files.js'
import { partCommands } from './commands/disk/part.js'
import { envCommands } from './commands/env/env.js'
import { fdtCommands } from './commands/image/fdt.js'
import { imageCommands } from './commands/image/images.js'
import { unpackCommands } from './commands/image/unpack.js'
import { checksumCommands } from './commands/memory/checksum.js'
import { memoryDisplayCommands } from './commands/memory/memory-display.js'
import { memoryFillCommands } from './commands/memory/memory-fill.js'
import { memoryModifyCommands } from './commands/memory/memory-modify.js'
import { memoryTestCommands } from './commands/memory/memory-test.js'
import { dhcpCommands } from './commands/net/dhcp.js'
import { netCommands } from './commands/net/net.js'
import { nfsCommands } from './commands/net/nfs.js'
import { pingCommands } from './commands/net/ping.js'
import { tftpCommands } from './commands/net/tftp.js'
import { wgetCommands } from './commands/net/wget.js'
import { echoCommands } from './commands/shell/echo.js'
import { flowCommands } from './commands/shell/flow.js'
import { helpCommands } from './commands/shell/help.js'
import { itestCommands } from './commands/shell/itest.js'
import { setexprCommands } from './commands/shell/setexpr.js'
import { sourceCommands } from './commands/shell/source.js'
import { testCommands } from './commands/shell/test.js'
import { versionCommands } from './commands/shell/version.js'
import { unavailableCommands } from './commands/unavailable.js'
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
