import t from 'tap'
import { keepLastWords } from './last-words-suite.js'

t.test('virt: the next first stage has the last words of a target that panicked', t =>
  keepLastWords(t, 'virt', 'firmware'),
)
