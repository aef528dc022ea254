import t from 'tap'
import { PhaseClock } from '../../../../lava/acceptance/phase-clock.js'

const secondsOf = (clock: PhaseClock) => Object.fromEntries(clock.phases.map(({ name, seconds }) => [name, seconds]))

t.test('a phase without both of its ends has no time', async t => {
  const clock = new PhaseClock()
  clock.mark('power', 1000)
  clock.mark('agent', 13_500)
  t.match(secondsOf(clock), { 'power-on to agent': 12.5, 'power-on to countdown': null, upload: null })
})

t.test('a countdown is seen although its text is cut, before the jump and after the reboot', async t => {
  const clock = new PhaseClock()
  clock.mark('power')
  clock.text('U-Boot 2026\nHit any k')
  t.equal(secondsOf(clock)['power-on to countdown'], null)
  clock.text('ey to stop autoboot:  2')
  t.type(secondsOf(clock)['power-on to countdown'], 'number')
  clock.mark('jump')
  clock.mark('reboot')
  t.equal(secondsOf(clock)['reboot to countdown'], null)
  clock.text('Hit any key to stop autoboot:  2')
  t.type(secondsOf(clock)['reboot to countdown'], 'number')
})

t.test('news of the jump that comes late makes no negative time', async t => {
  const clock = new PhaseClock()
  clock.mark('jump', 2000)
  clock.mark('kernel', 1900)
  t.equal(secondsOf(clock)['jump to first kernel line'], 0)
})
