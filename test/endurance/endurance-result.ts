/** What a run of many boots found, for people and programs. */

import type { Phase } from '../../lava/acceptance/phase-clock.js'
import { renderTable } from '../../lava/terminal/table.js'
import { lineChart } from '../chart/line-chart.js'
import type { AgentMemory } from './agent-memory.js'

export interface EnduranceBoot {
  readonly passed: boolean
  /** from the job's first byte to the next countdown */
  readonly seconds: number
  readonly phases: readonly Phase[]
  readonly memory: AgentMemory
}

export interface EnduranceResult {
  /** ISO 8601, of the start */
  readonly started: string
  /** name of the board's data */
  readonly board: string
  /** boots that were asked for */
  readonly wanted: number
  /** power-on to the first countdown, seconds */
  readonly powerOn: number
  readonly boots: readonly EnduranceBoot[]
}

/** Whether all boots that were asked for have passed. */
export function hasPassed({ wanted, boots }: EnduranceResult): boolean {
  return boots.length === wanted && boots.every(({ passed }) => passed)
}

/** One line: how it ended. */
function enduranceSentence({ started, board, wanted, boots }: EnduranceResult): string {
  const failed = boots.filter(({ passed }) => !passed).length
  const number = boots.length === wanted ? `${wanted}` : `${boots.length} of ${wanted}`
  return `${started.slice(0, 10)}, emulated ${board}: ${number} boots in a row, ${failed} failed`
}

export function enduranceText(result: EnduranceResult): string {
  const rows = figuresOf(result.boots)
    .map(({ name, unit, values }) => ({ name, unit, seen: values.filter(value => value !== null) }))
    .filter(({ seen }) => seen.length > 0)
    .map(({ name, unit, seen }) => {
      const sorted = seen.sort((a, b) => a - b)
      const least = [sorted[0], sorted[sorted.length >> 1], sorted.at(-1)].map(value => (value ?? 0).toFixed(1))
      return [`${name}, ${unit}`, ...least, String(sorted.length)]
    })
  const table = renderTable(['FIGURE', 'LEAST', 'MEDIAN', 'MOST', 'BOOTS'], rows)
  return `${enduranceSentence(result)}\npower-on to the first countdown: ${result.powerOn.toFixed(1)} s\n\n${table}\n`
}

export function enduranceSvg(result: EnduranceResult): string {
  const figures = figuresOf(result.boots).filter(({ values }) => values.some(value => value !== null))
  const panels = Object.entries(PANELS).map(([unit, title]) => {
    return { title, lines: figures.filter(figure => figure.unit === unit) }
  })
  const places = result.boots.map((_, index) => index + 1)
  return lineChart(enduranceSentence(result), { places, label: boot => `boot ${Math.round(boot)}` }, panels)
}

/** Title of the panel with the figures of a unit. */
const PANELS = { s: 'time, s', MiB: 'memory, MiB' } as const

interface Figure {
  readonly name: string
  readonly unit: string
  readonly values: readonly (number | null)[]
}

function figuresOf(boots: readonly EnduranceBoot[]): Figure[] {
  const names = boots[0]?.phases.map(({ name }) => name) ?? []
  const phases = names.map((name, row) => {
    return { name, unit: 's', values: boots.map(({ phases }) => phases[row]?.seconds ?? null) }
  })
  return [
    { name: 'the whole boot', unit: 's', values: boots.map(({ seconds }) => seconds) },
    ...phases,
    { name: 'agent, before the job', unit: 'MiB', values: boots.map(({ memory }) => memory.idle) },
    { name: 'agent, at its peak', unit: 'MiB', values: boots.map(({ memory }) => memory.peak) },
  ]
}
