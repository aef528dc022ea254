/** Paths in the checkout. They are the same for the sources and for the compiled files in `dist`. */

import { existsSync } from 'node:fs'
import { homedir } from 'node:os'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { fault } from '../agent/errors.js'

function findRoot(from: string): string {
  for (let dir = from; ; dir = dirname(dir)) {
    if (existsSync(join(dir, 'package.json'))) return dir
    if (dir === dirname(dir))
      throw fault('BUILD_INPUT', {
        doing: 'finding the project',
        reason: `no package.json above ${from}`,
      })
  }
}

/** The project's folder: the one with package.json. */
export const PROJECT_DIR = findRoot(dirname(fileURLToPath(import.meta.url)))

/** A package that npm installed may lie where this user cannot write, and another version replaces it. */
function defaultCache(): string {
  if (!PROJECT_DIR.includes('/node_modules/')) return join(PROJECT_DIR, '.cache')
  return join(process.env.XDG_CACHE_HOME ?? join(homedir(), '.cache'), 'fauxboot')
}

/** The cache of built images; the variable `FAUXBOOT_CACHE` moves it, for instance out of a fresh clone. */
export const CACHE_DIR = process.env.FAUXBOOT_CACHE ?? defaultCache()

export const BOARDS_DIR = join(PROJECT_DIR, 'systemd', 'boards')
export const UNITS_DIR = join(PROJECT_DIR, 'systemd', 'units')

/** The bundled agent, and the folder with its native addon for the boards. */
export const AGENT_BUNDLE = join(PROJECT_DIR, 'dist', 'board', 'fauxboot-agent.cjs')
export const AGENT_PREBUILDS = join(PROJECT_DIR, 'native', 'prebuilds', 'linux-arm')
