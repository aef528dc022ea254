import t from 'tap'
import { bootLists } from './console-suite.js'

t.test('orangepi-pc: what LAVA types boots', t => bootLists(t, 'orangepi-pc'))
