import t from 'tap'
import {
  type EnduranceBoot,
  type EnduranceResult,
  enduranceSvg,
  enduranceText,
  hasPassed,
} from '../endurance/endurance-result.js'

const boot = (seconds: number, again: number | null, passed = true): EnduranceBoot => ({
  passed,
  seconds,
  phases: [
    { name: 'upload', seconds: 1 },
    { name: 'reboot to agent', seconds: again },
    { name: 'power-on to agent', seconds: null },
  ],
  memory: { idle: 50, peak: 60.5 },
})

const resultOf = (wanted: number, ...boots: EnduranceBoot[]): EnduranceResult => {
  return { started: '2026-11-26T20:00:00.000Z', board: 'virt', wanted, powerOn: 20, boots }
}

t.test('a run has passed when all boots that were asked for have passed', async t => {
  t.equal(hasPassed(resultOf(2, boot(40, 20), boot(41, 20))), true)
  t.equal(hasPassed(resultOf(3, boot(40, 20), boot(41, 20))), false, 'one is missing')
  t.equal(hasPassed(resultOf(1, boot(40, 20, false))), false)
})

t.test('the text has the least, the median and the most of each figure that was seen', async t => {
  const text = enduranceText(resultOf(4, boot(44, 20), boot(40, null), boot(42.4, 26, false)))
  t.match(
    text,
    /^2026-11-26, emulated virt: 3 of 4 boots in a row, 1 failed\npower-on to the first countdown: 20\.0 s\n/,
  )
  t.match(text, /the whole boot, s +40\.0 +42\.4 +44\.0 +3\n/)
  t.match(text, /reboot to agent, s +20\.0 +26\.0 +26\.0 +2\n/)
  t.match(text, /agent, at its peak, MiB +60\.5 /)
  t.notMatch(text, 'power-on to agent')
})

t.test('the picture has a line for each figure, in a panel for each unit', async t => {
  const svg = enduranceSvg(resultOf(3, boot(44, 20), boot(40, null), boot(42, 26)))
  for (const title of ['time, s', 'memory, MiB', 'boot 1', 'boot 3']) t.match(svg, `>${title}</text>`)
  for (const name of ['the whole boot', 'upload', 'reboot to agent', 'agent, at its peak'])
    t.match(svg, `>${name}</text>`)
  t.notMatch(svg, 'power-on to agent', 'no boot has it')
  t.notMatch(enduranceSvg(resultOf(2, boot(0, 0))), 'NaN', 'one boot, and no time')
})
