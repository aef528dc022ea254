/** All fuzz targets, by name. A new parser of a foreign format gets a row in one of these tables. */

import type { FuzzTargets } from './target.js'
import { CONSOLE_TARGETS } from './targets/console.js'
import { IMAGE_TARGETS } from './targets/images.js'
import { LAB_TARGETS } from './targets/lab.js'
import { PIPELINE_TARGETS } from './targets/pipelines.js'
import { REQUEST_TARGETS } from './targets/requests.js'

/** The tables, by what `SECURITY.md` calls them. */
export const GROUPS: Readonly<Record<string, FuzzTargets>> = {
  'Files of a job, partition tables, environments': IMAGE_TARGETS,
  'Jobs and packets that clients send': REQUEST_TARGETS,
  'Text at the console, scripts, menus, telnet, and files of the kernel': CONSOLE_TARGETS,
  'What the tools in the lab read': LAB_TARGETS,
  'Plans and pictures of damaged files, commands on damaged memory': PIPELINE_TARGETS,
}

export const TARGETS: FuzzTargets = Object.assign({}, ...Object.values(GROUPS))
