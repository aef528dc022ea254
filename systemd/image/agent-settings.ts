/** The agent's settings on a board: what follows from the board, and what the lab decides. */

import type { Board } from '../boards/board.js'
import { FileTree } from './file-tree.js'

const SETTINGS_FILE = 'etc/fauxboot/agent.json'
const TOKEN_FILE = 'etc/fauxboot/token'

export interface LabSettings {
  /** what clients must send to change anything; without one only loopback may */
  readonly token?: string
  /** further settings by their names in `agent/config.ts`: `{ "fetchRetries": 2 }` */
  readonly settings?: Readonly<Record<string, unknown>>
}

/**
 * `/etc/fauxboot` of a board.
 *
 * @param board whose console targets talk on when a job does not say
 */
export function agentSettings(board: Board, { token, settings }: LabSettings = {}): FileTree {
  const { tty, baud } = board.console
  const files = new FileTree()
  if (token !== undefined) files.file(TOKEN_FILE, `${token}\n`, 0o600)
  const all = {
    console: `${tty},${baud}n8`,
    serial: `/dev/${tty}`,
    ...(token !== undefined && { tokenFile: `/${TOKEN_FILE}` }),
    ...settings,
  }
  return files.file(SETTINGS_FILE, `${JSON.stringify(all, null, 2)}\n`)
}
