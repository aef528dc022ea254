import { execFileSync } from 'node:child_process'
import { mkdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import fc from 'fast-check'
import t from 'tap'
import { EnvironmentFile, parseEnvironmentConfig } from '../../../../../agent/uboot/env/environment-file.js'
import {
  newerCopy,
  readEnvironmentImage,
  writeEnvironmentImage,
} from '../../../../../agent/uboot/env/environment-image.js'
import { needs, peer } from '../../../../peer.js'

const SIZE = 0x1000

/** A directory with a `fw_env.config` of one copy or two, and both sides' way to them. */
function setUp(t: Tap, places: readonly (readonly [file: string, offset: number])[]) {
  const directory = t.testdir({})
  const config = join(directory, 'fw_env.config')
  const lines = places.map(
    ([file, offset]) => `${join(directory, file)} 0x${offset.toString(16)} 0x${SIZE.toString(16)}`,
  )
  writeFileSync(config, `# place offset size\n\n${lines.join('\n')}\n`)
  const store = new EnvironmentFile('FAT', parseEnvironmentConfig(readFileSync(config, 'utf8'), config))
  return {
    store,
    path: (file: string) => join(directory, file),
    print: () => peer('fw_printenv', ['-c', config]).toString('latin1').trimEnd().split('\n').sort(),
    set: (name: string, value: string) => peer('fw_setenv', ['-c', config, name, value]),
  }
}
type Tap = { testdir(content: Record<string, never>): string }

const variables = (...entries: readonly (readonly [string, string])[]) => new Map(entries)

t.test('the tools of Debian print what was saved, and we load what they set', needs('fw_printenv'), async t => {
  const { store, path, print, set } = setUp(t, [['uboot.env', 0]])
  t.equal(await store.load(), null)
  await store.save(variables(['bootcmd', 'run a; b'], ['path', 'C:\\x'], ['empty', '']))
  t.strictSame(print(), ['bootcmd=run a; b', 'empty=', 'path=C:\\x'])
  t.equal(statSync(path('uboot.env')).size, SIZE)
  set('added', 'a b\\c')
  t.equal((await store.load())?.get('added'), 'a b\\c')
  await store.save(variables())
  t.equal((await store.load())?.size, 0)
  t.equal(store.capacity, SIZE - 4)
})

t.test('two copies are written in turn, by us and by the tools', needs('fw_printenv'), async t => {
  const { store, path, print, set } = setUp(t, [
    ['uboot.env', 0],
    ['uboot-redund.env', 0],
  ])
  await store.save(variables(['n', '1']))
  await store.save(variables(['n', '2']))
  t.strictSame(print(), ['n=2'])
  set('n', '3')
  t.strictSame(await store.load(), variables(['n', '3']))
  await store.save(variables(['n', '4']))
  t.strictSame(print(), ['n=4'])
  t.strictSame(
    ['uboot.env', 'uboot-redund.env'].map(file =>
      readEnvironmentImage(readFileSync(path(file)), true)?.variables.get('n'),
    ),
    ['3', '4'],
  )
  t.equal(store.capacity, SIZE - 5)
})

t.test('a copy whose writing was cut short leaves the other one', needs('fw_printenv'), async t => {
  const { store, path, print } = setUp(t, [
    ['uboot.env', 0],
    ['uboot-redund.env', 0],
  ])
  await store.save(variables(['n', '1']))
  await store.save(variables(['n', '2']))
  const torn = readFileSync(path('uboot-redund.env'))
  torn.fill(0xff, 100)
  writeFileSync(path('uboot-redund.env'), torn)
  t.strictSame(await store.load(), variables(['n', '1']))
  t.strictSame(print(), ['n=1'])
  await store.save(variables(['n', '3']))
  t.strictSame(print(), ['n=3'])
  writeFileSync(path('uboot.env'), torn)
  t.strictSame(await store.load(), variables(['n', '3']))
  writeFileSync(path('uboot-redund.env'), '')
  t.equal(await store.load(), null)
})

t.test('copies inside a larger file or a device leave what is around them', needs('fw_printenv'), async t => {
  const { store, path, print, set } = setUp(t, [
    ['disk', 0x2000],
    ['disk', 0x4000],
  ])
  writeFileSync(path('disk'), Buffer.alloc(0x8000, 0x55))
  await store.save(variables(['n', '1']))
  set('n', '2')
  t.strictSame(print(), ['n=2'])
  t.strictSame(await store.load(), variables(['n', '2']))
  const disk = readFileSync(path('disk'))
  t.equal(disk.length, 0x8000)
  t.ok(
    [disk.subarray(0, 0x2000), disk.subarray(0x3000, 0x4000), disk.subarray(0x5000)].every(part =>
      part.every(byte => byte === 0x55),
    ),
  )
})

t.test('the flags that count saves wrap', needs('fw_printenv'), async t => {
  t.strictSame(
    [newerCopy(1, 2), newerCopy(2, 1), newerCopy(255, 0), newerCopy(0, 255), newerCopy(7, 7)],
    [1, 0, 1, 0, 0],
  )
  const { store, path, print } = setUp(t, [
    ['uboot.env', 0],
    ['uboot-redund.env', 0],
  ])
  writeFileSync(path('uboot.env'), writeEnvironmentImage(variables(['n', 'old']), SIZE, 254))
  writeFileSync(path('uboot-redund.env'), writeEnvironmentImage(variables(['n', 'new']), SIZE, 255))
  await store.save(variables(['n', 'newest']))
  t.strictSame(await store.load(), variables(['n', 'newest']))
  t.strictSame(print(), ['n=newest'])
})

t.test('what cannot be saved or read says where', async t => {
  const { store, path } = setUp(t, [['uboot.env', 0]])
  await t.rejects(store.save(variables(['n', 'x'.repeat(SIZE)])), { code: 'UBOOT_ENVIRONMENT' })
  const missing = new EnvironmentFile('FAT', [{ path: path('no/such'), offset: 0, size: SIZE }])
  await t.rejects(missing.save(variables()), { code: 'UBOOT_ENVIRONMENT', details: { what: path('no/such') } })
  const directory = new EnvironmentFile('FAT', [{ path: path('.'), offset: 0, size: SIZE }])
  await t.rejects(directory.load(), { code: 'UBOOT_ENVIRONMENT' })
  const beyond = new EnvironmentFile('FAT', [{ path: `${path('fw_env.config')}/x`, offset: 0, size: SIZE }])
  await t.rejects(beyond.save(variables()), { code: 'UBOOT_ENVIRONMENT' })
  await t.rejects(new EnvironmentFile('FAT', []).save(variables()), { code: 'UBOOT_ENVIRONMENT' })
})

t.test('a fw_env.config that makes no sense is refused', t => {
  const texts = [
    '',
    '/a 0 5',
    '/a 0 0x1000\n/b 0 0x2000',
    '/a -1 0x1000',
    '/a x 0x1000',
    '/a 0 0x10000000',
    '/a 0 9\n/b 0 9\n/c 0 9',
  ]
  for (const text of texts)
    t.throws(() => parseEnvironmentConfig(text, 'fw_env.config'), { code: 'UBOOT_ENVIRONMENT' }, text)
  t.end()
})

t.test('bytes that were changed are not an environment', t => {
  const image = writeEnvironmentImage(variables(['a', '1'], ['b', '2']), 64, null)
  fc.assert(
    fc.property(fc.nat(63), fc.integer({ min: 1, max: 255 }), (at, change) => {
      const changed = Buffer.from(image)
      changed[at] = image.readUInt8(at) ^ change
      return readEnvironmentImage(changed, false) === null
    }),
  )
  t.equal(readEnvironmentImage(image.subarray(0, 4), false), null)
  t.strictSame(readEnvironmentImage(image, false)?.variables, variables(['a', '1'], ['b', '2']))
  t.end()
})

t.test('a FIFO or a directory where the environment or its next copy should be hangs nothing', async t => {
  const { store, path } = setUp(t, [['uboot.env', 0]])
  execFileSync('mkfifo', [path('uboot.env.new')])
  await store.save(variables(['n', '1']))
  mkdirSync(join(path('uboot.env.new'), 'full'), { recursive: true })
  await store.save(variables(['n', '2']))
  t.strictSame(await store.load(), variables(['n', '2']))
  rmSync(path('uboot.env'))
  execFileSync('mkfifo', [path('uboot.env')])
  await t.rejects(store.load(), { code: 'UBOOT_ENVIRONMENT' })
  await t.rejects(store.save(variables()), { code: 'UBOOT_ENVIRONMENT' })
})
