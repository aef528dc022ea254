/** What U-Boot prints when it comes up, as far as a console has to show it. */

import type { Environment } from '../env/environment.js'
import type { EthernetDevice } from '../hardware/network.js'
import { sizeText } from '../lib/size-text.js'
import type { BoardFacts } from './board-facts.js'

/**
 * The line that names the version.
 *
 * @param release `2026.10-fauxboot`
 * @param built shown as U-Boot shows its build
 */
export function versionLine(release: string, built: Date): string {
  const [, day, month, year] = built.toUTCString().split(/[ ,]+/)
  return `U-Boot ${release} (${month} ${day} ${year} - ${built.toISOString().slice(11, 19)} +0000)`
}

/**
 * All lines up to the countdown.
 *
 * @param loaded the line about the saved environment
 */
export function bannerText(
  board: BoardFacts,
  devices: readonly EthernetDevice[],
  env: Environment,
  loaded: string,
): string {
  const device = (name: string): string => env.get(name) ?? 'serial'
  const dram = board.dram.reduce((sum, { start, end }) => sum + end - start, 0)
  const net = devices.map(({ name }, index) => `eth${index}: ${name}`)
  const lines = [
    '',
    '',
    [board.version, board.identity].filter(text => text !== '').join(' '),
    '',
    ...(board.cpu === null ? [] : [`CPU:   ${board.cpu}`]),
    ...(board.model === null ? [] : [`Model: ${board.model}`]),
    `DRAM:  ${sizeText(dram)}`,
    loaded,
    `In:    ${device('stdin')}`,
    `Out:   ${device('stdout')}`,
    `Err:   ${device('stderr')}`,
    `Net:   ${net.length === 0 ? 'No ethernet found.' : net.join(', ')}`,
  ]
  return lines.map(line => `${line}\n`).join('')
}
