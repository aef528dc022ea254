import t from 'tap'
import { lavaTests } from '../../../../lava/target-tests/lava-tests.js'
import { runTargetTests } from '../../../../lava/target-tests/run-tests.js'
import type { TestOutcome } from '../../../../lava/target-tests/target-test.js'
import { FakeTarget } from '../console/fake-target.js'

const read = (...actions: readonly object[]) => lavaTests({ actions })
const inline = (name: string, steps: readonly unknown[], more: object = {}) => ({
  ...{ from: 'inline', name, path: `inline/${name}.yaml`, repository: { metadata: {}, run: { steps } } },
  ...more,
})

async function run(...definitions: readonly object[]): Promise<string[]> {
  const outcomes = new Map<string, TestOutcome>()
  const options = { login: { user: 'root' }, note: () => undefined, signal: new AbortController().signal }
  await runTargetTests(new FakeTarget(), read({ test: { definitions } }), outcomes, options)
  return Array.from(outcomes.values(), ({ id, result, message }) => `${id} ${result} ${message}`.trim())
}

t.test('inline definitions have the names and times that LAVA gives them', async t => {
  const tests = read(
    { deploy: {} },
    { test: { timeout: { minutes: 1, seconds: 5 }, definitions: [inline('dmesg', ['dmesg']), inline('uname', [])] } },
    { test: { definitions: [inline('last', [])] } },
  )
  t.match(tests, [
    { id: '0_dmesg', type: 'lava', timeoutSeconds: 65 },
    { id: '1_uname', timeoutSeconds: 65 },
    { id: '2_last', timeoutSeconds: 600 },
  ])
})

t.test('the steps of a definition share one shell, and end at the first that fails', async t => {
  t.same(await run(inline('shell', ['cd /', '[ $PWD = / ]\n', 'lava-test-case root --result pass'])), [
    '0_shell pass',
    '0_shell.root pass',
  ])
  const [failed] = await run(inline('fails', ['lava-test-case first --result pass', 'false', 'echo never']))
  t.match(failed, /^0_fails fail .* ended with 1: <LAVA_SIGNAL_TESTCASE TEST_CASE_ID=first/)
})

t.test('parameters are variables of the steps: those of the job win', async t => {
  const repository = { params: { A: 'default', B: "it's", N: 7 }, run: { steps: ['echo "ok 1 $A-$B-$N"'] } }
  const outcomes = await run(inline('vars', [], { repository, parameters: { A: 'own $HOME' } }))
  t.same(outcomes, ['0_vars pass', "0_vars.own $HOME-it's-7 pass"])
})

t.test('what needs a dispatcher says so, and the rest is run', async t => {
  t.same(
    await run(
      { from: 'git', name: 'ltp', path: 'ltp.yaml', repository: 'https://github.com/linaro/test-definitions.git' },
      inline('install', [], { repository: { install: { deps: ['curl'] }, run: { steps: [] } } }),
      inline('runs', ['true']),
    ),
    [
      '0_ltp skip comes from git, and only inline definitions can be run here',
      '1_install skip has an install section, which needs a LAVA dispatcher',
      '2_runs pass',
    ],
  )
  t.match(read({ test: { interactive: [{}] } }), [{ id: '0_interactive', unsupported: /needs a LAVA dispatcher/ }])
})

t.test('wrong values are named by their path', async t => {
  const wrong: readonly [object, RegExp][] = [
    [{ test: 7 }, /actions\[0\]\.test must be a test action/],
    [{ test: { timeout: { minutes: 'two' } } }, /actions\[0\]\.test\.timeout\.minutes must be a whole number/],
    [{ test: { definitions: [{ from: 'inline' }] } }, /actions\[0\]\.test\.definitions\[0\]/],
    [{ test: { definitions: [inline('a', [{}])] } }, /definitions\[0\]\.repository\.run\.steps\[0\]/],
    [{ test: { definitions: [inline('a', [], { parameters: { 'a-b': 1 } })] } }, /definitions\[0\]\.parameters/],
    [{ test: { definitions: [inline('a', [], { repository: undefined })] } }, /repository\.run/],
  ]
  for (const [action, message] of wrong) t.throws(() => read(action), { code: 'JOB_INVALID', message })
  t.same(lavaTests({}), [])
})
