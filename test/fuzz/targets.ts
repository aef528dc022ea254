/** All fuzz targets, by name. A new parser of a foreign format gets a row in one of these tables. */

import type { FuzzTargets } from './target.js'
import { CONSOLE_TARGETS } from './targets/console.js'
import { IMAGE_TARGETS } from './targets/images.js'
import { LAB_TARGETS } from './targets/lab.js'
import { PIPELINE_TARGETS } from './targets/pipelines.js'
import { REQUEST_TARGETS } from './targets/requests.js'

export const TARGETS: FuzzTargets = {
  ...IMAGE_TARGETS,
  ...REQUEST_TARGETS,
  ...CONSOLE_TARGETS,
  ...LAB_TARGETS,
  ...PIPELINE_TARGETS,
}
