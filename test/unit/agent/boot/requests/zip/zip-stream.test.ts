import { randomBytes } from 'node:crypto'
import * as fc from 'fast-check'
import { zipSync } from 'fflate'
import t from 'tap'
import { readZip } from '../../../../../../agent/boot/requests/zip/zip-stream.js'
import { FauxbootError, fault } from '../../../../../../agent/errors.js'
import { body, breaksOff, failure, patternBytes } from '../../fixture.js'
import { makeZip, streamedZip, type ZipMember } from './zip-fixture.js'

const TEXT = Buffer.from('a kernel, more or less; '.repeat(20_000))
const NOISE = patternBytes(150_000)
const MEMBERS: ZipMember[] = [
  { name: 'job.json', data: Buffer.from('{}'), deflate: false },
  { name: 'kernel', data: TEXT, deflate: true },
  { name: 'ramdisk', data: NOISE, deflate: false },
  { name: 'empty', data: Buffer.alloc(0), deflate: false },
  { name: 'nothing', data: Buffer.alloc(0), deflate: true },
]

async function unzip(bytes: Uint8Array, chunk = 10_000): Promise<[string, string][]> {
  const members: [string, string][] = []
  await readZip(body(bytes, chunk), async (name, data) => {
    const parts: Uint8Array[] = []
    for await (const part of data) parts.push(part)
    members.push([name, Buffer.concat(parts).toString('base64')])
  })
  return members
}
const contents = (members: readonly ZipMember[]) =>
  members.map(({ name, data }) => [name, Buffer.from(data).toString('base64')])

t.test('every member arrives, however the file was written', async t => {
  const files = Object.fromEntries(MEMBERS.map(({ name, data }) => [name, new Uint8Array(data)]))
  const ways: Record<string, Buffer> = {
    'sizes known': makeZip(MEMBERS),
    'a comment': makeZip(MEMBERS, { comment: 'made by hand' }),
    ZIP64: makeZip(MEMBERS, { zip64: true }),
    'descriptors that are marked': makeZip(MEMBERS.map(member => ({ ...member, descriptor: 'marked' }))),
    'wide descriptors': makeZip(MEMBERS.map(member => ({ ...member, descriptor: 'wide' }))),
    'bare descriptors': makeZip(
      MEMBERS.filter(({ deflate }) => deflate).map(member => ({ ...member, descriptor: 'bare' })),
    ),
    'fflate, at once': Buffer.from(zipSync(files)),
    'fflate, streamed': streamedZip(MEMBERS),
    'no member at all': makeZip([]),
  }
  for (const [way, bytes] of Object.entries(ways)) {
    const expected =
      way === 'no member at all'
        ? []
        : way === 'bare descriptors'
          ? contents(MEMBERS.filter(m => m.deflate))
          : contents(MEMBERS)
    t.same(await unzip(bytes), expected, way)
  }
})

t.test('it does not matter how the file is cut into chunks', async t => {
  const small = MEMBERS.map(member => ({ ...member, data: member.data.subarray(0, 300) }))
  for (const bytes of [makeZip(small, { zip64: true }), streamedZip(small)]) {
    for (const chunk of [1, 2, 3, 7, 64, 1000]) t.same(await unzip(bytes, chunk), contents(small), `${chunk}`)
  }
})

t.test('folders are passed over', async t => {
  const folder = { name: 'overlays/', data: Buffer.alloc(0) }
  t.same(await unzip(makeZip([folder, { ...folder, deflate: true }])), [])
  const error = await failure(unzip(makeZip([{ ...folder, data: TEXT }])))
  t.match(error, { code: 'FORMAT_VALUE', details: { where: 'folder overlays/', found: 'data' } })
})

t.test('signatures inside of data are data', async t => {
  const signatures = ['PK\x03\x04', 'PK\x07\x08', 'PK\x01\x02', 'PK\x05\x06'].map(text => Buffer.from(text, 'latin1'))
  const inner = makeZip([{ name: 'inner', data: NOISE.subarray(0, 100), descriptor: 'marked' }])
  const data = Buffer.concat([
    inner,
    ...signatures,
    NOISE.subarray(0, 50),
    ...signatures,
    Buffer.from('PK\x07', 'latin1'),
  ])
  for (const descriptor of [undefined, 'marked', 'wide'] as const) {
    const member = { name: 'outer', data, descriptor }
    t.same(await unzip(makeZip([member, member]), 50), contents([member, member]), `${descriptor}`)
  }
  // Each mark is followed by what could be its sizes: the running length of the data, as of a descriptor that is one.
  const tricky = Buffer.alloc(16 * 2000)
  for (let at = 0; at < tricky.length; at += 16) {
    tricky.write('PK\x07\x08', at, 'latin1')
    tricky.writeUInt32LE(1, at + 4)
    tricky.writeUInt32LE(at, at + 8)
    tricky.writeUInt32LE(at, at + 12)
  }
  const traps = { name: 'traps', data: tricky, descriptor: 'marked' } as const
  t.same(await unzip(makeZip([traps]), 1000), contents([traps]))
  const many = { name: 'many', data: Buffer.alloc(1_000_000, 'PK\x07\x08', 'latin1'), descriptor: 'marked' } as const
  t.same(await unzip(makeZip([many]), 65_536), contents([many]))
})

t.test('a file that is cut anywhere is an error, and never a member less', async t => {
  const small = MEMBERS.map(member => ({ ...member, data: member.data.subarray(0, 20) }))
  for (const [bytes, step] of [
    [makeZip(small), 1],
    [makeZip(small, { zip64: true }), 7],
    [streamedZip(small), 7],
  ] as const) {
    for (let length = 0; length < bytes.length; length += step) {
      const error = await failure(unzip(bytes.subarray(0, length), 64))
      if (error.code !== 'FORMAT_TRUNCATED') t.fail(`cut at ${length} of ${bytes.length}: ${error.message}`)
    }
    t.equal((await unzip(bytes)).length, small.length)
  }
})

t.test('a lie about a member is found', async t => {
  const lies: [Partial<ZipMember>, string, RegExp][] = [
    [{ crc: 1 }, 'FORMAT_CRC', /member kernel is 0x00000001, computed 0x[0-9a-f]{8}/],
    [{ crc: 1, deflate: true }, 'FORMAT_CRC', /member kernel/],
    [{ crc: 1, deflate: true, descriptor: 'marked' }, 'FORMAT_CRC', /member kernel/],
    [{ size: 5 }, 'FORMAT_VALUE', /expected 5 bytes unpacked, found \d+ or more/],
    [{ size: 5, deflate: true }, 'FORMAT_VALUE', /expected 5 bytes unpacked, found \d+ or more/],
    [{ size: 1e9, deflate: true }, 'FORMAT_VALUE', /expected 1000000000 bytes unpacked, found 480000/],
    [{ size: 5, deflate: true, descriptor: 'marked' }, 'FORMAT_VALUE', /expected 5 bytes unpacked, found 480000/],
    [{ packed: 5, deflate: true, descriptor: 'wide' }, 'FORMAT_VALUE', /expected 5 bytes packed/],
    [{ packed: 100_000, deflate: true }, 'FORMAT_VALUE', /expected 100000 bytes packed, found \d+/],
    [
      { packed: 50, deflate: true },
      'DECOMPRESS_FAILED',
      /member kernel cannot be decompressed as deflate: unexpected end/,
    ],
    [{ method: 8, data: Buffer.alloc(50, 0xff) }, 'DECOMPRESS_FAILED', /invalid block type/],
    [{ method: 12 }, 'FORMAT_UNSUPPORTED', /compression method 12, which is not supported; supported: stored \(0\)/],
    [{ flags: 1 }, 'FORMAT_UNSUPPORTED', /encryption/],
  ]
  for (const [lie, code, message] of lies) {
    const error = await failure(unzip(makeZip([{ name: 'kernel', data: TEXT, ...lie }])))
    t.match(error, { code, message }, JSON.stringify(lie).slice(0, 60))
  }
  const later = await failure(
    unzip(Buffer.concat([makeZip([{ name: 'kernel', data: TEXT, packed: TEXT.length + 40, size: TEXT.length + 40 }])])),
  )
  t.equal(later.code, 'FORMAT_CRC', 'sizes that reach into the next record')
})

t.test('deflated data that ends before its announced size is refused', async t => {
  const bytes = makeZip([{ name: 'kernel', data: TEXT, deflate: true }])
  const packed = bytes.readUInt32LE(18)
  bytes.writeUInt32LE(packed + 20, 18)
  t.match(await failure(unzip(bytes)), {
    code: 'FORMAT_VALUE',
    message: new RegExp(`expected ${packed + 20} bytes packed, found ${packed}`),
  })
})

t.test('a bomb is stopped by what it said of its size', async t => {
  let most = 0
  const bomb = makeZip([{ name: 'kernel', data: Buffer.alloc(50_000_000), deflate: true, size: 1000 }])
  const read = readZip(body(bomb), async (_name, data) => {
    for await (const part of data) most += part.length
  })
  t.match(await failure(read), { code: 'FORMAT_VALUE', message: /expected 1000 bytes unpacked/ })
  t.equal(most, 0)
})

t.test('the directory has to say what the members said', async t => {
  const wrong: [Buffer, RegExp][] = [
    [makeZip(MEMBERS, { directoryCrc: 1 }), /the directory, entry job.json: expected crc \d+, found 1/],
    [makeZip(MEMBERS, { directoryName: 'x' }), /the directory, entry x: expected name job.json, found x/],
    [makeZip(MEMBERS, { count: 4 }), /expected 5 entries, found 5, and 4 in the end record/],
    [makeZip(MEMBERS, { count: 4, zip64: true }), /expected 5 entries, found 5, and 4/],
    [Buffer.concat([makeZip(MEMBERS), Buffer.from('PK')]), /expected its end, found more/],
  ]
  for (const [bytes, message] of wrong) t.match(await failure(unzip(bytes)), { code: 'FORMAT_VALUE', message })
  const one = makeZip([{ name: 'a', data: TEXT }])
  const start = one.indexOf(Buffer.from('PK\x01\x02', 'latin1'))
  const end = one.indexOf(Buffer.from('PK\x05\x06', 'latin1'))
  const entry = one.subarray(start, end)
  const doubled = Buffer.concat([one.subarray(0, end), entry, one.subarray(end)])
  t.match(await failure(unzip(doubled)), { message: /entry a: expected name of no member, found a/ })
  const dropped = Buffer.concat([one.subarray(0, start), one.subarray(end)])
  t.match(await failure(unzip(dropped)), { message: /expected 1 entries, found 0, and 1/ })
})

t.test('anything but a ZIP file is refused with its first bytes', async t => {
  t.match(await failure(unzip(NOISE)), { code: 'FORMAT_MAGIC', message: /at 0x0: expected a record of a ZIP file/ })
  t.match(await failure(unzip(Buffer.alloc(0))), {
    code: 'FORMAT_TRUNCATED',
    message: /at 0x0: expected 4 bytes of a signature, found 0/,
  })
  const odd = makeZip([], { zip64: true })
  odd.writeUInt32LE(0x04034b50, odd.length - 22)
  t.equal((await failure(unzip(odd))).code, 'FORMAT_MAGIC')
})

t.test('a ZIP64 end record too short for its counts leaves them to the end record', async t => {
  const short = Buffer.alloc(12 + 4 + 22)
  short.writeUInt32LE(0x06064b50)
  short.writeBigUInt64LE(4n, 4)
  short.writeUInt32LE(0x06054b50, 16)
  t.same(await unzip(short), [])
})

t.test('more members than any job has are refused', async t => {
  const members = Array.from({ length: 257 }, (_, i) => ({ name: `${i}`, data: Buffer.alloc(0) }))
  t.match(await failure(unzip(makeZip(members))), { message: /expected at most 256, found more/ })
})

t.test('a connection that breaks off, and a signal, end the reading', async t => {
  const bytes = makeZip(MEMBERS)
  const none = async (_name: string, data: AsyncIterable<Uint8Array>): Promise<void> => {
    for await (const part of data) if (part.length === 0) throw new Error('empty')
  }
  const broken = await failure(readZip(body(bytes.subarray(0, 1000), 500, breaksOff), none))
  t.match(broken, {
    code: 'FORMAT_TRUNCATED',
    message: /at 0x3e8: expected more, found the end of the connection: aborted/,
  })
  const words = body(bytes.subarray(0, 1000), 500, () => {
    throw 'words'
  })
  t.match(await failure(readZip(words, none)), { message: /words/ })
  const abort = new AbortController()
  const silent = async function* () {
    yield bytes.subarray(0, 1000)
    abort.abort(new Error('cancelled'))
    await new Promise(() => {})
  }
  await t.rejects(readZip(silent(), none, abort.signal), { message: 'cancelled' })
  const refused = readZip(body(bytes), async () => {
    throw fault('JOB_INVALID', { where: 'x', reason: 'y' })
  })
  t.equal((await failure(refused)).code, 'JOB_INVALID')
})

t.test('whatever is changed in a file, the answer is the same members or an error of the table', async t => {
  const small: ZipMember[] = [
    { name: 'kernel', data: TEXT.subarray(0, 400), deflate: true },
    { name: 'dtb', data: NOISE.subarray(0, 60), descriptor: 'marked' },
    { name: 'ramdisk', data: TEXT.subarray(0, 90), deflate: true, descriptor: 'wide' },
    { name: 'modules', data: randomBytes(40) },
  ]
  const bytes = makeZip(small)
  const original = contents(small)
  const changed = fc.asyncProperty(fc.nat(bytes.length - 1), fc.nat(255), fc.nat(3), async (at, value, extra) => {
    const copy = Buffer.concat([bytes.subarray(0, at), Buffer.alloc(extra, value), bytes.subarray(at)])
    copy[at] = value
    return unzip(copy, 37).then(
      // Times, versions, attributes and comments are not looked at: changes there change nothing.
      members => t.same(members, original),
      error => error instanceof FauxbootError,
    )
  })
  await t.resolves(fc.assert(changed, { numRuns: 250 }))
})
