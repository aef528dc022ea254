/**
 * Starts the bundle beside it where no snapshot does (`snapshot.ts`): with V8's compiled code, when there is some that this
 * very Node made of this very bundle. `agent/bundle/bundle.ts` builds it; it is no module of the agent.
 */

import { readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { join } from 'node:path'
import { setFlagsFromString } from 'node:v8'
import { Script } from 'node:vm'
import type * as Main from '../main.js'
import { V8_FLAG } from './v8-flag.js'

/** Names the bundle's content; V8 itself compares no more than its length. Filled in by `agent/bundle/bundle.ts`. */
declare const FAUXBOOT_BUILD: string

const BUNDLE = 'fauxboot-agent.main.cjs'

const directory = import.meta.dirname
const cacheFile = join(directory, `fauxboot-agent.${process.arch}.${FAUXBOOT_BUILD}.cache`)

function readCache(): Buffer | undefined {
  try {
    return readFileSync(cacheFile)
  } catch {
    // Missing or unreadable: the agent starts without it, only more slowly.
    return undefined
  }
}

setFlagsFromString(V8_FLAG)
const filename = join(directory, BUNDLE)

/** @returns the compiled bundle, and whether the cache was of use */
function compile(): { readonly script: Script; readonly used: boolean } {
  // V8 copies what it needs. This function must end, or the cache would stay in memory.
  const cachedData = readCache()
  // The bundle is ASCII, and V8 keeps Latin-1 as it is: one byte for each character, and no decoding.
  const script = new Script(readFileSync(filename, 'latin1'), { filename, cachedData })
  return { script, used: cachedData !== undefined && script.cachedDataRejected === false }
}

const { script, used } = compile()
const bundle = { exports: {} as typeof Main }
script.runInThisContext()(bundle.exports, createRequire(filename), bundle, filename, directory)
void bundle.exports.main(process.argv.slice(2), process.env, {
  from: used ? 'cache' : 'source',
  cache: { file: cacheFile, create: () => script.createCachedData() },
})
