/** The charts of test/chart. */

import t from 'tap'
import { lineChart } from '../chart/line-chart.js'
import { ratioChart } from '../chart/ratio-chart.js'

const axis = (count: number) => ({
  places: Array.from({ length: count }, (_, index) => index),
  label: (place: number) => `place ${Math.round(place)}`,
})

const chart = (values: readonly (number | null)[], limit = false): string =>
  lineChart('title', axis(values.length), [{ title: 'panel', lines: [{ name: 'line', values, limit }] }])

/** Of each path: its class, and its points. */
const paths = (svg: string): string[][] =>
  [...svg.matchAll(/<path class="([^"]+)"(?: style="[^"]*")? d="([^"]*)"/g)].map(([, ...found]) => found)

t.test('a line is broken where a value is missing', async t => {
  const [[, path] = []] = paths(chart([1, 2, null, 3])).filter(([kind]) => kind === 'line s0')
  t.match(path, /^M[\d. ]+L[\d. ]+M[\d. ]+$/)
})

t.test('of thousands of values, the greatest of each stretch is drawn', async t => {
  const values = Array.from({ length: 4000 }, (_, index) => (index === 1234 ? 100 : 1))
  const [[, path = ''] = []] = paths(chart(values)).filter(([kind]) => kind === 'line s0')
  const heights = path
    .split(/[ML]/)
    .slice(1)
    .map(point => Number(point.split(' ')[1]))
  t.equal(heights.length, 400)
  t.equal(heights.filter(height => height < 100).length, 1, 'the peak')
})

t.test('lines differ without colour: each has its own dashes or dots, and a limit its own class', async t => {
  const lines = Array.from({ length: 5 }, (_, index) => ({ name: `line ${index}`, values: [index, 1] }))
  const svg = lineChart('title', axis(2), [
    { title: 'panel', lines: [...lines, { ...lines[0], name: 'most', values: [3, 3], limit: true }] },
  ])
  const kinds = new Set(
    paths(svg)
      .map(([kind]) => kind)
      .filter(kind => kind?.startsWith('line ')),
  )
  t.same([...kinds], ['line s0', 'line s1', 'line s2', 'line s3', 'line s4', 'line limit'])
  const dashes = [...svg.matchAll(/\.(s\d|limit)\{[^}]*?(stroke-dasharray:[\d ]+)?\}/g)].map(
    ([, kind, dash = 'none']) => [kind, dash],
  )
  t.equal(new Set(dashes.filter(([kind]) => /^s[0-4]$|limit/.test(kind ?? '')).map(([, dash]) => dash)).size, 6)
})

t.test('a chart follows the reader’s background, and has no number that is none', async t => {
  const svgs = [chart([]), chart([0]), chart([null]), chart([0.001, 5e9]), ratioChart('ratios', [])]
  for (const svg of svgs) {
    t.match(svg, 'prefers-color-scheme:dark')
    t.notMatch(svg, /NaN|Infinity/)
  }
})

t.test('names are text, not markup', async t => {
  t.match(lineChart('a<b & "c"', axis(1), []), 'aria-label="a&lt;b &amp; &quot;c&quot;"')
})

t.test('a row has its ratio, its spread and whether it meets its target', async t => {
  const rows = [
    { name: 'quick', ours: [1, 2, 4], ratio: 0.25, target: 1 },
    { name: 'slow', ours: [8], ratio: 2, target: 1 },
  ]
  const svg = ratioChart('ratios', rows)
  t.match(svg, '>0.25 met</text>')
  t.match(svg, '>2.00 missed</text>')
  t.match(svg, /<circle class="dot"[\s\S]*<circle class="open"/)
  for (const tick of ['1/8', '1/4', '1', '2']) t.match(svg, `>${tick}</text>`)
})
