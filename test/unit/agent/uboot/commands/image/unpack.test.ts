import { createCipheriv } from 'node:crypto'
import { gzipSync } from 'node:zlib'
import t, { type Test } from 'tap'
import { unpackCommands } from '../../../../../../agent/uboot/commands/image/unpack.js'
import { needs, peer } from '../../../../../peer.js'
import { lz4Bomb } from '../../../image/compression/lz4-bomb.js'
import { bench } from '../../run-command.js'

const PLAIN = Buffer.from('some text that packs, packs, packs '.repeat(100))

function setUp(t: Test, packed: Uint8Array) {
  const it = bench(t, unpackCommands)
  it.machine.memory.write(0x4200_0000, Buffer.concat([packed, Buffer.alloc(100, 0xaa)]))
  return it
}

t.test('compressed memory is decompressed to its target, and its size is printed', needs('xz', 'lz4'), async t => {
  for (const [command, packed] of [
    ['unzip 42000000 43000000', gzipSync(PLAIN)],
    ['lzmadec 42000000 43000000', peer('xz', ['--format=lzma', '-c'], PLAIN)],
    ['unlz4 42000000 43000000 10000', peer('lz4', ['-l', '-q', '-c'], PLAIN)],
    ['unlz4 42000000 43000000 10000', peer('lz4', ['-q', '-c'], PLAIN)],
  ] as const) {
    const { type, machine } = setUp(t, packed)
    const size = command.startsWith('lzmadec') ? '0XDAC' : '0xDAC'
    t.equal(await type(command), `Uncompressed size: 3500 = ${size}\n`, command)
    t.equal(machine.env.get('filesize'), 'dac')
    t.ok(machine.memory.read(0x4300_0000, PLAIN.length).equals(PLAIN))
  }
})

t.test('packed data that is larger than what is read at first is read on', async t => {
  // A cipher's stream of zeros packs no better than chance.
  const key = Buffer.alloc(16, 1)
  const noise = createCipheriv('aes-128-ctr', key, key).update(Buffer.alloc(0x120_0000))
  const { type, machine } = setUp(t, gzipSync(noise, { level: 1 }))
  t.equal(await type('unzip 42000000 50000000'), 'Uncompressed size: 18874368 = 0x1200000\n')
  t.ok(machine.memory.read(0x5000_0000, noise.length).equals(noise))
})

t.test('unpacked data goes to memory piece by piece: it is never all in memory twice', needs('xz'), async t => {
  const zeros = Buffer.alloc(40 * 2 ** 20)
  for (const [command, packed] of [
    ['unzip 42000000 48000000', gzipSync(zeros, { level: 1 })],
    ['lzmadec 42000000 48000000', peer('xz', ['-0', '--format=lzma', '-c'], zeros)],
    ['unlz4 42000000 48000000 10000000', lz4Bomb(5)],
  ] as const) {
    const { type, machine } = setUp(t, packed)
    const pieces = t.capture(machine.memory, 'write', machine.memory.write)
    t.match(await type(command), /^Uncompressed size: 41943040 = 0[xX]2800000\n/)
    const sizes = pieces().map(({ args }) => args[1].length)
    t.ok(Math.max(...sizes) <= 10 * 2 ** 20, command)
    t.equal(
      sizes.reduce((sum, size) => sum + size, 0),
      zeros.length,
      command,
    )
  }
})

t.test('of packed data, at most 64 MiB are read', async t => {
  const { type, machine } = setUp(t, Buffer.from([0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 0, 0]))
  const full = Buffer.alloc(100 * 2 ** 20, 0xff)
  machine.memory.write(0x4200_000a, full)
  const reads = t.capture(machine.memory, 'read', machine.memory.read)
  t.equal(await type('unzip 42000000 50000000'), '1: Error: inflate() returned -3\n')
  t.ok(reads().every(({ args }) => args[1] <= 64 * 2 ** 20))
})

t.test('each command says in its own words what is wrong', needs('xz', 'lz4'), async t => {
  const { type } = setUp(t, gzipSync(PLAIN))
  t.equal(await type('unzip 42000000 43000000 10'), '1: Error: inflate() returned -5\n')
  t.equal(await type('unzip 42000001 43000000'), '1: Error: Bad gzipped data\n')
  t.equal(await type('unzip 44000000 43000000'), '1: Error: Bad gzipped data\n')
  t.equal(await type('lzmadec 42000000 43000000'), '1: ')
  t.equal(await type('unlz4 42000000 43000000 1000'), '1: Uncompressed err :-93\n')
  await t.rejects(type('unzip 0 43000000'), { code: 'UBOOT_MEMORY' })
  t.equal(await type('unzip 42000000 0'), '1: Error: inflate() returned -5\n')
  const broken = gzipSync(PLAIN).fill(0xff, 20, 30)
  t.equal(await setUp(t, broken).type('unzip 42000000 43000000'), '1: Error: inflate() returned -3\n')
  const lz4 = setUp(t, peer('lz4', ['-l', '-q', '-c'], PLAIN))
  t.equal(await lz4.type('unlz4 42000000 43000000 10'), '1: Uncompressed err :-105\n')
  const wrong = setUp(t, Buffer.from('02214c1804000000f0ffffff', 'hex'))
  t.equal(await wrong.type('unlz4 42000000 43000000 1000'), '1: Uncompressed err :-71\n')
})

t.test('lzmadec without xz names the package to install', async t => {
  const { PATH } = process.env
  t.teardown(() => {
    process.env.PATH = PATH
  })
  process.env.PATH = t.testdir({})
  const { type } = setUp(t, PLAIN)
  t.equal(
    await type('lzmadec 42000000 43000000'),
    '1: ## fauxboot: the program xz cannot be started: spawn xz ENOENT; install it (Debian: xz-utils)\n',
  )
})

t.test('a wrong number of words shows the usage', async t => {
  const { type } = setUp(t, PLAIN)
  for (const line of ['unzip', 'unzip 1', 'lzmadec 1', 'unlz4 1 2', 'unlz4'])
    t.equal(await type(line), `usage of ${line.replace(/ .*/, '')}\n`, line)
})

t.test('^C ends unpacking', async t => {
  const { type } = setUp(t, gzipSync(PLAIN))
  await t.rejects(type('unzip 42000000 43000000', { signal: AbortSignal.abort(new Error('interrupted')) }), {
    message: 'interrupted',
  })
})

t.test('what zip packs, unzip unpacks', async t => {
  const { type, machine } = setUp(t, PLAIN)
  t.match(await type('zip 42000000 dac 43000000'), /^Compressed size: (\d+) = 0x[0-9A-F]+\n$/)
  t.equal(await type('unzip 43000000 44000000'), 'Uncompressed size: 3500 = 0xDAC\n')
  t.ok(machine.memory.read(0x4400_0000, PLAIN.length).equals(PLAIN))
  t.equal(await type('zip 42000000 dac 43000000 4'), '1: Error: deflate() returned -5\n')
  t.equal(await type('zip 42000000 8000000 43000000'), '1: ## fauxboot: zip takes at most 0x4000000 bytes\n')
  t.match(await type('zip 42000000'), 'zip')
})
