/** The report as JUnit XML: a suite in which each check of each boot is a test. */

import { type JunitCase, junitSuite } from '../results/junit.js'
import type { AcceptanceReport } from './acceptance.js'

export function acceptanceJunit(report: AcceptanceReport): string {
  const { started, seconds, board, target, rounds } = report
  const cases = rounds.flatMap(({ checks, verdict }, index) =>
    checks.map(({ name, result, expected, found, reason, seconds }): JunitCase => {
      const values = expected === '' && found === '' ? '' : ` (expected ${expected}, found ${found})`
      const isLab = verdict?.outcome === 'infrastructure' && result === 'fail'
      return {
        className: `fauxboot.acceptance.boot-${index + 1}`,
        name,
        seconds,
        result: isLab ? 'error' : result,
        message: `${reason}${values}`,
      }
    }),
  )
  const times = rounds.flatMap(({ phases }, index) =>
    phases.map(({ name, seconds }) => [`boot ${index + 1}, ${name}`, seconds === null ? '-' : `${seconds} s`]),
  )
  const properties = { model: board?.model ?? 'unknown', kernel: target.kernel, ...Object.fromEntries(times) }
  return junitSuite({ name: 'acceptance', started: new Date(started), seconds, properties, cases })
}
