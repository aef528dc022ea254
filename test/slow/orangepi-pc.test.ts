import t from 'tap'
import { bootInEveryWay, bootWhatKexecToolsCannot } from '../board/boot-suite.js'

t.test('orangepi-pc: kexec-tools fails in silence where fauxboot boots', t =>
  bootWhatKexecToolsCannot(t, 'orangepi-pc'),
)
t.test('orangepi-pc: boots in every way', t => bootInEveryWay(t, 'orangepi-pc', true))
