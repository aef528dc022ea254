/**
 * Which lines of the sources ran in the unit tests.
 *
 * Every Node process of a test loads record-coverage.mjs, which writes what it ran to `.tap/coverage`; c8 puts that
 * together and maps it from `dist` back to the sources.
 */
import { readFileSync, rmSync } from 'node:fs'
import { join, relative, resolve } from 'node:path'
import { pathToFileURL } from 'node:url'

/** All lines of these folders must run in the unit tests (see CONTRIBUTING.md). */
const MEASURED = [
  'agent/image',
  'agent/kexec',
  'agent/boot',
  'agent/uboot',
  'agent/transfer',
  'agent/http',
  'agent/tftp',
]

const RECORDS = resolve('.tap/coverage')

/** @returns the environment in which the tests' processes record what they run; forgets the records of an earlier run */
export function coverageOptions() {
  rmSync(RECORDS, { recursive: true, force: true })
  const preload = pathToFileURL(join(import.meta.dirname, 'record-coverage.mjs'))
  return {
    NODE_OPTIONS: [process.env.NODE_OPTIONS, `--import=${preload}`].filter(Boolean).join(' '),
    FAUXBOOT_COVERAGE: RECORDS,
    FAUXBOOT_COVERAGE_OF: MEASURED.map(folder => pathToFileURL(resolve('dist', folder)).href).join(' '),
  }
}

/** Without lines that hold only closing brackets: the end of a function after an endless loop never runs. */
function statementLines(file, numbers) {
  const lines = readFileSync(file, 'utf8').split('\n')
  return numbers.filter(number => !/^[\s)}\]]*$/.test(lines[number - 1]))
}

/**
 * Print the lines that did not run, if there are any.
 *
 * @returns whether all lines ran
 */
export async function reportCoverage() {
  const { Report } = await import('c8')
  const map = await new Report({ tempDirectory: RECORDS, exclude: [] }).getCoverageMapFromAllCoverageFiles()
  const missed = map
    .files()
    .map(file => ({
      file: relative('.', file),
      lines: statementLines(file, map.fileCoverageFor(file).getUncoveredLines()),
    }))
    .filter(({ lines }) => lines.length > 0)
  for (const { file, lines } of missed) console.log(`not run: ${file} line ${lines.join(' ')}`)
  return missed.length === 0
}
