/** Counters and gauges in Prometheus' text format: https://prometheus.io/docs/instrumenting/exposition_formats, version 0.0.4. */

import type { SerialDamage } from '../../boot/board/serial-damage.js'
import type { BootMetrics } from '../../boot/jobs/metrics.js'

export const METRICS_TYPE = 'text/plain; version=0.0.4; charset=utf-8'

interface Metric {
  readonly type: 'counter' | 'gauge'
  readonly help: string
  /** the value; or values by label, and the label's name */
  readonly value: number | { readonly label: string; readonly values: Readonly<Partial<Record<string, number>>> }
}

/** Figures of the process itself. */
export interface ProcessMetrics {
  readonly version: string
  /** seconds */
  readonly uptime: number
  /** bytes */
  readonly rss: number
}

/**
 * All parts as one text.
 *
 * @param damage of the serial line; null if it counts none
 */
export function renderMetrics(boot: BootMetrics, agent: ProcessMetrics, damage: SerialDamage | null): string {
  return Object.entries({ ...table(boot, agent), ...(damage === null ? {} : serialTable(damage)) })
    .flatMap(([name, { type, help, value }]) => [
      `# HELP fauxboot_${name} ${help}`,
      `# TYPE fauxboot_${name} ${type}`,
      ...samples(`fauxboot_${name}`, value),
    ])
    .map(line => `${line}\n`)
    .join('')
}

function serialTable(damage: SerialDamage): Readonly<Record<string, Metric>> {
  return {
    serial_damage_total: {
      type: 'counter',
      help: 'Damaged input of the serial line, by kind.',
      value: { label: 'kind', values: { ...damage } },
    },
  }
}

function table(boot: BootMetrics, agent: ProcessMetrics): Readonly<Record<string, Metric>> {
  return {
    agent_info: {
      type: 'gauge',
      help: 'The version of the agent.',
      value: { label: 'version', values: { [agent.version]: 1 } },
    },
    agent_uptime_seconds: { type: 'gauge', help: 'Seconds since the agent was started.', value: agent.uptime },
    agent_resident_bytes: {
      type: 'gauge',
      help: 'Memory of the agent, without artifacts that are not mapped.',
      value: agent.rss,
    },
    jobs_submitted_total: { type: 'counter', help: 'Jobs taken.', value: boot.jobsSubmitted },
    jobs_ended_total: {
      type: 'counter',
      help: 'Jobs ended, by final state.',
      value: { label: 'state', values: boot.jobsEnded },
    },
    jobs_failed_total: {
      type: 'counter',
      help: 'Jobs failed, by error.',
      value: { label: 'code', values: boot.jobsFailed },
    },
    jobs_queued: { type: 'gauge', help: 'Jobs that wait for the board.', value: boot.jobsQueued },
    jobs_active: { type: 'gauge', help: 'Jobs that own the board.', value: boot.jobsActive },
    job_state_seconds_total: {
      type: 'counter',
      help: 'Time that jobs spent, by state.',
      value: { label: 'state', values: boot.stateSeconds },
    },
    fetched_bytes_total: { type: 'counter', help: 'Bytes fetched for jobs.', value: boot.fetchedBytes },
    uploaded_bytes_total: { type: 'counter', help: 'Bytes uploaded by clients.', value: boot.uploadedBytes },
    artifacts: { type: 'gauge', help: 'Artifacts kept, those of jobs too.', value: boot.artifacts },
    artifact_bytes: { type: 'gauge', help: 'Bytes of artifacts kept.', value: boot.artifactBytes },
    event_followers: { type: 'gauge', help: 'Clients that follow the events of a job.', value: boot.followers },
  }
}

function samples(name: string, value: Metric['value']): string[] {
  if (typeof value === 'number') return [`${name} ${value}`]
  const { label, values } = value
  return Object.entries(values).map(([key, sample]) => `${name}{${label}="${escapeLabel(key)}"} ${sample}`)
}

const escapeLabel = (text: string): string => text.replace(/[\\"\n]/g, char => (char === '\n' ? '\\n' : `\\${char}`))
