import t, { type Test } from 'tap'
import { envCommands } from '../../../../../../agent/uboot/commands/env/env.js'
import { UBootEnvironment } from '../../../../../../agent/uboot/env/uboot-environment.js'
import { bench } from '../../run-command.js'

const setUp = (t: Test) =>
  bench(t, envCommands, { env: new UBootEnvironment({ defaults: { foo: 'bar', sp: 'a  b  c' }, capacity: 0x3_fffc }) })

t.test('env export writes text, and says its size in capitals', async t => {
  const { type, machine } = setUp(t)
  t.equal(await type('env export -t 42000000 sp foo none'), '')
  t.equal(machine.memory.read(0x4200_0000, 21).toString('latin1'), 'foo=bar\nsp=a  b  c\n\0\0')
  t.equal(machine.env.get('filesize'), '14')
  await type(`setenv long ${'x'.repeat(0xc0)}`)
  await type('env export 42000000')
  t.equal(machine.env.get('filesize'), 'E6')
  machine.memory.write(0x4200_0000, Buffer.alloc(0x200, 0xff))
  await type('env export -t -s 100 42000000 foo')
  t.equal(machine.env.get('filesize'), '100')
  t.strictSame([...machine.memory.read(0x4200_0007, 2)], [0x0a, 0])
  t.strictSame([...machine.memory.read(0x4200_00ff, 2)], [0, 0xff])
})

t.test('env export writes both binary formats', async t => {
  const { type, machine } = setUp(t)
  await type('env export -b 42000000 foo sp')
  t.equal(machine.memory.read(0x4200_0000, 20).toString('latin1'), 'foo=bar\0sp=a  b  c\0\0')
  t.equal(machine.env.get('filesize'), '40000')
  await type('env export -c -s 100 42000000 foo sp')
  t.equal(machine.memory.read(0x4200_0000, 16).toString('hex'), '685e3676666f6f3d6261720073703d61')
  t.equal(machine.env.get('filesize'), '40000')
  t.equal(await type('env import -c 42000000 100'), '')
  t.equal(await type('env import -c 42000000 80'), '1: ## Error: bad CRC, import failed\n')
  t.equal(await type('env import -c 42000000 -'), '1: ## Error: external checksum format must pass size\n')
  t.equal(await type('env import -c 42000000 4'), '1: ## Error: Invalid size 0x4\n')
})

t.test('env export refuses what does not fit', async t => {
  const { type, machine } = setUp(t)
  t.equal(
    await type('env export -t -s 4 42000000'),
    '1: Env export buffer too small: 4, but need 20\n## Error: Cannot export environment: errno = 12\n',
  )
  await t.rejects(type('env export -b 7fffff00'), { code: 'UBOOT_MEMORY' })
  await t.rejects(type('env export -t -s ffffffff 42000000'), { code: 'UBOOT_MEMORY' })
  t.equal(await type('env export -t -b 42000000'), '1: ## Error: export: only one of "-b", "-c" or "-t" allowed\n')
  for (const line of ['env export', 'env export -t', 'env export -s', 'env export -x 1'])
    t.equal(await type(line), 'usage of env\n', line)
  t.equal(machine.env.get('filesize'), undefined)
})

t.test('env import reads text of a given size, or to its end', async t => {
  const { type, machine } = setUp(t)
  const put = (text: string) => machine.memory.write(0x4200_0000, Buffer.from(text, 'latin1'))
  put('foo=changed\nnew=1\n\0')
  t.equal(await type('env import -t 42000000 c'), '')
  t.strictSame([machine.env.get('foo'), machine.env.get('new')], ['changed', undefined])
  t.equal(
    await type('env import 42000000'),
    '## Warning: defaulting to text format\n## Info: input data size = 19 = 0x13\n',
  )
  t.equal(machine.env.get('new'), '1')
  put('foo=a\r\nbar=b\r\n\0')
  await type('env import -t -r 42000000 e foo')
  t.strictSame([machine.env.get('foo'), machine.env.get('bar')], ['a', undefined])
  t.equal(await type('env import -d -t 42000000 7'), '')
  t.strictSame(machine.env.names(), ['foo'])
  t.equal(
    await type('env import -d -t 42000000 7 foo none'),
    "WARNING: 'none' neither in running nor in imported env!\n",
  )
  put('=x\n\0')
  t.equal(await type('env import -t 42000000 3'), '1: ## Error: Environment import failed: errno = 22\n')
})

t.test('env import gives up looking for an end after a mebibyte', async t => {
  const { type, machine } = setUp(t)
  machine.memory.write(0x4200_0000, Buffer.from('xyy=1'))
  const lines =
    '## Warning: Input data exceeds 1048576 bytes - truncated\n## Info: input data size = 1048578 = 0x100002\n'
  t.equal(await type('env import -t 42000000'), lines)
  t.equal(machine.env.get('xyy'), '1')
  t.equal(await type('env import -t 42000000 - nosuch1'), lines)
})

t.test('env import stays within memory', async t => {
  const { type, machine } = setUp(t)
  machine.memory.write(0x7fff_fff8, Buffer.from('a=1\n\0'))
  t.equal(await type('env import -t 7ffffff8'), '## Info: input data size = 5 = 0x5\n')
  await t.rejects(type('env import -t 0'), { code: 'UBOOT_MEMORY' })
  t.equal(await type('env import -t 42000000 20000000'), '1: ## Error: Environment import failed: errno = 12\n')
  t.equal(await type('env import -b -t 1'), '1: ## Error: import: only one of "-b", "-c" or "-t" allowed\n')
  for (const line of ['env import', 'env import -x 1']) t.equal(await type(line), 'usage of env\n', line)
})
