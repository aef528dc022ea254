/**
 * Compiles the TypeScript sources to `dist/`, file by file with source maps, and removes what a deleted source has left
 * there. It does not check types, `npm run lint` does: so it takes a second, and nothing when nothing has changed.
 *
 * Usage: node test/compile.mjs
 */
import { mkdirSync, readdirSync, rmSync, statSync, utimesSync, writeFileSync } from 'node:fs'
import { dirname, join, resolve } from 'node:path'
import { fileURLToPath } from 'node:url'
import { needPackage } from './npm-packages.mjs'

/** The folders of `tsconfig.json`. */
export const FOLDERS = ['agent', 'lava', 'native', 'systemd', 'test']
const PROJECT = resolve(import.meta.dirname, '..')
/** A change of these changes all output. */
const SETTINGS = ['tsconfig.json', 'test/compile.mjs', 'node_modules/esbuild/package.json']

/**
 * @returns the JavaScript files that were written or removed, relative to the project
 * @throws esbuild's list of syntax errors, which it has printed
 */
export async function compile() {
  const settingsChanged = Math.max(...SETTINGS.map(file => statOf(file)?.ctimeMs ?? 0))
  const sources = FOLDERS.flatMap(folder => filesBelow(folder, /(?<!\.d)\.ts$/)).map(file => ({
    file,
    mtime: new Date(statOf(file)?.mtime ?? 0),
    output: join('dist', file.replace(/ts$/, 'js')),
  }))
  const wanted = new Set(sources.flatMap(({ output }) => [output, `${output}.map`]))
  const stale = FOLDERS.flatMap(folder => filesBelow(join('dist', folder), /\.js(\.map)?$/)).filter(
    file => !wanted.has(file),
  )
  for (const file of stale) rmSync(join(PROJECT, file))
  const changed = sources.filter(({ mtime, output }) => {
    const compiled = statOf(output)
    return compiled?.mtime.getTime() !== mtime.getTime() || compiled.ctimeMs < settingsChanged
  })
  await transform(changed.map(source => source.file))
  // The time of its source says what an output was made from, whichever way the source changes.
  for (const { output, mtime } of changed) utimesSync(join(PROJECT, output), mtime, mtime)
  return [...stale.filter(file => file.endsWith('.js')), ...changed.map(source => source.output)]
}

async function transform(files) {
  if (files.length === 0) return
  needPackage('esbuild')
  const { build } = await import('esbuild')
  const { outputFiles } = await build({
    absWorkingDir: PROJECT,
    entryPoints: files,
    outdir: 'dist',
    outbase: '.',
    format: 'esm',
    platform: 'node',
    target: 'node20.19',
    sourcemap: true,
    sourcesContent: false,
    logLevel: 'warning',
    write: false,
  })
  for (const { path, contents } of outputFiles) {
    mkdirSync(dirname(path), { recursive: true })
    writeFileSync(path, contents)
  }
}

/** @returns paths relative to the project, in order; none when there is no such folder */
export function filesBelow(folder, name) {
  if (statOf(folder) === undefined) return []
  return readdirSync(join(PROJECT, folder), { recursive: true })
    .map(entry => join(folder, entry))
    .filter(file => name.test(file))
    .sort()
}

function statOf(file) {
  return statSync(join(PROJECT, file), { throwIfNoEntry: false })
}

if (process.argv[1] === fileURLToPath(import.meta.url)) await compile()
