import t from 'tap'
import { packCpio } from '../../../../../agent/image/cpio/cpio.js'
import { cpioBreaksOff } from '../../../../../agent/image/cpio/cpio-end.js'

/** Ends in 512 bytes, most of which are padding. */
const ARCHIVE = packCpio([
  { name: 'bin', mode: 0o40755 },
  { name: 'init', mode: 0o100755, data: Buffer.from('#!/bin/sh\n') },
  { name: 'bin/sh', mode: 0o120777, data: Buffer.from('busybox') },
])
const TRAILER_AT = Buffer.from(ARCHIVE).indexOf('TRAILER!!!') - 110

/** Where entries end, with the padding of their data or without. */
function entryEnds(): Set<number> {
  const bytes = Buffer.from(ARCHIVE)
  const starts = [...bytes.toString('latin1').matchAll(/070701/g)].map(({ index }) => index)
  const data = [0, 10, 7, 0]
  const ends = starts.slice(1).flatMap((start, i) => {
    const padding = (4 - ((data[i] ?? 0) % 4)) % 4
    return Array.from({ length: padding + 1 }, (_, less) => start - less)
  })
  // A name is followed by padding too, where no data follows.
  return new Set([...ends, (starts[1] ?? 0) - 1, (starts[1] ?? 0) - 2])
}

t.test('an archive that is cut anywhere but between entries breaks off', async t => {
  const ends = entryEnds()
  for (let size = 1; size < TRAILER_AT + 110 + 11; size++) {
    t.equal(cpioBreaksOff(ARCHIVE.subarray(0, size)), !ends.has(size), `${size} bytes`)
  }
})

t.test('an archive is whole with its trailer, with or without what follows', async t => {
  const end = TRAILER_AT + 110 + 11
  for (let size = end; size <= ARCHIVE.length; size++) t.equal(cpioBreaksOff(ARCHIVE.subarray(0, size)), false)
  for (const more of [ARCHIVE, Buffer.alloc(5000), Buffer.from('\x1f\x8b\x08', 'latin1'), Buffer.from('junk')]) {
    t.equal(cpioBreaksOff(Buffer.concat([ARCHIVE, more])), false)
  }
})

t.test('an archive that follows another one may break off', async t => {
  const second = ARCHIVE.subarray(0, 130)
  t.equal(cpioBreaksOff(Buffer.concat([ARCHIVE, second])), true)
  t.equal(cpioBreaksOff(Buffer.concat([ARCHIVE, Buffer.alloc(4096), second])), true)
})

t.test('a header that is damaged is not called an end', async t => {
  for (const at of [54, 94]) {
    const bytes = Buffer.from(ARCHIVE)
    bytes.write('x', at)
    t.equal(cpioBreaksOff(bytes), false)
  }
  t.equal(cpioBreaksOff(new Uint8Array()), false)
})
