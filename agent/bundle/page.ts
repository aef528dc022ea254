/** Builds the board's page: scripts and style with their digests in their names, and all of it packed with gzip. */

import { createHash } from 'node:crypto'
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { basename, join } from 'node:path'
import { constants, gzipSync } from 'node:zlib'
import { type BuildOptions, build, type OutputFile, type Plugin } from 'esbuild'

/** What Node gives to the planner, for browsers. */
const BUFFER = createRequire(import.meta.url).resolve('buffer/')

/** Decompressors that only the board has: the page has the browser's, and leaves what is left to the board. */
const BOARD_ONLY = /[/\\](decompress-(gzip|xz|zstd)|decompression-tool)\.js$/
const withoutBoardOnly: Plugin = {
  name: 'without-board-only',
  setup({ onResolve, onLoad }) {
    onResolve({ filter: BOARD_ONLY }, ({ path }) => ({ path, namespace: 'board-only' }))
    onLoad({ filter: /.*/, namespace: 'board-only' }, () => ({ contents: '' }))
  },
}

/** @param project folder of package.json */
const options = (project: string): BuildOptions => ({
  absWorkingDir: project,
  bundle: true,
  write: false,
  minify: true,
  format: 'esm',
  platform: 'browser',
  target: ['es2022', 'chrome110', 'firefox115', 'safari16.4'],
  legalComments: 'none',
  logLevel: 'warning',
  alias: {
    buffer: BUFFER,
    'node:timers/promises': './agent/http/page/node/timers.ts',
    'node:zlib': './agent/http/page/node/zlib.ts',
  },
  plugins: [withoutBoardOnly],
  inject: ['./agent/http/page/node/globals.ts'],
})

/**
 * Build the page.
 *
 * @param project folder of package.json
 * @param directory is made; it gets one `.gz` file for each file of the page
 * @returns bytes of all of them
 */
export async function bundlePage(project: string, directory: string): Promise<number> {
  const { outputFiles = [] } = await build({
    ...options(project),
    entryPoints: ['agent/http/page/main.ts', 'agent/http/page/page.css'],
    splitting: true,
    outdir: 'page',
    entryNames: '[name]-[hash]',
    chunkNames: '[name]-[hash]',
  })
  const page = readFileSync(join(project, 'agent/http/page/page.html'), 'utf8')
    .replace('STYLE', `page/${nameOf(outputFiles, '.css')}`)
    .replace('SCRIPT', `page/${nameOf(outputFiles, '.js', 'main-')}`)
  const files = [
    { name: 'index.html', contents: Buffer.from(page) },
    ...outputFiles.map(({ path, contents }) => ({ name: basename(path), contents })),
  ]
  mkdirSync(directory, { recursive: true })
  const packed = files.map(({ name, contents }) => {
    const bytes = gzipSync(contents, { level: constants.Z_BEST_COMPRESSION })
    writeFileSync(join(directory, `${name}.gz`), bytes)
    return bytes.length
  })
  return packed.reduce((sum, size) => sum + size, 0)
}

/**
 * Build the page that explains logs without a board.
 *
 * @param project folder of package.json
 * @returns one HTML file that loads nothing
 */
export async function explainPage(project: string): Promise<string> {
  const { outputFiles = [] } = await build({
    ...options(project),
    entryPoints: ['agent/http/page/explain-page.ts', 'agent/http/page/page.css'],
    outdir: 'page',
  })
  const contentOf = (ending: string): string => outputFiles.find(({ path }) => path.endsWith(ending))?.text.trim() ?? ''
  const [script, style] = [contentOf('.js'), contentOf('.css')]
  const policy = `default-src 'none'; script-src '${digestOf(script)}'; style-src '${digestOf(style)}'; base-uri 'none'; form-action 'none'`
  // Functions: a text would have its `$` replaced.
  return readFileSync(join(project, 'agent/http/page/explain.html'), 'utf8')
    .replace('POLICY', () => policy)
    .replace('<style></style>', () => `<style>${style}</style>`)
    .replace('<script type="module"></script>', () => `<script type="module">${script}</script>`)
}

/** As a content security policy names an inline script. */
const digestOf = (text: string): string => `sha256-${createHash('sha256').update(text).digest('base64')}`

function nameOf(files: readonly OutputFile[], ending: string, start = ''): string {
  const names = files.map(({ path }) => basename(path))
  const name = names.find(name => name.startsWith(start) && name.endsWith(ending))
  if (name === undefined) throw new Error(`esbuild made no ${start}*${ending}`)
  return name
}
