import t from 'tap'
import { bootWhatKexecToolsCannot } from '../board/boot-suite.js'

t.test('cubieboard4: kexec-tools fails in silence where fauxboot boots', t =>
  bootWhatKexecToolsCannot(t, 'cubieboard4'),
)
