/** The variables that the agent's unit sets. V8 takes compiled code only from a Node with the same options. */

import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { UNITS_DIR } from '../paths.js'

/** `Environment=` of `systemd.exec(5)`, without quotes and escapes, which the unit does not use. */
export function agentEnvironment(): Readonly<Record<string, string>> {
  const unit = readFileSync(join(UNITS_DIR, 'fauxboot-agent.service'), 'utf8')
  const assignments = [...unit.matchAll(/^Environment=(.+)$/gm)].flatMap(([, line = '']) => line.split(' '))
  return Object.fromEntries(assignments.map(assignment => assignment.split(/=(.*)/s)))
}
