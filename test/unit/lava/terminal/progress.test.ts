import t from 'tap'
import { createProgress } from '../../../../lava/terminal/progress.js'
import { Captured } from '../capture.js'

const MIB = 1024 * 1024

t.test('in a log, a piece of work is a line at its quarters and one at its end', t => {
  const stream = new Captured()
  const progress = createProgress(stream)
  for (let received = 0; received <= 8; received++) progress.update('send kernel', received * MIB, 8 * MIB)
  progress.note('done')
  progress.stop()
  t.match(
    stream.text,
    new RegExp(
      `^${[
        'send kernel: 0 bytes of 8.0 MiB',
        'send kernel: 2.0 MiB of 8.0 MiB',
        'send kernel: 4.0 MiB of 8.0 MiB',
        'send kernel: 6.0 MiB of 8.0 MiB',
        'send kernel: 8.0 MiB in [0-9.]+ s \\([0-9.]+ [KMGT]iB/s\\)',
        'done',
      ].join('\n')}\n$`,
    ),
  )
  t.end()
})

t.test('in a log, work of unknown size begins with a line, and a whole piece is one line', t => {
  const stream = new Captured()
  const progress = createProgress(stream)
  progress.update('fetch ramdisk', 0, null)
  progress.update('fetch ramdisk', MIB, null)
  progress.update('send dtb', 100, 100)
  t.equal(stream.text, 'fetch ramdisk: 0 bytes\nsend dtb: 100 bytes\n')
  t.end()
})

t.test('on a terminal, work has bars, and lines stand above them', t => {
  const stream = new Captured(true)
  const progress = createProgress(stream)
  progress.note('before')
  progress.update('send kernel', 0, 8 * MIB)
  progress.update('fetch ramdisk', 5, null)
  progress.update('send kernel', 4 * MIB, 8 * MIB)
  progress.update('fetch ramdisk', 10, 20)
  progress.note('meanwhile')
  progress.stop()
  progress.note('after')
  const { text } = stream
  t.match(text, /^before\n/)
  t.match(text, /send kernel +\[=+ +\] +50% 4.0 MiB of 8.0 MiB/)
  t.match(text, /fetch ramdisk +\[=+ +\] +50% 10 bytes of 20 bytes/)
  t.ok(text.includes('meanwhile\u001b[K\n'), 'what is left of a longer bar is erased')
  t.match(text, /after\n$/)
  t.ok(
    text.includes('\u001b[?25l') && text.lastIndexOf('\u001b[?25h') > text.lastIndexOf('\u001b[?25l'),
    'cursor is back',
  )
  t.end()
})

t.test('a progress that showed nothing leaves nothing', t => {
  for (const isTTY of [true, false]) {
    const stream = new Captured(isTTY)
    createProgress(stream).stop()
    t.equal(stream.text, '')
  }
  t.end()
})
