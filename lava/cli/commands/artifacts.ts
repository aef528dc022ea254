/** `fauxboot artifacts`: the files kept on a board. They fill its memory until they are removed or it is reset. */

import type { Command } from 'commander'
import type { ArtifactView } from '../../../agent/boot/artifacts/artifact-store.js'
import { formatBytes } from '../../terminal/quantities.js'
import { renderTable } from '../../terminal/table.js'
import type { Terminal } from '../../terminal/terminal.js'
import { addBoardOptions, type BoardOptions, boardClient } from './board-options.js'

export function define(command: Command, terminal: Terminal): void {
  command.addHelpText(
    'after',
    `
Examples:
  fauxboot artifacts list --board http://board:8080
  fauxboot artifacts rm --board http://board:8080 vmlinuz-0a1b2c3d4e5f6071`,
  )

  addBoardOptions(command.command('list', { isDefault: true }).description('list them'), terminal).action(
    async (options: BoardOptions) => {
      const client = await boardClient(options, 'artifacts')
      const artifacts = await client.artifacts(terminal.io.signal)
      if (options.json) terminal.printJson(artifacts)
      else terminal.print(renderArtifacts(artifacts))
    },
  )

  addBoardOptions(command.command('rm <names...>').description('remove them'), terminal).action(
    async (names: readonly string[], options: BoardOptions) => {
      const client = await boardClient(options, 'artifacts')
      for (const name of names) await client.removeArtifact(name, terminal.io.signal)
      if (options.json) terminal.printJson({ removed: names })
      else terminal.print(`removed ${names.join(', ')}`)
    },
  )
}

function renderArtifacts(artifacts: readonly ArtifactView[]): string {
  if (artifacts.length === 0) return 'no artifacts'
  const rows = artifacts.map(({ name, size, received, complete, sha256, usedBy }) => [
    name,
    complete ? formatBytes(received) : `${formatBytes(received)} of ${size === null ? '?' : formatBytes(size)}`,
    sha256?.slice(0, 12) ?? 'incomplete',
    usedBy === null ? '' : `job ${usedBy}`,
  ])
  return renderTable(['NAME', 'SIZE', 'SHA256', 'USED BY'], rows)
}
