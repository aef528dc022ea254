/** The agent's settings on a board: some follow from the board's data, the lab chooses the others. */

import type { Board } from '../boards/board.js'
import { FileTree } from './file-tree.js'

const SETTINGS_FILE = 'etc/fauxboot/agent.json'
const TOKEN_FILE = 'etc/fauxboot/token'

export interface LabSettings {
  /** the token that clients must send to change anything; without one, only the board itself may */
  readonly token?: string
  /** more settings by their names in `agent/config.ts`: `{ "fetchRetries": 2 }` */
  readonly settings?: Readonly<Record<string, unknown>>
}

/**
 * The files of a board's `/etc/fauxboot`.
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
    ...(board.earlycon && { earlycon: true }),
    ...(token !== undefined && { tokenFile: `/${TOKEN_FILE}` }),
    ...settings,
  }
  return files.file(SETTINGS_FILE, `${JSON.stringify(all, null, 2)}\n`)
}
