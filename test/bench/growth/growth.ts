/** Growth: what something takes at several sizes, each beside what it would take if it grew as the size does. */

import { lineChart, type Panel } from '../../chart/line-chart.js'
import type { Figure } from '../figure.js'
import type { Took } from '../timing.js'

/** What was measured at one size. */
export interface GrowthPoint extends Took {
  readonly at: number
  /** peak; missing where many processes share the work */
  readonly rssMiB?: number
}

/**
 * Time and CPU time at each size beside those at the size before it, scaled up. What is always there, such as a process, lets the
 * ratio be less than 1.
 *
 * @param what `a job with artifacts`
 * @param unit of the size: `MiB`
 * @param reason why it may grow faster than the size
 */
export function growthFigures(
  what: string,
  unit: string,
  points: readonly GrowthPoint[],
  reason = 'it grows faster than the size',
): Figure[] {
  return points.flatMap((point, index) => {
    const before = points[index - 1]
    const factor = point.at / (before ?? point).at
    const { at, ms, cpuMs, blockedMs, rssMiB } = point
    const growth = { of: what, at, unit }
    const time = {
      growth,
      what: `${what}, ${at} ${unit}`,
      unit: 'ms',
      ours: [ms],
      theirs: [(before ?? point).ms * factor],
      peer: before === undefined ? 'itself' : `${factor} times that of ${before.at} ${unit}`,
      target: before === undefined ? null : 1.2,
      reason,
      cpu: { ours: [cpuMs], theirs: [(before ?? point).cpuMs * factor], unit: 'ms' },
      ...(blockedMs === undefined ? {} : { blocked: [blockedMs] }),
    } as const
    const memory = {
      growth,
      what: `${what}, ${at} ${unit}: peak memory (RSS)`,
      unit: 'MiB',
      ours: [rssMiB ?? Number.NaN],
      theirs: [before?.rssMiB ?? rssMiB ?? Number.NaN],
      peer: before === undefined ? 'itself' : `that of ${before.at} ${unit}`,
      target: null,
      reason: '',
    } as const
    return rssMiB === undefined ? [time] : [time, memory]
  })
}

/** Pictures of the figures that belong together, by what they measure. */
export function growthCharts(figures: readonly Figure[]): Map<string, string> {
  const names = new Set(figures.flatMap(({ growth }) => growth?.of ?? []))
  return new Map([...names].map(name => [name, chartOf(name, figures)]))
}

function chartOf(name: string, all: readonly Figure[]): string {
  const figures = all.filter(({ growth }) => growth?.of === name)
  const places = [...new Set(figures.map(({ growth }) => growth?.at ?? 0))]
  const unit = figures[0]?.growth?.unit ?? ''
  const times = figures.filter(figure => figure.unit === 'ms')
  const memory = figures.filter(figure => figure.unit === 'MiB')
  const first = (samples: readonly number[] | undefined): number | null => samples?.[0] ?? null
  const panels: Panel[] = [
    { title: 'time, ms', lines: [{ name: 'time', values: times.map(({ ours }) => first(ours)) }] },
    { title: 'CPU time, ms', lines: [{ name: 'CPU time', values: times.map(({ cpu }) => first(cpu?.ours)) }] },
    ...(memory.length === 0
      ? []
      : [
          {
            title: 'peak memory (RSS), MiB',
            lines: [{ name: 'memory', values: memory.map(({ ours }) => first(ours)) }],
          },
        ]),
  ]
  return lineChart(name, { places, label: place => `${Math.round(place)} ${unit}` }, panels)
}
