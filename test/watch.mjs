/** Runs the unit tests that a change affects, for as long as it is not interrupted. */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { readFileSync, watch } from 'node:fs'
import { dirname, join, relative } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { compile, FOLDERS, filesBelow } from './compile.mjs'

/** An editor saves, and git checks out, with several changes in a row. */
const SETTLE_MS = 100

/**
 * Compile and run on every change below the source folders. A changed module affects the tests that import it,
 * directly or not; a changed data file affects those that name it.
 *
 * @param {string[]} paths test files and folders to choose from, relative to the project
 */
export async function watchTests(paths) {
  const data = new Set()
  let wake = () => {}
  let pending = false
  for (const folder of FOLDERS)
    watch(folder, { recursive: true }, (_, file) => {
      if (file && !file.endsWith('.ts')) data.add(file.split('/').at(-1))
      pending = true
      wake()
    })
  await compile()
  console.log('waiting for a change; Ctrl-C ends')
  for (;;) {
    await new Promise(resolve => {
      wake = resolve
      if (pending) resolve()
    })
    await delay(SETTLE_MS)
    pending = false
    // esbuild has printed what is wrong; the next change tries again.
    const changed = await compile().catch(() => [])
    const tests = affectedTests(new Set(changed), data).filter(file => paths.some(path => file.startsWith(path)))
    data.clear()
    if (tests.length > 0)
      await once(spawn(process.execPath, ['test/run-tests.mjs', ...tests], { stdio: 'inherit' }), 'exit')
  }
}

/** @returns sources of tests */
function affectedTests(changed, data) {
  const importers = new Map()
  const affected = new Set(changed)
  for (const file of FOLDERS.flatMap(folder => filesBelow(join('dist', folder), /\.js$/))) {
    const text = readFileSync(file, 'utf8')
    if ([...data].some(name => text.includes(name))) affected.add(file)
    for (const [, path] of text.matchAll(/(?:from |import |import\()["'](\.[^"']*)["']/g)) {
      const imported = join(dirname(file), path)
      importers.set(imported, [...(importers.get(imported) ?? []), file])
    }
  }
  // A set that grows while it is walked: importers of importers follow.
  for (const file of affected) for (const importer of importers.get(file) ?? []) affected.add(importer)
  return [...affected]
    .filter(file => file.startsWith('dist/test/unit/') && file.endsWith('.test.js'))
    .map(file => relative('dist', file).replace(/js$/, 'ts'))
    .sort()
}
