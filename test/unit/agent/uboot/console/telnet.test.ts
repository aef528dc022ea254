import fc from 'fast-check'
import t from 'tap'
import { TelnetFilter } from '../../../../../agent/uboot/console/telnet.js'

function filter() {
  const replies: string[] = []
  const made = new TelnetFilter(bytes => replies.push(bytes))
  return { replies, receive: (bytes: string) => made.receive(bytes) }
}

t.test('the console says that it echoes and sends without being asked', async t => {
  t.equal(TelnetFilter.greeting, '\xff\xfb\x01\xff\xfb\x03')
})

t.test('255 is doubled on the wire, both ways', async t => {
  t.equal(TelnetFilter.quote('a\xffb'), 'a\xff\xffb')
  t.equal(filter().receive('a\xff\xffb'), 'a\xffb')
})

t.test('what was told is agreed to in silence, and taken back when asked', async t => {
  const { receive, replies } = filter()
  t.equal(receive('\xff\xfd\x01\xff\xfd\x03x'), 'x')
  t.same(replies, [])
  receive('\xff\xfe\x01\xff\xfe\x01')
  t.same(replies, ['\xff\xfc\x01'])
})

t.test('the other side may suppress go-ahead, and everything unknown is refused', async t => {
  const { receive, replies } = filter()
  receive('\xff\xfb\x03\xff\xfb\x03\xff\xfb\x18\xff\xfd\x22\xff\xfc\x03\xff\xfc\x18')
  t.same(replies, ['\xff\xfd\x03\xff\xfe\x18\xff\xfc\x22\xff\xfe\x03'])
})

t.test('the demands of one input are answered together', async t => {
  const { receive, replies } = filter()
  t.equal(receive(`${'\xff\xfd\x63'.repeat(1000)}a`), 'a')
  t.same(replies, ['\xff\xfc\x63'.repeat(1000)])
})

t.test('NUL after CR is dropped, other NULs are not', async t => {
  t.equal(filter().receive('a\r\0b\0c\r\nd\r\r\0'), 'a\rb\0c\r\nd\r\r')
})

t.test('subnegotiations and commands vanish; interrupt and break are ^C', async t => {
  t.equal(filter().receive('a\xff\xfa\x18\x00xterm\xff\xff\xff\xf0b\xff\xf1c\xff\xf4\xff\xf3'), 'abc\x03\x03')
})

t.test('it does not matter where the bytes are cut', async () => {
  const byte = fc.constantFrom('a', '\r', '\n', '\0', '\xff', '\xfd', '\xfb', '\xfa', '\xf0', '\x01')
  fc.assert(
    fc.property(fc.array(byte, { maxLength: 30 }), fc.nat(30), (bytes, cut) => {
      const [whole, parts] = [filter(), filter()]
      const data = whole.receive(bytes.join(''))
      const pieces = parts.receive(bytes.slice(0, cut).join('')) + parts.receive(bytes.slice(cut).join(''))
      return data === pieces && whole.replies.join('') === parts.replies.join('')
    }),
  )
})
