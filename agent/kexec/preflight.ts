/**
 * The preflight looks for every known way to die before the jump. Each table has a row for each symptom that people
 * report; what a row finds becomes a finding of the plan.
 */

import { BOARD_CHECKS } from './checks/board.js'
import { type BoardFacts, type Check, type PreflightContext, runChecks } from './checks/check.js'
import { IMAGE_CHECKS } from './checks/image.js'
import { MEMORY_CHECKS } from './checks/memory.js'
import { TARGET_CHECKS } from './checks/target.js'
import type { Finding, Severity } from './layout/plan.js'

/** The checks of a plan, in the order of their findings within one severity. */
export const CHECKS: readonly Check[] = [...MEMORY_CHECKS, ...IMAGE_CHECKS, ...TARGET_CHECKS]

const SEVERITIES: readonly Severity[] = ['fatal', 'warning', 'info']

/** All findings of a plan, the worst first. */
export function preflight(context: PreflightContext): Finding[] {
  const board = context.board === null ? [] : examineBoard(context.board)
  const findings = [...runChecks(CHECKS, context), ...board]
  return SEVERITIES.flatMap(severity => findings.filter(finding => finding.severity === severity))
}

/** The findings that hold for every job on a board. */
export function examineBoard(board: BoardFacts): Finding[] {
  return runChecks(BOARD_CHECKS, board)
}
