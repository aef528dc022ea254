/** Findings in plain words: what was found, and what to do. */

import type { Severity } from '../../../kexec/layout/plan.js'
import { h } from './dom.js'

interface Finding {
  readonly check: string
  readonly severity: Severity
  readonly message: string
  readonly remedy: string
}

const WORDS: Readonly<Record<Severity, string>> = { fatal: 'Fatal', warning: 'Warning', info: 'Note' }

/** @param none is said where there are no findings */
export function findingList(findings: readonly Finding[], none: string): HTMLElement {
  if (findings.length === 0) return h('p', { class: 'good' }, none)
  return h(
    'ul',
    { class: 'findings' },
    findings.map(({ check, severity, message, remedy }) =>
      h(
        'li',
        { class: severity },
        h('strong', {}, WORDS[severity]),
        ' ',
        message,
        remedy !== '' && h('p', {}, h('b', {}, 'To do: '), remedy),
        h('small', {}, check),
      ),
    ),
  )
}
