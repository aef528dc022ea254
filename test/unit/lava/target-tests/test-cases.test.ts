import t from 'tap'
import { CaseReader, MOST_CASES, type TestCase } from '../../../../lava/target-tests/test-cases.js'

function testCases(output: string): TestCase[] {
  const reader = new CaseReader()
  for (const line of output.split('\n')) reader.read(line)
  return reader.cases
}

t.test("LAVA's signals and KTAP's lines are cases", async t => {
  const output = `
TAP version 13
1..4
# selftests: futex: run.sh
    ok 1 a subtest
ok 1 selftests: futex: run.sh
not ok 2 - selftests: futex: functional # exit=1
ok 3 selftests: futex: numa # SKIP no NUMA
<LAVA_SIGNAL_TESTCASE TEST_CASE_ID=abort01 RESULT=pass>
<LAVA_SIGNAL_TESTCASE TEST_CASE_ID=fork13 RESULT=fail MEASUREMENT=3 UNITS=s>\r
<LAVA_SIGNAL_TESTCASE TEST_CASE_ID=acct01 RESULT=skip>
<LAVA_SIGNAL_TESTCASE TEST_CASE_ID=odd RESULT=unknown>
ok, this is a sentence
`
  t.same(testCases(output), [
    { name: 'selftests: futex: run.sh', result: 'pass' },
    { name: 'selftests: futex: functional', result: 'fail' },
    { name: 'selftests: futex: numa', result: 'skip' },
    { name: 'abort01', result: 'pass' },
    { name: 'fork13', result: 'fail' },
    { name: 'acct01', result: 'skip' },
    { name: 'odd', result: 'incomplete' },
  ])
})

t.test('a case that is reported again has its last result, and no test has more than 2000', async t => {
  t.same(testCases('ok 1 once\nnot ok 1 once\n'), [{ name: 'once', result: 'fail' }])
  const lines = Array.from({ length: MOST_CASES + 5 }, (_, index) => `ok ${index} case-${index}`)
  t.equal(testCases(lines.join('\n')).length, MOST_CASES)
})

t.test("the lines of LTP's runner are cases, even where a message of the kernel cuts them", async t => {
  const output = `
Starting suite: smoketest
access01: pass  (0.013s)
[   41.118230] kirk[512]: starting test brk01 (brk01)
brk01: [   41.120001] a message
[   41.130001] another
pass | tainted  (1h 2m 3s)
fork13: timed out
route4: skip  (0.001s)
symlink01: broken  (0.100s)
Passed Tests: 22
[   42.000000] <0>: <LAVA_SIGNAL_TESTCASE TEST_CASE_ID=from-kmsg RESULT=pass>
# [   42.1] a comment with a time
ok 1 after it
`
  t.same(
    testCases(output).map(({ name, result }) => `${name} ${result}`),
    ['access01 pass', 'brk01 pass', 'fork13 fail', 'route4 skip', 'symlink01 fail', 'from-kmsg pass', 'after it pass'],
  )
})
