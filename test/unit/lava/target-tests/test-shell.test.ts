import t from 'tap'
import { TestShell } from '../../../../lava/target-tests/test-shell.js'
import { FakeTarget } from '../console/fake-target.js'

async function run(command: string, target = new FakeTarget()) {
  const shell = await TestShell.enter(target, { user: 'root' })
  const lines: string[] = []
  const { status } = await shell.run(command, 1000, line => lines.push(line))
  return { status, lines: lines.filter(line => line !== '') }
}

t.test('a script of several lines runs in one shell, whatever characters it has', async t => {
  const script = `set -e
greeting='it'"'"'s "so" \\n'
cd /
printf '%s\\n' "$greeting – $(pwd) 100%"
false
echo never`
  t.same(await run(script), { status: 1, lines: ['it\'s "so" \\n – / 100%'] })
})

t.test("LAVA's tools print its signals", async t => {
  const script = `lava-test-set start first
lava-test-case one --result skip
lava-test-case two --shell 'true && true'
lava-test-case three --shell false
lava-test-set stop`
  t.same(await run(script), {
    status: 0,
    lines: [
      '<LAVA_SIGNAL_TESTSET start first>',
      '<LAVA_SIGNAL_TESTCASE TEST_CASE_ID=one RESULT=skip>',
      '<LAVA_SIGNAL_TESTCASE TEST_CASE_ID=two RESULT=pass>',
      '<LAVA_SIGNAL_TESTCASE TEST_CASE_ID=three RESULT=fail>',
      '<LAVA_SIGNAL_TESTSET stop>',
    ],
  })
  t.same((await run('lava-test-case short --result pass')).lines.length, 1, 'also for commands of one line')
})

t.test("no line that is typed is longer than busybox's editor takes", async t => {
  const target = new FakeTarget()
  const script = Array.from({ length: 200 }, (_, number) => `echo 'line ${number}'`).join('\n')
  t.equal((await run(script, target)).lines.length, 200)
  t.ok(Math.max(...target.typed.split('\n').map(line => line.length)) < 1023)
})
