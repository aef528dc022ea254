/**
 * Builds what runs on the board, `dist/board`: the agent as one file, the loader that starts it, the board's page, and
 * the viewer of the API's documents; and `dist/explain.html`, which runs nowhere but in a browser. Run as `node dist/agent/bundle/bundle.js [DIRECTORY]`.
 */

import { createHash } from 'node:crypto'
import { cpSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { METHODS, STATUS_CODES } from 'node:http'
import { createRequire } from 'node:module'
import { basename, dirname, join } from 'node:path'
import { type BuildOptions, build, type Plugin } from 'esbuild'
import * as schemas from '../http/schemas/schemas.js'
import { bundlePage, explainPage } from './page.js'

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

/** The schemas are data: typebox makes them here, not on the board. */
const schemasAsData: Plugin = {
  name: 'schemas-as-data',
  setup({ onLoad }) {
    onLoad({ filter: /[/\\]agent[/\\]http[/\\]schemas[/\\]schemas\.[jt]s$/ }, () => ({
      contents: Object.entries(schemas)
        .map(([name, schema]) => `export const ${name} = ${JSON.stringify(schema)}`)
        .join('\n'),
    }))
  },
}

/**
 * Modules that are required at the top of some file, but needed late or never. Loading them takes a third of the time
 * from start to listening.
 */
const LATE = ['child_process', 'crypto', 'dns', 'http', 'http2', 'https', 'perf_hooks', 'worker_threads', 'semver']

/** What packages read of late modules when they load. A snapshot cannot hold `http` and `worker_threads`. */
const CONSTANTS: Readonly<Record<string, Readonly<Record<string, unknown>>>> = {
  http: { METHODS, STATUS_CODES },
  worker_threads: { isMainThread: true },
}

/** Stand-ins that load the module on first use. */
const lateModules: Plugin = {
  name: 'late-modules',
  setup({ onResolve, onLoad }) {
    onResolve({ filter: new RegExp(`^(node:)?(${LATE.join('|')})$`) }, ({ path, namespace, resolveDir }) =>
      namespace === 'late' ? undefined : { path, namespace: 'late', pluginData: resolveDir },
    )
    onLoad({ filter: /.*/, namespace: 'late' }, ({ path, pluginData }) => ({
      contents: `let loaded
        const constants = ${JSON.stringify(CONSTANTS[path.replace('node:', '')] ?? {})}
        for (const key of ${JSON.stringify(Object.keys(require(path)))}) {
          const get = () => constants[key] ?? (loaded ??= require('${path}'))[key]
          Object.defineProperty(exports, key, { enumerable: true, get })
        }`,
      resolveDir: pluginData,
    }))
  },
}

/**
 * Fastify loads its compilers only when it is given none: see `agent/http/schemas/lazy-schemas.ts`. pino uses
 * `thread-stream` for transports, which a bundle cannot have.
 */
const UNUSED = /^(@fastify\/(ajv-compiler|fast-json-stringify-compiler)(\/|$)|thread-stream$)/
const withoutUnused: Plugin = {
  name: 'without-unused',
  setup({ onResolve, onLoad }) {
    onResolve({ filter: UNUSED }, ({ path }) => ({ path, namespace: 'unused' }))
    onLoad({ filter: /.*/, namespace: 'unused' }, () => ({ contents: '' }))
  },
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
    plugins: [schemasAsData, lateModules, withoutUnused],
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
