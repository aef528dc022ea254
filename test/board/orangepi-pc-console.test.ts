import t from 'tap'
import { LISTS } from './console-lists.js'
import { bootLists } from './console-suite.js'

/** Booting takes a minute here: all kinds of jobs are typed when time is given. */
const lists = process.env.FAUXBOOT_ALL_LISTS === '1' ? LISTS : LISTS.filter(({ everywhere }) => everywhere)

t.test('orangepi-pc: what LAVA types boots', t => bootLists(t, 'orangepi-pc', lists))
