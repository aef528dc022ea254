/** A plan: its findings and its picture. */

import { planPicture } from '../../../kexec/render/picture.js'
import type { PlanJson } from '../../../kexec/render/plan-json.js'
import { h } from './dom.js'
import { findingList } from './findings.js'
import { memoryPicture } from './memory-picture.js'

export function planParts(plan: PlanJson): HTMLElement[] {
  return [
    h('h3', {}, plan.survivable ? 'The target would survive the jump' : 'The target would not survive the jump'),
    findingList(plan.findings, 'The plan has no findings.'),
    h('h3', {}, 'Memory'),
    memoryPicture(planPicture(plan)),
  ]
}
