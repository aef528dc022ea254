import { execFileSync } from 'node:child_process'
import { existsSync } from 'node:fs'
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import t, { type Test } from 'tap'
import { checkDiskImage, DiskImages } from '../../../../lava/simulator/disk-images.js'
import { SimulatedGpio } from '../../../../lava/simulator/simulated-gpio.js'

const SECTOR = 512
const START = 2048
const SIZE = 16_384

/** Programs that make the images; all of them or none. */
const TOOLS = ['/usr/sbin/mkfs.vfat', '/usr/sbin/mkfs.ext4', '/usr/sbin/debugfs', '/usr/bin/mcopy']
const missing = TOOLS.filter(tool => !existsSync(tool))
const skip = missing.length > 0 ? `${missing.join(', ')} not installed` : false

const tool = (t: Test, name: string, ...args: string[]): void => {
  execFileSync(name, args, { cwd: t.testdirName, stdio: 'ignore', env: { ...process.env, MTOOLS_SKIP_CHECK: '1' } })
}

/** A card with a FAT and an ext4 partition. */
async function card(t: Test): Promise<string> {
  const directory = t.testdir({
    files: { 'hello.txt': 'hello', 'A long name.conf': 'long', sub: { 'inner.bin': 'inner' } },
    ext: {
      boot: { 'boot.scr': 'script' },
      'hello.txt': 'from ext',
      link: t.fixture('symlink', 'hello.txt'),
      circle: t.fixture('symlink', 'circle'),
    },
  })
  const disk = Buffer.alloc((START + 2 * SIZE) * SECTOR)
  for (const [index, type] of [0x0c, 0x83].entries()) {
    const row = 446 + 16 * index
    disk[row + 4] = type
    disk.writeUInt32LE(START + SIZE * index, row + 8)
    disk.writeUInt32LE(SIZE, row + 12)
  }
  disk.writeUInt16LE(0xaa55, 510)
  const image = join(directory, 'card.img')
  await writeFile(image, disk)
  tool(t, 'mkfs.vfat', '-n', 'BOOT', '--offset', String(START), 'card.img', String(SIZE / 2))
  for (const name of ['hello.txt', 'A long name.conf', 'sub']) {
    tool(t, 'mcopy', '-s', '-i', `card.img@@${START * SECTOR}`, join('files', name), '::')
  }
  const offset = `offset=${(START + SIZE) * SECTOR}`
  tool(t, 'mkfs.ext4', '-q', '-O', '^has_journal', '-E', offset, '-d', 'ext', 'card.img', `${SIZE / 2}k`)
  return image
}

t.test('the file systems of a card are listed and read without root', { skip }, async t => {
  const image = await card(t)
  const storage = new DiskImages([image])
  t.same(await storage.devices('usb'), [])
  const [device] = await storage.devices('mmc')
  if (device === undefined) throw new Error('there is no card')
  t.match(device, { kind: 'mmc', number: 0, size: (START + 2 * SIZE) * SECTOR })
  t.same(
    device.partitions.map(({ number, filesystem }) => [number, filesystem]),
    [
      [1, 'vfat'],
      [2, 'ext4'],
    ],
  )
  const names = async (partition: number, path: string) =>
    (await storage.list(device, partition, path))?.map(
      ({ name, directory, link }) => `${name}${directory ? '/' : link ? '@' : ''}`,
    )
  t.same(await names(1, '/'), ['hello.txt', 'A long name.conf', 'sub/'])
  t.same(await names(1, 'sub'), ['inner.bin'])
  t.same((await names(2, '/'))?.sort(), ['boot/', 'circle@', 'hello.txt', 'link@', 'lost+found/'])
  t.same(await names(2, '/boot'), ['boot.scr'])
  for (const [partition, path] of [
    [1, 'nosuch'],
    [2, 'nosuch'],
    [1, 'hello.txt'],
    [2, 'hello.txt'],
    [1, '../etc'],
    [2, '/boot"; quit'],
  ] as const) {
    t.equal(await storage.list(device, partition, path), null, path)
  }
  t.equal(await storage.size(device, 1, '/HELLO.TXT'), 5, 'FAT knows no case')
  t.equal(await storage.size(device, 2, 'HELLO.TXT'), null)
  t.equal(await storage.size(device, 2, '/boot'), null)
  t.equal(await storage.size(device, 2, '/boot/boot.scr'), 6)
  t.equal(await storage.size(device, 2, '/link'), 8, 'a link is followed')
  t.equal(await storage.size(device, 2, '/circle'), null)

  const { signal } = new AbortController()
  const read = async (partition: number, path: string, offset = 0, length: number | null = null) => {
    const chunks: Uint8Array[] = []
    const size = await storage.read(device, partition, path, { offset, length }, chunk => chunks.push(chunk), signal)
    const bytes = Buffer.concat(chunks)
    t.equal(size, bytes.length)
    return bytes.toString('latin1')
  }
  t.equal(await read(1, '/sub/inner.bin'), 'inner')
  t.equal(await read(1, 'A long name.conf', 1, 2), 'on')
  t.equal(await read(2, '/hello.txt'), 'from ext')
  t.equal(await read(2, 'link'), 'from ext')
  t.equal(await read(0, '', 510, 2), '\x55\xaa')
  t.equal(await read(1, '', 54, 3), 'FAT')
  t.equal((await read(2, '', SIZE * SECTOR - 4)).length, 4, 'a partition ends where its table says')
})

t.test('a file that is no disk has no partitions; one that is not there is refused by its name', async t => {
  const directory = t.testdir({ text: 'no disk', empty: '' })
  const [device] = await new DiskImages([join(directory, 'text')]).devices('mmc')
  t.same(device?.partitions, [])
  const refuse = (image: string) => new Error(`cannot read ${image}`)
  t.throws(() => checkDiskImage(join(directory, 'nosuch'), refuse), { message: `cannot read ${directory}/nosuch` })
  t.throws(() => checkDiskImage(join(directory, 'empty'), (_, thrown) => thrown), { message: /it is empty/ })
})

t.test('a line of GPIO keeps what it was set to, by name and by number', async t => {
  const gpio = new SimulatedGpio()
  const { signal } = new AbortController()
  t.equal(await gpio.drive('PB4', 'input', signal), 0)
  t.equal(await gpio.drive('PB4', 'set', signal), 1)
  t.equal(await gpio.drive('36', 'input', signal), 1, 'PB4 is line 36')
  t.equal(await gpio.drive('36', 'toggle', signal), 0)
  t.equal(await gpio.drive('PB4', 'clear', signal), 0)
  const held = new SimulatedGpio(['PB6'])
  t.equal(await held.drive('PB6', 'input', signal), 1)
  t.equal(await held.drive('PB6', 'clear', signal), 0)
  t.equal(await held.drive('PB6', 'input', signal), 1)
  t.equal((await gpio.lines(null, signal)).length, 14 * 32)
  t.same(await gpio.lines('36', signal), [{ name: 'PB4', direction: 'output', value: 0 }])
  t.equal((await gpio.lines('PC', signal)).length, 32)
  for (const line of ['PB32', 'PZ1', '999', 'foo', '']) t.equal(await gpio.drive(line, 'input', signal), null, line)
})
