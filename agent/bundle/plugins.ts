/** What is left out of the agent's one file, and what is loaded late. Only the build of the bundle uses this. */

import { readFileSync } from 'node:fs'
import { METHODS, STATUS_CODES } from 'node:http'
import { createRequire } from 'node:module'
import { type OnResolveArgs, type Plugin, transform } from 'esbuild'
import * as schemas from '../http/schemas/schemas.js'

const require = createRequire(import.meta.url)

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
const LATE = [
  'child_process',
  'crypto',
  'dns',
  'http',
  'http2',
  'https',
  'perf_hooks',
  'worker_threads',
  'semver',
  'yaml',
]

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
 * Packages that most boards never use, each in a file of its own: the bundle's text is in memory twice, in the snapshot that
 * Node keeps and in V8's heap.
 */
export const LATE_PACKAGES: readonly string[] = [
  '@fastify/swagger',
  '@fastify/swagger-ui',
  'tar-stream',
  'xz-decompress',
  'yaml',
  'zstddec',
]

/** The file of such a package: beside the bundle, where `@fastify/swagger-ui` looks for its logo. */
export const latePackageFile = (name: string): string => `late.${name.replace('@', '').replace('/', '-')}.cjs`

/** The places that load these packages late: `import()`, and the stand-ins of {@link LATE}. */
const latePackages: Plugin = {
  name: 'late-packages',
  setup({ onResolve, onLoad }) {
    onResolve({ filter: new RegExp(`^(${LATE_PACKAGES.join('|')})$`) }, ({ path, kind }: OnResolveArgs) =>
      kind === 'import-statement' ? undefined : { path, namespace: 'late-package' },
    )
    onLoad({ filter: /.*/, namespace: 'late-package' }, ({ path }) => ({
      // No constant, so esbuild leaves it as it is.
      contents: `module.exports = require(__dirname + '/${latePackageFile(path)}')`,
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

/** In packages, names within functions are short. Ours stay: stack traces in a board's log should be of use. */
const shortNames: Plugin = {
  name: 'short-names',
  setup({ onLoad }) {
    onLoad({ filter: /[/\\]node_modules[/\\].*\.[cm]?js$/ }, async ({ path }) => {
      const { code } = await transform(readFileSync(path, 'utf8'), { minifyIdentifiers: true, target: 'node20.19' })
      return { contents: code }
    })
  },
}

/** The first that has something to say of a module wins. */
export const AGENT_PLUGINS: Plugin[] = [schemasAsData, lateModules, latePackages, withoutUnused, shortNames]
