import t from 'tap'
import { keepLastWords } from '../board/last-words-suite.js'

t.test('orangepi-pc: the next first stage has the last words of a target that panicked', t =>
  keepLastWords(t, 'orangepi-pc', 'button'),
)
