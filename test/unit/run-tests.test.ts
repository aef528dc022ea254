import { spawnSync } from 'node:child_process'
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
