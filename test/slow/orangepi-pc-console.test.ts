import t from 'tap'
import { bootLists, reportBreaks } from '../board/console-suite.js'

t.test('orangepi-pc: what LAVA types boots', t => bootLists(t, 'orangepi-pc'))
t.test('orangepi-pc: a break on the serial line is reported, and does no harm', t => reportBreaks(t, 'orangepi-pc'))
