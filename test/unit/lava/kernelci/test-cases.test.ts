import t from 'tap'
import { MOST_CASES, testCases } from '../../../../lava/kernelci/test-cases.js'

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
