/** `SECURITY.md` says what the code does: its promises have tests, its limits are those of the code. */

import { existsSync, readFileSync } from 'node:fs'
import t from 'tap'
import { loadConfig } from '../../agent/config.js'
import { withFigures } from '../fuzz/figures.js'
import type { TargetResult } from '../fuzz/run-target.js'
import { GROUPS, TARGETS } from '../fuzz/targets.js'
import { checksOf } from '../soak/soak-result.js'

const DOCUMENT = readFileSync('SECURITY.md', 'utf8')

/** The rows of a section's first table, without its head. */
function rowsOf(section: string, heading = '## '): string[][] {
  const [, text = ''] = DOCUMENT.split(`\n${heading}${section}\n`)
  const lines = text.slice(text.indexOf('\n|')).trimStart().split('\n')
  const table = lines.slice(
    2,
    lines.findIndex(line => !line.startsWith('|')),
  )
  return table.map(line => line.slice(2, -2).split(' | '))
}

/** The titles of the tests in a file; `…` stands for what is put into a title. */
function titlesOf(file: string): string[] {
  const calls = readFileSync(file, 'utf8').matchAll(/\bt\.test\(\s*(?:'([^'\n]+)'|"([^"\n]+)"|`([^`\n]+)`)/g)
  return [...calls].map(([, ...quoted]) => quoted.join('').replace(/\$\{.*?\}/g, '…'))
}

t.test('every promise of SECURITY.md names a test that exists', async t => {
  const rows = rowsOf('What is promised')
  t.ok(rows.length > 20)
  for (const [promise, test = ''] of rows) {
    const [, file = '', title = ''] = /^\[[a-z-]+\]\(([a-z/-]+\.test\.ts)\): (.+)$/.exec(test) ?? []
    t.ok(titlesOf(file).includes(title), `${promise} ${file}: ${title}`)
  }
})

const UNITS: Readonly<Record<string, number>> = { KiB: 1024, MiB: 1024 ** 2 }

/** A limit as the document shows it, as a number. */
function limitOf(shown: string, name: string): number {
  const [, digits = '', unit = ''] = /^([\d,]+)(?: (\w+))?$/.exec(shown) ?? []
  return Number(digits.replaceAll(',', '')) * (name.endsWith('_MS') ? 1000 : (UNITS[unit] ?? 1))
}

/** The value of a constant, or of a default, in a source file: `64 * 1024`, `1_000_000`. */
function constantOf(file: string, name: string): number {
  const pattern = new RegExp(`\\b${name}(?: =|:) ([\\d_]+(?: \\* [\\d_]+)*)[,\\n]`)
  const [, product = ''] = pattern.exec(readFileSync(file, 'utf8')) ?? []
  return product.split(' * ').reduce((value, factor) => value * Number(factor.replaceAll('_', '')), 1)
}

/** The defaults of the agent, by the names that its parts give them. */
function defaultsOf(): Readonly<Record<string, unknown>> {
  const { http, boot } = loadConfig({}, [])
  const { stallSeconds, retries, maxRedirects } = boot.fetch
  return {
    ...http,
    ...boot,
    fetchStallSeconds: stallSeconds,
    fetchRetries: retries,
    fetchMaxRedirects: maxRedirects,
  }
}

t.test('the limits of SECURITY.md are those of the settings and constants', async t => {
  const defaults = defaultsOf()
  const rows = rowsOf('Limits')
  t.ok(rows.length > 20)
  for (const [what = '', shown = '', where = ''] of rows) {
    const [, name = '', file] = /^`(\w+)`(?: in `([\w/.-]+)`)?$/.exec(where) ?? []
    t.equal(limitOf(shown, name), file === undefined ? defaults[name] : constantOf(file, name), what)
  }
})

t.test('the figures of SECURITY.md come from a run of every fuzz target', async t => {
  const result = (inputs: number): TargetResult => ({ inputs, milliseconds: 12.3, growth: 3 * 2 ** 20, finding: null })
  const results = new Map(Object.keys(TARGETS).map(name => [name, result(1000)]))
  const written = withFigures(DOCUMENT, results, 'the run')
  const rows = written.split('\n').filter(line => line.endsWith(',000 | 12 ms | 3 MiB |'))
  t.equal(rows.length, Object.keys(GROUPS).length)
  for (const row of rows) {
    const group = row.slice(0, row.indexOf('` | ') + 4)
    t.ok(DOCUMENT.includes(group), `${group}: npm run fuzz -- --write`)
  }
  t.match(DOCUMENT, /\n`npm run fuzz -- --seconds \d+ --seed \d+ --write` on Node \S+, \d{4}-\d\d-\d\d\.\n<!-- end/)
  t.equal(withFigures(written, results, 'the run'), written)
  t.throws(() => withFigures('', results, 'the run'), /lacks the mark/)
})

t.test('the soak of SECURITY.md checked every promise, and kept all if its machine had nothing else to do', async t => {
  const usage = { anon: 0, file: 0, shmem: 0, stored: 0, descriptors: 0 }
  const nothing = { samples: [], before: usage, after: usage, answers: 0, unanswered: null, tallies: [], faults: [] }
  // Without the figures that a promise is named with.
  const name = (what: string): string => what.replace(/;.*/, '')
  const rows = rowsOf('What load has shown', '### ')
  t.same(
    rows.map(([what = '']) => name(what)),
    checksOf({ ...nothing, console: null, end: '' }).map(({ what }) => name(what)),
    'npm run soak -- --write',
  )
  const [, cores, load] =
    /\n`npm run soak -- --minutes [\d.]+ --max-connections \d+ --write` on Node \S+, (\d+) cores with a load of ([\d.]+) before, \d{4}-\d\d-\d\d\.\n<!-- end/.exec(
      DOCUMENT,
    ) ?? []
  t.ok(Number(cores) > 0)
  // On a machine that is busy with something else, clients and agent wait for it.
  for (const [what = '', , , verdict] of rows) if (Number(load) < Number(cores)) t.equal(verdict, 'ok', what)
  t.ok(existsSync('test/soak/soak.svg'))
})
