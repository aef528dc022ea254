import { readdir, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import t, { type Test } from 'tap'
import { checkSettings } from '../../../../../agent/config.js'
import { checkCard, parseCard, readCard, writeCard } from '../../../../../systemd/image/card.js'
import { makeImage } from '../../../../../systemd/image/image.js'
import { fauxboot } from '../../capture.js'

const MIB = 1024 * 1024

/** What lsblk prints of a card in a reader. */
const READER = {
  name: 'sdb',
  type: 'disk',
  size: 8 * 1024 * MIB,
  model: 'SD Reader ',
  tran: 'usb',
  rm: true,
  fstype: null,
  label: null,
  mountpoint: null,
  children: [
    { name: 'sdb1', type: 'part', size: 100 * MIB, fstype: 'vfat', label: 'BOOT', mountpoint: null },
    { name: 'sdb2', type: 'part', size: 7000 * MIB, fstype: null, label: null, mountpoint: null },
  ],
}

/** A signal that does not fire. */
const NEVER = new AbortController().signal

/** For `makeImage`: fails a test in which building begins. */
const built =
  (t: Test) =>
  (what: string): void => {
    throw t.fail(`began ${what}`)
  }

const card = (changes: object) => parseCard('/dev/sdb', JSON.stringify({ blockdevices: [{ ...READER, ...changes }] }))

t.test('what is no disk is refused before lsblk looks at it', async t => {
  for (const device of [join(t.testdir(), 'sdx'), '/dev/null'])
    await t.rejects(readCard(device), {
      code: 'BUILD_INPUT',
      message: `writing ${device}: it is no disk; lsblk lists the disks`,
    })
})

t.test('image --list names the boards and says which boot from a card', async t => {
  const { code, stdout } = await fauxboot(['image', '--list'])
  t.equal(code, 0)
  t.match(stdout, /^cubieboard4 +Cubieboard4.*, from an SD card$/m)
  t.match(stdout, /^virt +\S/m)
})

t.test(
  'image names the programs that are missing, and the line that installs them, before it builds anything',
  async t => {
    const { PATH } = process.env
    t.teardown(() => {
      process.env.PATH = PATH
    })
    process.env.PATH = t.testdir()
    const { code, stderr } = await fauxboot(['image', '--board', 'cubieboard4', '--out', join(t.testdirName, 'out')])
    t.equal(code, 1)
    t.match(stderr, /building an image: .*mmdebstrap, .* missing: sudo apt-get install .*binutils.* mmdebstrap/)
  },
)

t.test('image refuses what it cannot build before it builds anything', async t => {
  for (const [argv, message] of [
    [[], /no board given: use --board NAME; --list prints the names/],
    [['--board', 'nosuch'], /there is no board nosuch; known: cubieboard4, /],
    [['--board', 'virt', '--write', '/dev/null'], /virt boots from no SD card: leave out --write/],
    [['--board', 'virt', '--token-file', '/nosuch/token'], /reading \/nosuch\/token: there is no such file/],
  ] as const) {
    const { code, stderr } = await fauxboot(['image', ...argv])
    t.equal(code, 1)
    t.match(stderr, message)
  }
})

t.test('image refuses settings with which the agent would not start, before it builds anything', async t => {
  const remedy = '`agent/settings.md` lists the settings'
  for (const [content, problem] of [
    ['{ "fetchRetriez": 2 }', 'setting fetchRetriez: no setting has this name, found 2'],
    ['{ "fetchRetries": "many" }', 'setting fetchRetries: expected a whole number from 0 to 100, found "many"'],
    ['[1]', 'it must hold a JSON object, { "fetchRetries": 2 }, and holds [1]'],
    ['null', 'it must hold a JSON object, { "fetchRetries": 2 }, and holds null'],
  ] as const) {
    const file = join(t.testdir({ 'settings.json': content }), 'settings.json')
    await t.rejects(makeImage({ board: 'virt', out: join(t.testdirName, 'out'), settings: file }, built(t), NEVER), {
      code: 'BUILD_SETTINGS',
      exitCode: 1,
      message: `${file}: ${problem}; ${remedy}`,
    })
  }
  t.throws(() => checkSettings({ fetchRetries: 'many' }), { code: 'CONFIG_INVALID' })
  checkSettings({ fetchRetries: 2, hostNames: ['a80.lab'] })
})

t.test('image refuses a folder that it cannot write to, before it builds anything', async t => {
  const file = join(t.testdir({ file: '' }), 'file')
  for (const [out, reason] of [
    [file, 'it is a file, not a folder'],
    [join(file, 'out'), 'a part of its path is a file, not a folder'],
    ['/proc/out', /^ENOENT: /],
    ['/proc', /^ENOENT: /],
  ] as const) {
    await t.rejects(makeImage({ board: 'virt', out }, built(t), NEVER), {
      code: 'BUILD_INPUT',
      details: { doing: `writing to ${out}`, reason },
    })
  }
})

t.test('a folder for the image is made before anything is built, and is empty', async t => {
  const out = join(t.testdir(), 'a/b')
  const began = new Error('began')
  const fail = (): void => {
    throw began
  }
  await t.rejects(makeImage({ board: 'virt', out }, fail, NEVER), began)
  t.same(await readdir(out), [])
})

t.test('an interrupted image ends before its next step', async t => {
  const out = join(t.testdir(), 'out')
  const stop = new AbortController()
  const interrupted = new Error('interrupted')
  const begun: string[] = []
  const doing = (what: string): void => {
    begun.push(what)
    stop.abort(interrupted)
  }
  await t.rejects(makeImage({ board: 'virt', out }, doing, stop.signal), interrupted)
  t.match(begun, [/^building the first stage/])
  await t.rejects(makeImage({ board: 'virt', out }, built(t), stop.signal), interrupted)
})

t.test('what is on a card is shown, and a disk that is in use, built in or too small is refused', async t => {
  const good = card({})
  t.match(good, {
    model: 'SD Reader',
    isCard: true,
    mounts: [],
    contents: ['sdb1  100 MiB  vfat "BOOT"', 'sdb2  7000 MiB  no file system'],
  })
  checkCard(good, 512 * MIB)
  t.throws(() => checkCard(good, 9000 * MIB), /it has 8192 MiB, and the image 9000 MiB; take a larger card/)
  t.throws(() => checkCard(card({ rm: false, tran: 'sata' }), 1), /it looks like this machine's own disk/)
  const used = card({ children: [{ name: 'sdb1', type: 'part', size: 1, fstype: 'ext4', mountpoint: '/mnt' }] })
  t.match(used.contents, ['sdb1  0 MiB  ext4 mounted at /mnt'])
  t.throws(() => checkCard(used, 1), /it is in use: unmount it first \(sudo umount \/mnt\)/)
  t.equal(card({ rm: false, tran: null, name: 'mmcblk1' }).isCard, true, "a laptop's own reader")
  t.throws(() => card({ type: 'part' }), /writing \/dev\/sdb: it is a partition; give the whole card/)
  t.throws(() => parseCard('/dev/tty', '{"blockdevices":[]}'), /it is no disk/)
  t.throws(() => parseCard('/dev/sdb', 'no JSON'), /lsblk printed no JSON/)
})

t.test('a card is written and compared with the image', async t => {
  const directory = t.testdir({ image: Buffer.alloc(5 * MIB, 'image').toString(), card: '' })
  const [image, device] = [join(directory, 'image'), join(directory, 'card')]
  await writeFile(device, Buffer.alloc(6 * MIB, 0xff))
  const { signal } = new AbortController()
  const seen: string[] = []
  const progress = (phase: string, done: number, total: number) => seen.push(`${phase} ${done / MIB} of ${total / MIB}`)
  await writeCard(device, image, progress, signal, async () => seen.push('forget'))
  t.same(seen, ['write 4 of 5', 'write 5 of 5', 'forget', 'verify 4 of 5', 'verify 5 of 5'])
  const written = await readFile(device)
  t.ok(written.subarray(0, 5 * MIB).equals(await readFile(image)))
  t.ok(
    written.subarray(5 * MIB).every(byte => byte === 0xff),
    'the rest is as it was',
  )

  const damage = () => writeFile(device, Buffer.alloc(MIB), { flag: 'r+' })
  const wrong = writeCard(device, image, () => undefined, signal, damage)
  await t.rejects(wrong, { message: /byte 0 reads differently than it was written: try another card/ })
  const nowhere = writeCard(join(directory, 'nosuch'), image, () => undefined, signal)
  await t.rejects(nowhere, { code: 'BUILD_INPUT' })
  const stopped = new AbortController()
  stopped.abort(new Error('interrupted'))
  await t.rejects(
    writeCard(device, image, () => undefined, stopped.signal),
    { message: 'interrupted' },
  )
})
