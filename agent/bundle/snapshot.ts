/**
 * Makes V8's start-up snapshot of the agent. Node then starts with the bundle and its own modules in memory; Debian's Node
 * for armhf otherwise compiles its own modules at each start. `agent/bundle/bundle.ts` builds this file; it is no module of
 * the agent.
 *
 *     node --snapshot-blob FILE --build-snapshot fauxboot-agent.snapshot.cjs [DIRECTORY]
 *     node --snapshot-blob FILE DIRECTORY/fauxboot-agent.cjs [SETTING...]
 *
 * Both need the same Node with the same flags of V8, or Node ends with {@link SNAPSHOT_FAILURE}. DIRECTORY is where the
 * bundle will lie; default: beside this file.
 */

import { createHook } from 'node:async_hooks'
import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { setFlagsFromString, startupSnapshot } from 'node:v8'
import { Script } from 'node:vm'
import type * as Main from '../main.js'
import { V8_FLAG } from './v8-flag.js'

/** Names the bundle's content. Filled in by `agent/bundle/bundle.ts`. */
declare const FAUXBOOT_BUILD: string

const BUNDLE = 'fauxboot-agent.main.cjs'

/** Node's own exit code for a snapshot that it cannot use. */
const SNAPSHOT_FAILURE = 14

/** Modules of Node that the agent loads late, and that a snapshot can hold. */
const LATE = ['child_process', 'crypto', 'dns', 'perf_hooks']

/** The agent's `require`: modules of Node, and the addon, which is loaded when the snapshot runs. */
function load(id: string): unknown {
  return process.getBuiltinModule(id) ?? process.getBuiltinModule('node:module').createRequire(id)(id)
}

/**
 * Timers that are pending, by the id of their resource. V8 would keep one that does not hold the process, with a time of the
 * machine that makes the snapshot: on the board, each timer of the same duration would wait for it, a minute or more.
 */
const timers = new Map<number, NodeJS.Timeout>()
const watch = createHook({
  init(id, type, _, resource) {
    if (type === 'Timeout') timers.set(id, resource as NodeJS.Timeout)
  },
  destroy(id) {
    timers.delete(id)
  },
}).enable()

const [, , directory = import.meta.dirname] = process.argv
const filename = join(directory, BUNDLE)
const bundle = { exports: {} as typeof Main }
for (const name of LATE) load(name)
const script = new Script(readFileSync(join(import.meta.dirname, BUNDLE), 'latin1'), { filename })
script.runInThisContext()(bundle.exports, load, bundle, filename, directory)
void bundle.exports.warmUp()

startupSnapshot.addSerializeCallback(() => {
  watch.disable()
  if (timers.size === 0) return
  process.stderr.write(`fauxboot-agent: ${timers.size} timers are pending, and would be in the snapshot\n`)
  process.exit(SNAPSHOT_FAILURE)
})

startupSnapshot.setDeserializeMainFunction(() => {
  const [, loader = '', ...argv] = process.argv
  // The loader names its bundle, too.
  if (!existsSync(loader) || !readFileSync(loader, 'latin1').includes(FAUXBOOT_BUILD)) {
    process.stderr.write(`fauxboot-agent: the snapshot holds another bundle than that of ${loader}\n`)
    process.exit(SNAPSHOT_FAILURE)
  }
  setFlagsFromString(V8_FLAG)
  void bundle.exports.main(argv, process.env, { from: 'snapshot', cache: null })
})
