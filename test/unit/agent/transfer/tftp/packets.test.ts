import fc from 'fast-check'
import t from 'tap'
import {
  ackPacket,
  dataPacket,
  errorPacket,
  isTftpName,
  optionsPacket,
  parseTftpPacket,
  requestPacket,
} from '../../../../../agent/transfer/tftp/packets.js'

const bytes = (text: string): Buffer => Buffer.from(text, 'latin1')

t.test('the packets of RFC 1350 and RFC 2347 are written byte for byte', async t => {
  t.same(requestPacket('read', 'a/b', new Map()), bytes('\0\x01a/b\0octet\0'))
  t.same(requestPacket('write', 'f', new Map([['blksize', '1468']])), bytes('\0\x02f\0octet\0blksize\x001468\0'))
  t.same(dataPacket(1, bytes('xy')), bytes('\0\x03\0\x01xy'))
  t.same(ackPacket(0x1234), bytes('\0\x04\x12\x34'))
  t.same(errorPacket(1, 'no\0pe'), bytes('\0\x05\0\x01nope\0'))
  t.same(optionsPacket(new Map([['tsize', '5']])), bytes('\0\x06tsize\x005\0'))
})

t.test('the block after 65535 is number 0', async t => {
  t.same(dataPacket(65_536, bytes('')), bytes('\0\x03\0\0'))
  t.same(ackPacket(65_536 * 3 + 7), bytes('\0\x04\0\x07'))
})

t.test('what is written is read again', async t => {
  t.same(parseTftpPacket(requestPacket('read', 'n\xe4me', new Map([['windowsize', '4']]))), {
    op: 'read',
    file: 'n\xe4me',
    mode: 'octet',
    options: new Map([['windowsize', '4']]),
  })
  t.same(parseTftpPacket(dataPacket(7, bytes('xy'))), { op: 'data', block: 7, payload: bytes('xy') })
  t.same(parseTftpPacket(ackPacket(65_535)), { op: 'ack', block: 65_535 })
  t.same(parseTftpPacket(errorPacket(2, 'no')), { op: 'error', number: 2, text: 'no' })
  t.same(parseTftpPacket(optionsPacket(new Map())), { op: 'options', options: new Map() })
})

t.test('names of options and modes are read without regard to case, and the first of two counts', async t => {
  t.match(parseTftpPacket(bytes('\0\x01f\0OCTET\0BlkSize\x008\0blksize\x009\0')), {
    mode: 'octet',
    options: new Map([['blksize', '8']]),
  })
})

t.test("an error's text is shown without control characters, and may lack its zero byte", async t => {
  t.match(parseTftpPacket(bytes('\0\x05\0\0\x1b[2Jgone\r\n')), { text: '?[2Jgone??' })
  t.match(parseTftpPacket(bytes(`\0\x05\0\0${'x'.repeat(999)}`)), { text: 'x'.repeat(256) })
})

t.test('anything but a packet is null', async t => {
  const cases: Record<string, Buffer> = {
    nothing: bytes(''),
    'one byte': bytes('\0'),
    'an unknown opcode': bytes('\0\x07\0\0'),
    'half an ACK': bytes('\0\x04\0'),
    'a request without an end': bytes('\0\x01f\0octet'),
    'a request without a mode': bytes('\0\x01f\0'),
    'a request without a name': bytes('\0\x01\0octet\0'),
    'an option without a value': bytes('\0\x01f\0octet\0blksize\0'),
    'an OACK with half an option': bytes('\0\x06blksize\0'),
    'an OACK without an end': bytes('\0\x06x'),
    'a request of 2 KiB': bytes(`\0\x01${'f'.repeat(2048)}\0octet\0`),
    'too many options': bytes(`\0\x01f\0octet\0${'a\0b\0'.repeat(33)}`),
  }
  for (const [name, datagram] of Object.entries(cases)) t.equal(parseTftpPacket(datagram), null, name)
})

t.test('no datagram makes the parser throw', async t => {
  const datagram = fc.oneof(
    fc.uint8Array({ maxLength: 64 }),
    fc
      .tuple(fc.integer({ min: 0, max: 7 }), fc.uint8Array({ maxLength: 64 }))
      .map(([op, rest]) => Buffer.of(0, op, ...rest)),
  )
  fc.assert(
    fc.property(datagram, bytes => {
      const packet = parseTftpPacket(bytes)
      return packet === null || ['read', 'write', 'data', 'ack', 'error', 'options'].includes(packet.op)
    }),
  )
  t.pass('fast-check found none')
})

t.test('a name that can be asked for has 1 to 400 bytes, none of them zero', async t => {
  for (const name of ['f', 'boot/zImage', 'n\xe4me', 'x'.repeat(400)]) t.ok(isTftpName(name), name)
  for (const name of ['', 'a\0b', '\u20ac', 'x'.repeat(401)]) t.notOk(isTftpName(name), name)
})
