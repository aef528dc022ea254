/**
 * Commands of the tests that KernelCI asks of pull labs by their type alone (kernelci-pipeline,
 * `config/jobs-pull-labs.yaml`), on the root file systems that KernelCI makes for them.
 */

/** Where a job's kselftest archive is put on the target. */
export const KSELFTEST_FOLDER = 'opt/kselftest'

/** kirk prints a line for each test, and ends with 0 whatever they report. One worker: others would mix their lines. */
const LTP =
  'kirk=$(command -v kirk || echo /opt/kirk/kirk); $kirk --no-colors --run-suite $(echo ${tst_cmdfiles:-smoketest} | tr , " ")'

/** The archive has its files at its top, or in a folder. */
const kselftest = (collection: string): string =>
  `cd /${KSELFTEST_FOLDER} && { [ -e run_kselftest.sh ] || cd kselftest; } && ./run_kselftest.sh -c ${collection}`

/** @returns null for a type that is not known */
export function knownTest(type: string): readonly string[] | null {
  if (type === 'ltp') return [LTP]
  const [, collection] = /^kselftest-([A-Za-z0-9][A-Za-z0-9_/.-]{0,63})$/.exec(type) ?? []
  return collection === undefined ? null : [kselftest(collection)]
}

/** Whether a test needs the job's kselftest archive. */
export const needsKselftest = (type: string): boolean => type.startsWith('kselftest-')
