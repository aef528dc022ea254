/** Which board a command talks to, and how it proves that it may. */

import { type Command, Option } from 'commander'
import { fault } from '../../../agent/errors.js'
import { BoardClient } from '../../client/board-client.js'
import { readToken } from '../../client/token-file.js'
import type { Terminal } from '../../terminal/terminal.js'

/** What the agent listens on unless its settings say otherwise. */
const AGENT_PORT = 8080

export interface BoardAddress {
  readonly board?: string
  readonly tokenFile?: string
}

export interface BoardOptions extends BoardAddress {
  readonly json?: boolean
}

/** Declare {@link addBoardAddress}'s options and `--json`. */
export function addBoardOptions(command: Command, terminal: Terminal): Command {
  return addBoardAddress(command, terminal).option('--json', 'print JSON')
}

/** Declare `--board` and `--token-file`, and what the environment may say instead. */
export function addBoardAddress(command: Command, terminal: Terminal): Command {
  const { FAUXBOOT_BOARD, FAUXBOOT_TOKEN_FILE } = terminal.io.env
  return command
    .addOption(
      new Option('--board <url>', 'the agent, such as http://board:8080; FAUXBOOT_BOARD in the environment').default(
        FAUXBOOT_BOARD || undefined,
      ),
    )
    .addOption(
      new Option('--token-file <file>', 'file with the bearer token; FAUXBOOT_TOKEN_FILE in the environment').default(
        FAUXBOOT_TOKEN_FILE || undefined,
      ),
    )
}

/**
 * A client for the board that is meant.
 *
 * @param command name of the command, for the usage error
 * @throws CLI_USAGE without a board or with one that is no http URL, CLI_FILE for the token
 */
export async function boardClient(options: BoardAddress, command: string): Promise<BoardClient> {
  const url = boardUrl(options.board, command)
  if (options.tokenFile === undefined) return new BoardClient(url)
  return new BoardClient(url, { token: await readToken(options.tokenFile) })
}

function boardUrl(board: string | undefined, command: string): URL {
  const usage = (reason: string) => fault('CLI_USAGE', { reason, command: `fauxboot ${command}` })
  if (board === undefined) throw usage('no board given: use --board URL or set FAUXBOOT_BOARD')
  if (/^https?:\/\//i.test(board) && URL.canParse(board)) return new URL(board)
  const meant = urlOfHost(board)
  throw usage(
    board.includes('://') || !URL.canParse(meant)
      ? `board '${board}' is not an http URL such as http://board:8080`
      : `board '${board}' is not a URL; did you mean ${meant} ?`,
  )
}

/** What somebody means who types a host, with or without a port. */
function urlOfHost(text: string): string {
  const [host = ''] = text.split('/', 1)
  const port = /:\d+$/.test(host) ? '' : `:${AGENT_PORT}`
  return `http://${host}${port}${text.slice(host.length)}`
}
