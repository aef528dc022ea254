/** A plan as a picture of memory. */

import { planPicture } from './picture.js'
import { renderPictureSvg } from './picture-svg.js'
import type { PlanJson } from './plan-json.js'

/** A plan as a self-contained SVG, without scripts, fonts or linked pictures. */
export function renderPlanSvg(plan: PlanJson): string {
  return renderPictureSvg(planPicture(plan))
}
