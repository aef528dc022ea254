/** The agent as it lies on the board: one bundled file and the native addon beside it. */

import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { basename, dirname, join } from 'node:path'
import { FileTree } from './file-tree.js'
import { AGENT_BUNDLE, AGENT_PREBUILDS } from './paths.js'

const AGENT_DIR = 'usr/lib/fauxboot'

/** Answers until there is an agent: the image can be made and started without it. */
const PLACEHOLDER = `'use strict'
const { createServer } = require('node:http')
const { execFile } = require('node:child_process')
const server = createServer((request, response) => {
  const known = request.url === '/healthz'
  response.writeHead(known ? 200 : 404, { 'content-type': 'application/json' })
  response.end(JSON.stringify({ status: known ? 'placeholder' : 'not found' }) + '\\n')
})
server.listen(8080, () => execFile('systemd-notify', ['--ready'], () => setInterval(() => execFile('systemd-notify', ['WATCHDOG=1'], () => undefined), 20000)))
`

/**
 * Files of the agent.
 *
 * @param bundle the agent's one file; whatever else lies beside it (a code cache) comes along
 * @param prebuilds folder with the addon for linux-arm
 */
export function agentFiles(bundle = AGENT_BUNDLE, prebuilds = AGENT_PREBUILDS): FileTree {
  const files = new FileTree()
  if (!existsSync(bundle)) return files.file(`${AGENT_DIR}/${basename(bundle)}`, PLACEHOLDER)
  const dir = dirname(bundle)
  for (const name of readdirSync(dir).sort()) {
    if (!name.endsWith('.map')) files.copy(dir, name, `${AGENT_DIR}/${name}`)
  }
  const addons = existsSync(prebuilds) ? readdirSync(prebuilds).sort() : []
  for (const name of addons.filter(file => file.endsWith('.node'))) {
    files.file(`${AGENT_DIR}/prebuilds/linux-arm/${name}`, readFileSync(join(prebuilds, name)))
  }
  return files
}
