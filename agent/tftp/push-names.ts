/**
 * The names that clients read and write: `NAME/FILE`. NAME stands for a job, FILE is one of a few words, and neither ever
 * becomes a path.
 */

import { fault } from '../errors.js'

/** Files of a job, named as over HTTP; overlays are applied in the order of their numbers. */
const ROLE = /^(?:kernel|ramdisk|dtb|modules|overlay(?:\d|[1-5]\d|6[0-3]))$/
const ROLES = 'kernel, ramdisk, dtb, overlay0 to overlay63, modules'

/** Descriptions: when one is complete, the job starts. */
const DESCRIPTIONS = ['job.json', 'job.yaml', 'boot.scr'] as const
export type Description = (typeof DESCRIPTIONS)[number]

/** What can be read of the latest job. */
const REPORTS = ['status.json', 'log', 'plan.json', 'plan.svg'] as const
export type Report = (typeof REPORTS)[number]

/** Like names of artifacts, but shorter, because a role follows; some clients start every name with a slash. */
const NAME = /^\/?([A-Za-z0-9_-][A-Za-z0-9._-]{0,63})\/([^/]*)$/

/** What may be written: a file to be booted, or a description. */
export type PushTarget =
  | { readonly job: string; readonly role: string }
  | { readonly job: string; readonly description: Description }

/** Names come from anybody: nothing in them may move a cursor, or fill a log. */
const shown = (name: string): string => name.slice(0, 80).replace(/[^\x20-\x7e]/g, '?')

/** @throws PUSH_NAME */
export function parsePushTarget(name: string): PushTarget {
  const [, job, file] = NAME.exec(name) ?? []
  const description = DESCRIPTIONS.find(known => known === file)
  if (job !== undefined && description !== undefined) return { job, description }
  if (job !== undefined && file !== undefined && ROLE.test(file)) return { job, role: file }
  throw fault('PUSH_NAME', { name: shown(name), known: `${ROLES}, ${DESCRIPTIONS.join(', ')}` })
}

/** @throws PUSH_UNKNOWN */
export function parseReportName(name: string): { readonly job: string; readonly report: Report } {
  const [, job, file] = NAME.exec(name) ?? []
  const report = REPORTS.find(known => known === file)
  if (job !== undefined && report !== undefined) return { job, report }
  throw fault('PUSH_UNKNOWN', { name: shown(name), known: REPORTS.join(', ') })
}

/** The artifact that a pushed file becomes. Roles have no dot, so no two files share one. */
export const artifactOf = (job: string, role: string): string => `${job}.${role}`

/** The role of an artifact that was pushed under a job's name; null when it was not. */
export function roleOf(job: string, artifact: string): string | null {
  const role = artifact.startsWith(`${job}.`) ? artifact.slice(job.length + 1) : ''
  return ROLE.test(role) ? role : null
}
