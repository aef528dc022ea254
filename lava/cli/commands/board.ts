/** `fauxboot board`: what a board is and how it is. */

import type { Command } from 'commander'
import type { BoardView, LinkView, WatchdogView } from '../../../agent/boot/board/board.js'
import { renderFinding } from '../../client/job-display.js'
import { formatBytes } from '../../terminal/quantities.js'
import { renderPairs } from '../../terminal/table.js'
import { printable, type Terminal } from '../../terminal/terminal.js'
import { addBoardOptions, type BoardOptions, boardClient } from './board-options.js'

export function define(command: Command, terminal: Terminal): void {
  addBoardOptions(command, terminal)
    .addHelpText(
      'after',
      `
Examples:
  fauxboot board --board http://board:8080
  fauxboot board --board http://board:8080 --json`,
    )
    .action(async (options: BoardOptions) => {
      const client = await boardClient(options, 'board')
      const board = await client.board(terminal.io.signal)
      if (options.json) terminal.printJson(board)
      else terminal.print(renderBoard(terminal, board))
    })
}

function renderBoard(terminal: Terminal, board: BoardView): string {
  const { memory, artifacts, owner, queued } = board
  const ranges = memory.ram.map(({ first, last }) => `${first}-${last}`).join(', ')
  const pairs = renderPairs([
    ['model', printable(board.model ?? 'unknown')],
    ['compatible', board.compatible.map(printable).join(', ') || null],
    ['kernel', printable(`${board.kernel} (${board.machine})`)],
    ['memory', `${formatBytes(memory.available)} available of ${formatBytes(memory.total)}`],
    ['CPUs', String(board.cpus.possible)],
    ['RAM', ranges || 'unknown'],
    ['artifacts', `${artifacts.count} (${formatBytes(artifacts.stored)}), room for ${formatBytes(artifacts.limit)}`],
    ...board.links.map(link => ['link', renderLink(link)] as const),
    ...board.watchdogs.map(watchdog => ['watchdog', renderWatchdog(watchdog)] as const),
    ['serial line', renderSerialLine(board)],
    ['start', renderStart(board)],
    ['kexec', { true: 'an image is loaded', false: 'nothing is loaded', null: 'unknown' }[`${board.kexec.loaded}`]],
    ['job', owner === null ? 'none' : `${owner}${queued.length > 0 ? `, then ${queued.join(', ')}` : ''}`],
  ])
  return [pairs, ...board.findings.map(finding => renderFinding(terminal, finding))].join('\n')
}

function renderLink({ name, up, mac, addresses, kept }: LinkView): string {
  const parts = [name, up ? 'up' : 'down', mac, ...addresses, kept ? 'stays up over the jump' : null]
  return printable(parts.filter(part => part !== null).join(' '))
}

/** Null for a board without one; agents of earlier versions do not name it. */
function renderSerialLine({ serialLine }: BoardView): string | null {
  if (!serialLine) return null
  const { tty, baud, damage } = serialLine
  const counts = Object.entries(damage ?? {}).filter(([, count]) => count > 0)
  const input = counts.map(([kind, count]) => `${kind} ${count}`).join(', ') || 'none'
  const parts = [tty, baud && `${baud} bit/s`, damage && `damaged input: ${input}`]
  return printable(parts.filter(part => part !== null).join(', '))
}

/** How long the parts of a board's start took. Null where the board does not tell; agents of earlier versions do not name it. */
export function renderStart({ start }: Pick<BoardView, 'start'>): string | null {
  if (!start) return null
  const { systemd, process, agent, countdown, ready } = start
  const spans: readonly (readonly [string, number, number | null])[] = [
    ['kernel', 0, systemd],
    ['systemd', systemd ?? 0, process],
    ['Node', process, agent],
    ['countdown', agent, countdown],
    ['HTTP', countdown ?? agent, ready],
  ]
  const known = spans.flatMap(([name, from, to]) => (to === null ? [] : [`${name} ${(to - from).toFixed(1)} s`]))
  const prompt = countdown === null ? '' : `, the countdown after ${countdown.toFixed(1)} s`
  return `${known.join(' + ')}${prompt}`
}

function renderWatchdog({ name, identity, state, timeout, maxTimeout, nowayout }: WatchdogView): string {
  const limit = maxTimeout === null ? '' : `, at most ${maxTimeout} s`
  const parts = [
    name,
    identity,
    state,
    timeout && `timeout ${timeout} s${limit}`,
    nowayout ? 'cannot be stopped' : null,
  ]
  return printable(parts.filter(part => part !== null).join(' '))
}
