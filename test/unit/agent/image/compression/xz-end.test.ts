import t from 'tap'
import { xzBreaksOff } from '../../../../../agent/image/compression/xz-end.js'
import { packCpio } from '../../../../../agent/image/cpio/cpio.js'
import { needs, peer } from '../../../../peer.js'

t.test('an xz file breaks off where it holds no whole stream', needs('xz'), async t => {
  // No two numbers are alike, so that the stream is long.
  const text = Buffer.from(Array.from({ length: 2000 }, (_, n) => `${n * n}`).join(' '))
  for (const check of ['none', 'crc32', 'crc64', 'sha256']) {
    const whole = peer('xz', ['-c', `--check=${check}`], text)
    for (const size of [6, 7, 8, 100, whole.length - 100, whole.length - 2, whole.length - 1]) {
      t.equal(xzBreaksOff(whole.subarray(0, size)), true, `${check}, ${size} of ${whole.length} bytes`)
    }
    const followers = [[], [Buffer.alloc(512)], [whole], [Buffer.alloc(4), packCpio([])], [whole.subarray(0, 100)]]
    for (const more of followers) t.equal(xzBreaksOff(Buffer.concat([whole, ...more])), false, check)
  }
})
