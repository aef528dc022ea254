import t from 'tap'
import { bootInEveryWay, bootWhatKexecToolsCannot } from '../board/boot-suite.js'

t.test('virt: kexec-tools fails in silence where fauxboot boots', t => bootWhatKexecToolsCannot(t, 'virt'))
t.test('virt: boots in every way', t => bootInEveryWay(t, 'virt', true))
