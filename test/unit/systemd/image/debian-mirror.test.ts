import t from 'tap'
import { mirrorFailure } from '../../../../systemd/image/debian-mirror.js'

t.test('the line about a failed mirror names the release by one name, and says what comes next', async t => {
  const failed = 'Debian trixie: the mirror failed: E: Hash Sum mismatch'
  const lines = [1, 2, 3, 4, 5, 6].map(attempts => mirrorFailure('trixie', attempts, 'E: Hash Sum mismatch'))
  t.strictSame(lines, [
    `${failed}; trying again in 1 s, under its other name, stable`,
    `${failed}; trying again in 15 s`,
    `${failed}; trying again in 1 s, without its updates`,
    `${failed}; trying again in 1 s, under its other name, stable, without its updates`,
    `${failed}; trying again in 60 s, without its updates`,
    `${failed}; giving up after 6 attempts`,
  ])
})
