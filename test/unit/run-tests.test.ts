import { spawnSync } from 'node:child_process'
import { copyFileSync, mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import t, { type Test } from 'tap'

/** Run test files as `npm test` does. @returns the exit code */
function exitCodeOf(t: Test, ...args: readonly string[]): number | null {
  const tap = join(t.testdir({}), 'out.tap')
  // Without what tap itself tells its children.
  const env = Object.fromEntries(Object.entries(process.env).filter(([name]) => !name.startsWith('TAP')))
  return spawnSync(process.execPath, ['test/run-tests.mjs', '--tap', tap, ...args], { env }).status
}

t.test('the exit code is 0 if all tests pass, and 1 if one fails', async t => {
  t.equal(exitCodeOf(t, 'test/unit/agent/kexec/layout/ranges.test.ts'), 0)
  t.equal(exitCodeOf(t, '--timeout', '1', 'test/unit/scaling.test.ts'), 1, 'it takes longer than a second')
})

t.test('files that share a process fail it, too', async t => {
  const files = ['agent/kexec/layout/ranges', 'agent/kexec/layout/psci', 'scaling'].map(
    name => `test/unit/${name}.test.ts`,
  )
  t.equal(exitCodeOf(t, '--jobs', '1', '--timeout', '1', ...files), 1)
})

t.test('in a clone without npm packages, a program says what is missing and which command mends it', async t => {
  // Outside of the project: Node looks for packages in the folders above, too.
  const clone = mkdtempSync(join(tmpdir(), 'fauxboot-clone-'))
  t.teardown(() => rmSync(clone, { recursive: true }))
  mkdirSync(join(clone, 'test'))
  for (const file of readdirSync('test').filter(name => name.endsWith('.mjs')))
    copyFileSync(join('test', file), join(clone, 'test', file))
  mkdirSync(join(clone, 'agent'))
  writeFileSync(join(clone, 'agent/main.ts'), '')
  for (const [program, name] of [
    ['compile', 'esbuild'],
    ['run-tests', 'tap'],
  ]) {
    const { status, stderr } = spawnSync(process.execPath, [join(clone, `test/${program}.mjs`)], { encoding: 'utf8' })
    t.equal(status, 1)
    t.equal(stderr, `test/${program}.mjs: the npm package ${name} is missing; run \`npm ci\`\n`)
  }
})
