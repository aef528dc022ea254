import t, { type Test } from 'tap'
import { checksumCommands } from '../../../../../../agent/uboot/commands/memory/checksum.js'
import { bench } from '../../run-command.js'

const MD5 = '874359cd609fd87cb1f7e84590928c1f'
const SHA256 = 'f27197839eb8109731166585a3ad3244eb7a2901b4294cf795f80f6779a56697'

/** Memory as the recorded U-Boot had it. */
function setUp(t: Test) {
  const it = bench(t, checksumCommands)
  const words = Buffer.alloc(0x100)
  words.fill(Buffer.from('78563412', 'hex'), 0, 0x40)
  words.write('cdabcdab', 'hex')
  it.machine.memory.write(0x4200_0000, words)
  return it
}

t.test('digests are those that U-Boot prints', async t => {
  const { type, machine } = setUp(t)
  t.equal(await type('crc32 42000000 100'), 'crc32 for 42000000 ... 420000ff ==> ed3d54f0\n')
  await type('crc32 42000000 100 42002000')
  t.equal(machine.memory.read(0x4200_2000, 4).toString('hex'), 'ed3d54f0')
  t.equal(await type('md5sum 42000000 100'), `md5 for 42000000 ... 420000ff ==> ${MD5}\n`)
  t.equal(
    await type('sha1sum 42000000 100'),
    'sha1 for 42000000 ... 420000ff ==> 74d025ad870e03a44bc48d58492b91b4b8a82bab\n',
  )
  t.equal(await type('hash sha256 42000000 100'), `sha256 for 42000000 ... 420000ff ==> ${SHA256}\n`)
  t.equal(await type('hash CRC32 42000000 100'), 'crc32 for 42000000 ... 420000ff ==> ed3d54f0\n')
  t.match(await type('hash sha384 42000000 100'), /==> [0-9a-f]{96}\n$/)
  t.match(await type('hash sha512 42000000 100'), /==> [0-9a-f]{128}\n$/)
})

t.test('a digest is stored in a variable or, after a star, in memory', async t => {
  const { type, machine } = setUp(t)
  await type('hash md5 42000000 100 hv')
  t.equal(machine.env.get('hv'), MD5)
  await type('hash sha256 42000000 100 *42003000')
  t.equal(machine.memory.read(0x4200_3000, 32).toString('hex'), SHA256)
})

t.test('-v compares with digits, a variable or memory', async t => {
  const { type, machine } = setUp(t)
  t.equal(await type('crc32 -v 42000000 100 ed3d54f0'), '')
  t.equal(
    await type('crc32 -v 42000000 100 ed3d54f1'),
    '1: crc32 for 42000000 ... 420000ff ==> ed3d54f0 != ed3d54f1 ** ERROR **\n',
  )
  machine.env.set('sum', MD5)
  t.equal(await type('md5sum -v 42000000 100 sum'), '')
  t.equal(await type('hash -v md5 42000000 100 sum'), '')
  t.equal(await type('hash -v md5 42000000 100 none'), '1: ERROR: none does not contain a valid md5 sum\n')
  machine.memory.write(0x4200_3000, Buffer.from(SHA256, 'hex'))
  t.equal(await type('hash -v sha256 42000000 100 *42003000'), '')
})

t.test('what is missing or unknown shows the usage', async t => {
  const { type } = setUp(t)
  for (const line of ['crc32', 'crc32 1', 'md5sum -v 42000000 1', 'hash', 'hash -v', 'hash md5 1'])
    t.equal(await type(line), `usage of ${line.replace(/ .*/, '')}\n`, line)
  for (const name of ['sha3', 'constructor'])
    t.equal(await type(`hash ${name} 42000000 1`), `usage of hash\nUnknown hash algorithm '${name}'\n`)
  await t.rejects(type('crc32 0 1'), { code: 'UBOOT_MEMORY' })
})
