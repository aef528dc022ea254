/**
 * Compiles the sources and runs the unit tests, as many files at a time as there are cores. Prints the failures, what was
 * skipped with its reason, and the totals; the TAP goes to `.tap/out/unit.tap`. Ends with 1 when a test failed.
 *
 * Each file runs in a plain Node process. `tap run` would load its import hooks into each, which takes longer than most
 * files here.
 *
 * Usage: node test/unit.mjs [--coverage | --watch] [FILE | FOLDER]...
 *
 *   --coverage   also measure which lines ran, and fail when some did not (see coverage.mjs)
 *   --watch      keep running: compile on every change, and run the files that it affects
 */
import { createWriteStream, existsSync, mkdirSync } from 'node:fs'
import { availableParallelism } from 'node:os'
import { join, relative, resolve } from 'node:path'
import { finished } from 'node:stream/promises'
import { parseArgs } from 'node:util'
import t from 'tap'
import { compile, filesBelow } from './compile.mjs'
import { coverageOptions, reportCoverage } from './coverage.mjs'
import { nameOf, readTests, totals } from './tap-tree.mjs'
import { watchTests } from './watch.mjs'

/** Time limit of one file. The slowest takes seconds, on a busy machine several times as long. */
const TIMEOUT_MS = 120_000
const OUT = '.tap/out/unit.tap'

process.chdir(join(import.meta.dirname, '..'))
const { values, positionals } = parseArgs({
  options: { coverage: { type: 'boolean' }, watch: { type: 'boolean' } },
  allowPositionals: true,
})
const wanted = positionals.length === 0 ? ['test/unit'] : positionals.map(path => relative('.', resolve(path)))
if (values.watch) await watchTests(wanted)
else await runTests(wanted)

async function runTests(paths) {
  const started = performance.now()
  await compile()
  const files = testFiles(paths)
  const progress = startProgress(files.length)
  const { parser, tests } = readTests()
  mkdirSync('.tap/out', { recursive: true })
  const written = t.pipe(createWriteStream(OUT))
  t.pipe(parser)
  parser.on('assert', progress.next)
  // One more than cores: some tests wait.
  t.jobs = availableParallelism() + 1
  t.setTimeout(0)
  const node = ['--enable-source-maps', '--disable-warning=ExperimentalWarning']
  // Without TAP_TIMEOUT, tap ends a file after 30 seconds.
  const env = { ...process.env, TAP_TIMEOUT: `${TIMEOUT_MS / 1000}`, ...(values.coverage ? coverageOptions() : {}) }
  const runs = files.map(name =>
    t.spawn(process.execPath, [...node, compiled(name)], { name, env, buffered: true, timeout: TIMEOUT_MS }),
  )
  t.end()
  await Promise.all([...runs, finished(written)])
  progress.end()
  for (const failure of tests.failed) await printFailure(failure)
  for (const skipped of tests.skipped) console.log(`skipped: ${nameOf(skipped)}: ${skipped.reason}`)
  if (values.coverage && !(await reportCoverage())) process.exitCode = 1
  console.log(`${totals(tests)}; ${files.length} files, ${Math.round((performance.now() - started) / 1000)} s`)
}

/** @returns the test files among `paths` and below them */
function testFiles(paths) {
  const files = paths.flatMap(path => (path.endsWith('.test.ts') ? [path] : filesBelow(path, /\.test\.ts$/)))
  const missing = files.length === 0 ? paths : files.filter(file => !existsSync(file))
  if (missing.length === 0) return files
  console.error(`test/unit.mjs: no tests in ${missing.join(', ')}`)
  process.exit(1)
}

function compiled(file) {
  return `dist/${file.replace(/ts$/, 'js')}`
}

/** Print how far the run is, in one line that is rewritten; on a terminal only. */
function startProgress(count) {
  let done = 0
  const print = text => process.stdout.isTTY && process.stdout.write(`\r\x1b[K${text}`)
  return {
    next: ({ name, ok }) => {
      done++
      print(`${done}/${count} ${ok ? '' : 'FAILED '}${name}${ok ? '' : '\n'}`)
    },
    end: () => print(''),
  }
}

async function printFailure({ path, results }) {
  // Loaded only here: most runs need none of it.
  const { stringify } = await import('yaml')
  console.log(`FAILED: ${nameOf({ path })}`)
  for (const { name, diag } of results) console.log(indented(`${name}\n${diag ? indented(stringify(diag)) : ''}`))
}

function indented(text) {
  return text.replace(/^(?=.)/gm, '  ')
}
