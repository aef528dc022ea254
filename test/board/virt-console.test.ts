import t from 'tap'
import { bootLists, failInWordsOfLabs } from './console-suite.js'

t.test('virt: what LAVA types boots', t => bootLists(t, 'virt'))
t.test('virt: failures appear in the words that labs wait for', t => failInWordsOfLabs(t, 'virt'))
