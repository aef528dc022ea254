/** The agent's files on the board: its bundle, V8's snapshot and compiled code of it, and the native addon. */

import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { cp } from 'node:fs/promises'
import { basename, dirname, join } from 'node:path'
import { fault } from '../../agent/errors.js'
import { cached, contentKey } from '../cache.js'
import { AGENT_BUNDLE, AGENT_PREBUILDS, UNITS_DIR } from '../paths.js'
import { run } from '../run.js'
import { agentEnvironment } from './agent-environment.js'
import { FileTree } from './file-tree.js'

const AGENT_DIR = 'usr/lib/fauxboot'

/** Made by the image's Node, of the bundle. */
const SNAPSHOT = 'fauxboot-agent.snapshot'

/** How the unit starts Node with the snapshot: V8 refuses it when its flags differ. */
const START = /\/usr\/bin\/node (.*)"\$\$@"/

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
 * Node's flags in the unit that starts the agent.
 *
 * @param unit text of `fauxboot-agent.service`
 * @throws BUILD_INPUT if it starts the agent in another way
 */
export function nodeFlags(unit: string): string[] {
  const [, flags] = START.exec(unit) ?? []
  if (flags === undefined) {
    throw fault('BUILD_INPUT', { doing: "reading Node's flags", reason: `the agent's unit has no ${START}` })
  }
  return flags.split(' ').filter(Boolean)
}

/**
 * The bundle with its snapshot and, for a start without that, V8's compiled code. V8 accepts both only from the same
 * version on the same architecture, so the board's own Node makes them, running in QEMU's user mode.
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
  const flags = nodeFlags(readFileSync(join(UNITS_DIR, 'fauxboot-agent.service'), 'utf8'))
  const key = contentKey([basename(tree), ...flags, ...contents])
  return cached('agent-bundle', key, async making => {
    await cp(source, making, { recursive: true })
    await cp(AGENT_PREBUILDS, join(making, 'prebuilds', 'linux-arm'), { recursive: true })
    const variables = Object.entries(environment).flatMap(([name, value]) => ['-E', `${name}=${value}`])
    const node = ['qemu-arm', '-L', tree, ...variables, join(tree, 'usr/bin/node'), ...flags] as const
    const agent = join(making, basename(AGENT_BUNDLE))
    await run("compiling the agent for the board's Node", [...node, agent, '--build-cache'])
    const snapshot = ['--snapshot-blob', join(making, SNAPSHOT), '--build-snapshot']
    const maker = agent.replace(/\.cjs$/, '.snapshot.cjs')
    await run("making the agent's snapshot", [...node, ...snapshot, maker, `/${AGENT_DIR}`])
  })
}
