/** The agent's files on the board: its bundle, V8's compiled code for it, and the native addon. */

import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { cp } from 'node:fs/promises'
import { basename, dirname, join } from 'node:path'
import { fault } from '../../agent/errors.js'
import { cached, contentKey } from '../cache.js'
import { AGENT_BUNDLE, AGENT_PREBUILDS } from '../paths.js'
import { run } from '../run.js'
import { agentEnvironment } from './agent-environment.js'
import { FileTree } from './file-tree.js'

const AGENT_DIR = 'usr/lib/fauxboot'

/**
 * Files of the agent.
 *
 * @param tree Debian's packages for armhf, with the Node that will run the agent
 * @throws BUILD_INPUT if the agent has not been built; BUILD_TOOL
 */
export async function agentFiles(tree: string): Promise<FileTree> {
  for (const path of [AGENT_BUNDLE, AGENT_PREBUILDS]) {
    if (existsSync(path)) continue
    throw fault('BUILD_INPUT', {
      doing: 'putting the agent into an image',
      reason: `${path} is missing; run "npm run build"`,
    })
  }
  const compiled = await compiledBundle(tree)
  return new FileTree().copy(compiled, '', AGENT_DIR)
}

/**
 * The bundle with V8's compiled code beside it. V8 accepts compiled code only from the same version on the same
 * architecture, so the board's own Node makes it, running in QEMU's user mode.
 */
async function compiledBundle(tree: string): Promise<string> {
  const source = dirname(AGENT_BUNDLE)
  const files = readdirSync(source, { recursive: true, withFileTypes: true }).filter(entry => entry.isFile())
  const addons = readdirSync(AGENT_PREBUILDS)
  const environment = agentEnvironment()
  const contents = [
    JSON.stringify(environment),
    ...files.map(({ parentPath, name }) => readFileSync(join(parentPath, name))),
    ...addons.map(name => readFileSync(join(AGENT_PREBUILDS, name))),
  ]
  return cached('agent-bundle', contentKey([basename(tree), ...contents]), async making => {
    await cp(source, making, { recursive: true })
    await cp(AGENT_PREBUILDS, join(making, 'prebuilds', 'linux-arm'), { recursive: true })
    const agent = join(making, basename(AGENT_BUNDLE))
    const node = join(tree, 'usr/bin/node')
    const variables = Object.entries(environment).flatMap(([name, value]) => ['-E', `${name}=${value}`])
    const argv = ['qemu-arm', '-L', tree, ...variables, node, agent, '--build-cache'] as const
    await run("compiling the agent for the board's Node", argv)
  })
}
