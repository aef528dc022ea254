/** The agent as it lies on the board: one bundled file and the native addon beside it. */

import { existsSync, readdirSync } from 'node:fs'
import { dirname } from 'node:path'
import { fault } from '../agent/errors.js'
import { FileTree } from './file-tree.js'
import { AGENT_BUNDLE, AGENT_PREBUILDS } from './paths.js'

const AGENT_DIR = 'usr/lib/fauxboot'

/**
 * Files of the agent.
 *
 * @param bundle the agent's one file; whatever else lies beside it (a code cache) comes along
 * @param prebuilds folder with the addon for linux-arm
 * @throws BUILD_INPUT when one of them was not built
 */
export function agentFiles(bundle = AGENT_BUNDLE, prebuilds = AGENT_PREBUILDS): FileTree {
  const files = new FileTree()
  for (const path of [bundle, prebuilds]) {
    if (existsSync(path)) continue
    throw fault('BUILD_INPUT', {
      doing: 'putting the agent into an image',
      reason: `${path} is missing: npm run build`,
    })
  }
  const dir = dirname(bundle)
  for (const name of readdirSync(dir).sort()) {
    if (!name.endsWith('.map')) files.copy(dir, name, `${AGENT_DIR}/${name}`)
  }
  return files.copy(prebuilds, '', `${AGENT_DIR}/prebuilds/linux-arm`)
}
