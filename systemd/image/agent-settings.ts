/** The agent's settings on a board: those that follow from the board, and those that the lab chooses. */

import type { Board } from '../boards/board.js'
import { FileTree } from './file-tree.js'

const SETTINGS_FILE = 'etc/fauxboot/agent.json'
const TOKEN_FILE = 'etc/fauxboot/token'

export interface LabSettings {
  /** the token for changes; without one, only loopback may change anything */
  readonly token?: string
  /** further settings by their names in `agent/config.ts`: `{ "fetchRetries": 2 }` */
  readonly settings?: Readonly<Record<string, unknown>>
}

/**
 * `/etc/fauxboot` of a board.
 *
 * @param board its serial console is the default console of targets
 */
export function agentSettings(board: Board, { token, settings }: LabSettings = {}): FileTree {
  const { tty, baud } = board.console
  const files = new FileTree()
  if (token !== undefined) files.file(TOKEN_FILE, `${token}\n`, 0o600)
  const all = {
    targetConsole: `${tty},${baud}n8`,
    ubootSerial: `/dev/${tty}`,
    ...(token !== undefined && { tokenFile: `/${TOKEN_FILE}` }),
    ...settings,
  }
  return files.file(SETTINGS_FILE, `${JSON.stringify(all, null, 2)}\n`)
}
