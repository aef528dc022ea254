/**
 * Compiles the sources and runs test files in plain Node processes: unit tests several files to a process, all others
 * one. Prints the failures, what was skipped with its reason, and the totals. Ends with 1 if a test failed.
 *
 * `tap run` would start a process with its import hooks for each file, which takes longer than most unit tests.
 *
 * Usage: node test/run-tests.mjs [OPTION]... [FILE | FOLDER]...      test/unit by default
 *
 *   --coverage      also measure which lines ran, and fail if some did not (see coverage.mjs)
 *   --jobs N        files at a time; one more than there are cores by default, because some unit tests wait
 *   --tap FILE      where to write the TAP; .tap/out/tests.tap by default
 *   --timeout S     seconds for one file; 120 by default
 *   --watch         keep running: compile on every change, and run the files that it affects
 */
import { createWriteStream, existsSync, mkdirSync } from 'node:fs'
import { availableParallelism } from 'node:os'
import { dirname, join, relative, resolve } from 'node:path'
import { finished } from 'node:stream/promises'
import { parseArgs } from 'node:util'
import { compile, filesBelow } from './compile.mjs'
import { coverageOptions, reportCoverage } from './coverage.mjs'
import { needPackage } from './npm-packages.mjs'
import { watchTests } from './watch.mjs'

needPackage('tap')
const { default: t } = await import('tap')
const { stringify } = await import('yaml')
const { nameOf, readTests, totals } = await import('./tap-tree.mjs')

/** From this number of files on, only those that fail get a line. */
const MANY = 50

/** Unit tests in one process, at most: enough for its start to weigh little, few enough for all cores to end together. */
const BATCH = 15

process.chdir(join(import.meta.dirname, '..'))
const { values, positionals } = parseArgs({
  options: {
    coverage: { type: 'boolean' },
    jobs: { type: 'string', default: `${availableParallelism() + 1}` },
    tap: { type: 'string', default: '.tap/out/tests.tap' },
    timeout: { type: 'string', default: '120' },
    watch: { type: 'boolean' },
  },
  allowPositionals: true,
})
const paths = positionals.length === 0 ? ['test/unit'] : positionals.map(path => relative('.', resolve(path)))
if (values.watch) await watchTests(paths)
else await runTests(testFiles(paths))

async function runTests(files) {
  const started = performance.now()
  await compile()
  const { parser, tests } = readTests()
  mkdirSync(dirname(values.tap), { recursive: true })
  const written = t.pipe(createWriteStream(values.tap))
  t.pipe(parser)
  const report = startReport(tests, files.length)
  parser.on('child', child => child.on('assert', report))
  parser.on('assert', report)
  t.jobs = Number(values.jobs)
  t.setTimeout(0)
  // tap itself ends a file after 30 seconds unless TAP_TIMEOUT says otherwise.
  const env = { ...process.env, TAP_TIMEOUT: values.timeout, ...(values.coverage ? coverageOptions() : {}) }
  const runs = batchesOf(files).map(batch => {
    const [program, ...args] = commandOf(batch)
    const name = batch.length === 1 ? batch[0] : `${batch.length} files from ${dirname(batch[0])} on`
    return t.spawn(program, args, { name, env, buffered: true, timeout: batch.length * Number(values.timeout) * 1000 })
  })
  t.end()
  await Promise.all([...runs, finished(written)])
  // tap sets the exit code only of a process whose TAP goes to standard output.
  if (!t.passing() || tests.failed.length > 0) process.exitCode = 1
  if (values.coverage && !(await reportCoverage())) process.exitCode = 1
  console.log(`${totals(tests)}; ${files.length} files, ${Math.round((performance.now() - started) / 1000)} s`)
}

/** @returns the test files among `paths` and below them */
function testFiles(paths) {
  const files = paths.flatMap(path => (path.endsWith('.test.ts') ? [path] : filesBelow(path, /\.test\.ts$/)))
  const missing = files.length === 0 ? paths : files.filter(file => !existsSync(file))
  if (missing.length === 0) return files
  console.error(`test/run-tests.mjs: no tests in ${missing.join(', ')}`)
  process.exit(1)
}

/** @returns the files of each process */
function batchesOf(files) {
  const units = files.filter(file => file.startsWith('test/unit/'))
  const size = Math.min(BATCH, Math.ceil(units.length / Number(values.jobs)))
  const batches = files.filter(file => !units.includes(file)).map(file => [file])
  for (let start = 0; start < units.length; start += size) batches.push(units.slice(start, start + size))
  return batches
}

/** @returns the program that runs these test files, and its arguments */
function commandOf([file, ...more]) {
  const node = [process.execPath, '--enable-source-maps', '--disable-warning=ExperimentalWarning']
  if (more.length > 0) return [...node, 'test/batch/run-batch.mjs', file, ...more]
  const single = [...node, `dist/${file.replace(/ts$/, 'js')}`]
  return file.startsWith('test/lava/') ? ['sh', 'test/lava/in-own-network.sh', ...single] : single
}

/**
 * @returns called with the result of each file: prints it, and what is new in `tests`; a terminal shows how far the run
 * is in one line that is rewritten
 */
function startReport(tests, count) {
  let done = 0
  let failed = 0
  let skipped = 0
  const clear = process.stdout.isTTY ? '\r\x1b[K' : ''
  const print = text => process.stdout.write(`${clear}${text}\n`)
  return ({ name, ok, time }) => {
    // Other results are of tests, or of processes with several files.
    if (!name.endsWith('.test.ts')) return
    done++
    if (!ok || count < MANY) print(`${ok ? 'ok' : 'FAILED'}: ${name} (${Math.round(time / 1000)} s)`)
    for (const failure of tests.failed.slice(failed)) print(describe(failure))
    for (const test of tests.skipped.slice(skipped)) print(`skipped: ${nameOf(test)}: ${test.reason}`)
    failed = tests.failed.length
    skipped = tests.skipped.length
    if (clear !== '') process.stdout.write(`${clear}${done < count ? `${done}/${count} ${name}` : ''}`)
  }
}

function describe({ path, results }) {
  const details = results.map(({ name, diag }) => indented(`${name}\n${diag ? indented(stringify(diag)) : ''}`))
  return [`FAILED: ${nameOf({ path })}`, ...details].join('\n')
}

function indented(text) {
  return text.replace(/^(?=.)/gm, '  ')
}
