/**
 * Builds what runs on the board, `dist/board`: the agent as one file, the loader that starts it, the board's page, and
 * the viewer of the API's documents; and `dist/explain.html`, which runs nowhere but in a browser. Run as `node dist/agent/bundle/bundle.js [DIRECTORY]`.
 */

import { createHash } from 'node:crypto'
import { cpSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { basename, dirname, join } from 'node:path'
import { type BuildOptions, build } from 'esbuild'
import { bundlePage, explainPage } from './page.js'
import { AGENT_PLUGINS, LATE_PACKAGES, latePackageFile } from './plugins.js'

const LOADER = 'fauxboot-agent.cjs'
const AGENT = 'fauxboot-agent.main.cjs'
const SNAPSHOT = 'fauxboot-agent.snapshot.cjs'
/** What `@fastify/swagger-ui` serves, but for what its pages do not use. */
const VIEWER = 'static'
const NOT_VIEWED = ['swagger-ui.js', 'csp.json']

const require = createRequire(import.meta.url)
/** This file runs as `agent/bundle/bundle.ts` in tests, and as `dist/agent/bundle/bundle.js`. */
const PROJECT = join(
  import.meta.dirname,
  import.meta.dirname.endsWith(join('dist', 'agent', 'bundle')) ? '../../..' : '../..',
)

const COMMON: BuildOptions = {
  bundle: true,
  write: false,
  platform: 'node',
  target: 'node20.19',
  format: 'cjs',
  charset: 'ascii',
  // Names stay: stack traces in a board's log should be of use.
  minifySyntax: true,
  minifyWhitespace: true,
  legalComments: 'none',
  logLevel: 'warning',
  // A script has no `import()`; esbuild still loads modules of the bundle late.
  supported: { 'dynamic-import': false },
  define: { 'import.meta.dirname': '__dirname' },
}

/**
 * @param directory is emptied first
 * @returns the file to be run
 */
export async function bundleAgent(directory: string): Promise<string> {
  const { version }: { version: string } = JSON.parse(readFileSync(join(PROJECT, 'package.json'), 'utf8'))
  const agent = await bundled(AGENT, {
    entryPoints: [join(PROJECT, 'agent/main.ts')],
    // An expression: the loader calls it as Node calls a module.
    banner: { js: '(function (exports, require, module, __filename, __dirname) {' },
    footer: { js: '})' },
    define: { ...COMMON.define, FAUXBOOT_VERSION: JSON.stringify(version) },
    plugins: AGENT_PLUGINS,
  })
  const build = createHash('sha256').update(agent).digest('hex').slice(0, 16)
  const starters = { [LOADER]: 'loader.ts', [SNAPSHOT]: 'snapshot.ts' }
  rmSync(directory, { recursive: true, force: true })
  mkdirSync(directory, { recursive: true })
  writeFileSync(join(directory, AGENT), agent)
  for (const [name, source] of Object.entries(starters)) {
    const options = {
      entryPoints: [join(PROJECT, 'agent/bundle', source)],
      define: { ...COMMON.define, FAUXBOOT_BUILD: JSON.stringify(build) },
    }
    writeFileSync(join(directory, name), await bundled(name, options))
  }
  for (const name of LATE_PACKAGES) {
    const stdin = { contents: `module.exports = require('${name}')`, resolveDir: PROJECT }
    const file = latePackageFile(name)
    writeFileSync(join(directory, file), await bundled(file, { stdin, minifyIdentifiers: true }))
  }
  await bundlePage(PROJECT, join(directory, 'page'))
  const viewer = join(dirname(require.resolve('@fastify/swagger-ui')), VIEWER)
  cpSync(viewer, join(directory, VIEWER), {
    recursive: true,
    filter: file => !NOT_VIEWED.includes(basename(file)),
  })
  return join(directory, LOADER)
}

async function bundled(name: string, options: BuildOptions): Promise<Uint8Array> {
  const { outputFiles = [] } = await build({ ...COMMON, ...options, outfile: name })
  const [file] = outputFiles
  if (file === undefined) throw new Error(`esbuild made no ${name}`)
  return file.contents
}

if (process.argv[1] === import.meta.filename) {
  const [directory = join(PROJECT, 'dist/board')] = process.argv.slice(2)
  writeFileSync(join(PROJECT, 'dist/explain.html'), await explainPage(PROJECT))
  process.stdout.write(`${await bundleAgent(directory)}\n`)
}
