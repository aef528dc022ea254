import { randomBytes } from 'node:crypto'
import { deflateRawSync } from 'node:zlib'
import fc from 'fast-check'
import t from 'tap'
import { parseRamoops } from '../../../../../agent/image/pstore/ramoops.js'
import { dump, zone } from './ramoops-region.js'

const SIZES = { recordSize: 0x1000, consoleSize: 0x1000 }

t.test('dumps come before the console, compressed or not', async t => {
  const region = Buffer.concat([
    zone(0x1000, dump('<0>[    9.1] Kernel panic - not syncing: sysrq\n')),
    zone(0x1000, dump('<4>[    5.0] WARNING\n', { reason: 'Oops', compressed: false })),
    zone(0x1000, '[    9.0] console\n'),
  ])
  t.strictSame(parseRamoops(region, SIZES), {
    dumps: [
      { reason: 'Panic', text: '<0>[    9.1] Kernel panic - not syncing: sysrq\n' },
      { reason: 'Oops', text: '<4>[    5.0] WARNING\n' },
    ],
    console: '[    9.0] console\n',
  })
})

t.test('a full ring is read from its oldest byte', async t => {
  const region = zone(0x1000, 'newest\noldest\n', 7)
  t.equal(parseRamoops(region, { recordSize: 0, consoleSize: 0x1000 }).console, 'oldest\nnewest\n')
})

t.test('sizes are rounded as the driver rounds them, and dumps share out what is left over', async t => {
  // 0x3000 bytes for records of 0x1000 (from 0x1fff), then a console of 0x800 (from 0xfff).
  const region = Buffer.concat([zone(0x1400, dump('one')), zone(0x1400, dump('two')), zone(0x800, 'three')])
  const { dumps, console } = parseRamoops(region, { recordSize: 0x1fff, consoleSize: 0xfff })
  t.strictSame(
    dumps.map(({ text }) => text),
    ['one', 'two'],
  )
  t.equal(console, 'three')
})

t.test('memory that no kernel wrote has nothing to say', async t => {
  for (const region of [new Uint8Array(0x3000), randomBytes(0x3000), new Uint8Array(), new Uint8Array(0x800)]) {
    t.strictSame(parseRamoops(region, SIZES), { dumps: [], console: '' })
  }
})

t.test('a ring that cannot be one is left out', async t => {
  for (const [offset, value] of [
    [0, 0x43474245],
    [4, 100],
    [8, 0xffffffff],
    [8, 0x1000],
  ] as const) {
    const region = zone(0x1000, 'text')
    region.writeUInt32LE(value, offset)
    t.equal(parseRamoops(region, { recordSize: 0, consoleSize: 0x1000 }).console, '')
  }
})

t.test('a dump that cannot be unpacked is there, without its text', async t => {
  const broken = Buffer.concat([Buffer.from('====1.000000-C\n'), Buffer.from('\xff\xff no deflate', 'latin1')])
  const bomb = Buffer.concat([Buffer.from('====1.000000-C\n'), deflateRawSync(Buffer.alloc(2 ** 20))])
  for (const bytes of [broken, bomb]) {
    t.strictSame(parseRamoops(zone(0x1000, bytes), { recordSize: 0x1000, consoleSize: 0 }).dumps, [
      { reason: null, text: null },
    ])
  }
})

t.test('the beginning of a dump that was cut off is read', async t => {
  const whole = dump(Array.from({ length: 200 }, (_, line) => `[${line}] ${randomBytes(8).toString('hex')}\n`).join(''))
  const { dumps } = parseRamoops(zone(0x1000, whole.subarray(0, 2000)), { recordSize: 0x1000, consoleSize: 0 })
  t.match(dumps[0]?.text, /^\[0\] [0-9a-f]{16}\n\[1\] /)
})

t.test('control characters never come out', async t => {
  const { console } = parseRamoops(zone(0x1000, 'a\x1b[2J\x07b\tc\r\n'), { recordSize: 0, consoleSize: 0x1000 })
  t.equal(console, 'a\ufffd[2J\ufffdb\tc\n')
})

t.test('no bytes and no sizes make it throw', async t => {
  const noise = fc.uint8Array({ maxLength: 600 })
  const signed = fc
    .tuple(fc.nat(700), fc.nat(700), noise)
    .map(([start, size, data]) =>
      Buffer.concat([Buffer.from('DBGC'), Buffer.from(new Uint32Array([start, size]).buffer), data]),
    )
  const dumped = noise.map(data => zone(data.length + 40, Buffer.concat([Buffer.from('====1.2-C\n'), data])))
  const sizes = fc.record({ recordSize: fc.integer({ max: 0x1000 }), consoleSize: fc.integer({ max: 0x1000 }) })
  const property = fc.property(fc.array(fc.oneof(noise, signed, dumped), { maxLength: 4 }), sizes, (parts, sizes) => {
    const { dumps, console } = parseRamoops(Buffer.concat(parts), sizes)
    return dumps.length <= 16 && typeof console === 'string'
  })
  t.doesNotThrow(() => fc.assert(property, { numRuns: 2000 }))
})
