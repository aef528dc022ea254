import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import fc from 'fast-check'
import t, { type Test } from 'tap'
import type { CommandRunner } from '../../../../../agent/uboot/hardware/command-runner.js'
import { filesystemName, readPartitionTable } from '../../../../../agent/uboot/hardware/partition-table.js'
import type { BlockDevice } from '../../../../../agent/uboot/hardware/storage.js'
import { LinuxStorage } from '../../../../../agent/uboot/hardware/storage-linux.js'

const SECTOR = 512
const signal = new AbortController().signal

interface Row {
  readonly type: number
  readonly start: number
  readonly size: number
  readonly active?: boolean
}

/** A boot record with up to four entries. */
function bootRecord(rows: readonly Row[], disk = 0x1234_abcd): Buffer {
  const sector = Buffer.alloc(SECTOR)
  sector.writeUInt32LE(disk, 440)
  rows.forEach(({ type, start, size, active = false }, index) => {
    const at = 446 + index * 16
    sector.writeUInt8(active ? 0x80 : 0, at)
    sector.writeUInt8(type, at + 4)
    sector.writeUInt32LE(start, at + 8)
    sector.writeUInt32LE(size, at + 12)
  })
  sector.writeUInt16LE(0xaa55, 510)
  return sector
}

const reader = (disk: Buffer) => (offset: number, length: number) => disk.subarray(offset, offset + length)

const ESP = '28732ac11ff8d211ba4b00a0c93ec93b'

/** A disk with a GPT of one partition. */
function gptDisk(): Buffer {
  const disk = Buffer.alloc(SECTOR * 34)
  bootRecord([{ type: 0xee, start: 1, size: 33 }]).copy(disk)
  disk.write('EFI PART', SECTOR, 'latin1')
  disk.writeBigUInt64LE(2n, SECTOR + 72)
  disk.writeUInt32LE(128, SECTOR + 80)
  disk.writeUInt32LE(128, SECTOR + 84)
  const entry = SECTOR * 2 + 128
  Buffer.from(ESP, 'hex').copy(disk, entry)
  Buffer.from('00112233445566778899aabbccddeeff', 'hex').copy(disk, entry + 16)
  disk.writeBigUInt64LE(2048n, entry + 32)
  disk.writeBigUInt64LE(4095n, entry + 40)
  disk.writeUInt8(4, entry + 48)
  disk.write('esp', entry + 56, 'utf16le')
  return disk
}

t.test('a boot record with logical partitions', t => {
  const disk = Buffer.alloc(SECTOR * 40)
  bootRecord([
    { type: 0x0c, start: 8, size: 4, active: true },
    { type: 0, start: 0, size: 0 },
    { type: 0x0f, start: 20, size: 20 },
  ]).copy(disk)
  bootRecord([
    { type: 0x83, start: 1, size: 2 },
    { type: 5, start: 8, size: 4 },
  ]).copy(disk, 20 * SECTOR)
  bootRecord([{ type: 0x82, start: 1, size: 3 }]).copy(disk, 28 * SECTOR)
  const common = { table: 'dos', name: '' }
  t.strictSame(readPartitionTable(reader(disk)), [
    { number: 1, start: 8, size: 4, ...common, type: '0c', uuid: '1234abcd-01', bootable: true },
    { number: 3, start: 20, size: 20, ...common, type: '0f', uuid: '1234abcd-03', bootable: false },
    { number: 5, start: 21, size: 2, ...common, type: '83', uuid: '1234abcd-05', bootable: false },
    { number: 6, start: 29, size: 3, ...common, type: '82', uuid: '1234abcd-06', bootable: false },
  ])
  t.end()
})

t.test('logical partitions in a ring come to an end', t => {
  const disk = Buffer.alloc(SECTOR * 8)
  bootRecord([{ type: 5, start: 2, size: 4 }]).copy(disk)
  bootRecord([
    { type: 0x83, start: 1, size: 1 },
    { type: 5, start: 0, size: 4 },
  ]).copy(disk, 2 * SECTOR)
  t.equal(readPartitionTable(reader(disk)).length, 1 + 128)
  t.end()
})

t.test('a GUID partition table', t => {
  t.strictSame(readPartitionTable(reader(gptDisk())), [
    {
      number: 2,
      start: 2048,
      size: 2048,
      table: 'efi',
      type: 'c12a7328-f81f-11d2-ba4b-00a0c93ec93b',
      uuid: '33221100-5544-7766-8899-aabbccddeeff',
      name: 'esp',
      bootable: true,
    },
  ])
  t.end()
})

t.test('a broken or missing table has no partitions', t => {
  const unsigned = gptDisk()
  unsigned.write('XXX', SECTOR, 'latin1')
  const odd = gptDisk()
  odd.writeUInt32LE(7, SECTOR + 84)
  for (const disk of [Buffer.alloc(0), Buffer.alloc(SECTOR), unsigned, odd]) {
    t.strictSame(readPartitionTable(reader(disk)), [])
  }
  t.end()
})

t.test('no bytes break the reader of tables', t => {
  const property = fc.property(
    fc.array(fc.tuple(fc.nat(2047), fc.nat(255)), { maxLength: 40 }),
    fc.boolean(),
    (edits, gpt) => {
      const disk = gpt ? gptDisk() : Buffer.concat([bootRecord([{ type: 5, start: 1, size: 9 }]), Buffer.alloc(4096)])
      for (const [at, value] of edits) disk.writeUInt8(value, at)
      return readPartitionTable(reader(disk)).length < 300 && filesystemName(disk) !== ''
    },
  )
  t.doesNotThrow(() => fc.assert(property))
  t.end()
})

t.test('filesystems are known by their magic', t => {
  const head = (at: number, text: string): Buffer => {
    const bytes = Buffer.alloc(4096)
    bytes.write(text, at, 'latin1')
    return bytes
  }
  t.equal(filesystemName(head(1080, '\x53\xef')), 'ext4')
  t.equal(filesystemName(head(0, 'hsqs')), 'squashfs')
  t.equal(filesystemName(head(3, 'EXFAT   ')), 'exfat')
  t.equal(filesystemName(head(54, 'FAT16   ')), 'vfat')
  t.equal(filesystemName(head(82, 'FAT32   ')), 'vfat')
  t.equal(filesystemName(Buffer.alloc(0)), null)
  t.end()
})

/** `/sys` and `/dev` of a board with a memory card, a stick, and a disk; mounting is linking a folder. */
function world(t: Test) {
  const root = mkdtempSync(join(tmpdir(), 'fauxboot-disks-'))
  t.teardown(() => rmSync(root, { recursive: true, force: true }))
  const put = (name: string, content: string | Buffer): void => {
    mkdirSync(join(root, name, '..'), { recursive: true })
    writeFileSync(join(root, name), content)
  }
  for (const [name, path] of [
    ['mmcblk1', 'soc/mmc1'],
    ['sda', 'soc/usb1/1-1'],
    ['sdb', 'soc/ahci'],
    ['loop0', 'virtual'],
  ]) {
    put(`sys/devices/${path}/${name}/size`, '40\n')
    put(`sys/devices/${path}/${name}/removable`, name === 'sda' ? '1\n' : '0\n')
    mkdirSync(join(root, 'sys/block'), { recursive: true })
    symlinkSync(`../devices/${path}/${name}`, join(root, 'sys/block', `${name}`))
  }
  put('sys/devices/soc/mmc1/mmcblk1/device/name', 'SD8GB\n')
  put('sys/devices/soc/mmc1/mmcblk1/device/type', 'SD\n')
  put('sys/devices/soc/usb1/1-1/sda/device/vendor', 'Acme    \n')
  put('sys/devices/soc/usb1/1-1/sda/device/model', 'Stick\n')
  const disk = Buffer.alloc(SECTOR * 40, 0)
  bootRecord([{ type: 0x0c, start: 8, size: 4 }]).copy(disk)
  disk.write('FAT32   ', 8 * SECTOR + 82, 'latin1')
  put('dev/mmcblk1', disk)
  put('disks/mmcblk1p1/boot.scr', 'echo hello')
  put('disks/mmcblk1p1/dtb/a.dtb', Buffer.alloc(3 << 20, 'd'))
  put('secret', 'no')
  symlinkSync('../../secret', join(root, 'disks/mmcblk1p1/outside'))
  symlinkSync('boot.scr', join(root, 'disks/mmcblk1p1/link'))
  const asked: string[] = []
  const answers: { status: number; stdout: string }[] = []
  const runner: CommandRunner = {
    async run(program, args) {
      asked.push([program, ...args].join(' ').replaceAll(root, ''))
      return { status: 0, stdout: '', stderr: '', ...answers.shift() }
    },
  }
  return { storage: new LinuxStorage({ directory: root, root, runner }), asked, answers, root }
}

async function cardOf(storage: LinuxStorage): Promise<BlockDevice> {
  const [card] = await storage.devices('mmc')
  if (card === undefined) throw new Error('no card')
  return card
}

t.test('disks are found by kind', async t => {
  const { storage, root } = world(t)
  t.strictSame(await storage.devices('mmc'), [
    {
      kind: 'mmc',
      number: 1,
      node: join(root, 'dev/mmcblk1'),
      vendor: '',
      product: 'SD8GB',
      size: 40 * SECTOR,
      removable: true,
      partitions: [
        {
          number: 1,
          start: 8,
          size: 4,
          table: 'dos',
          type: '0c',
          uuid: '1234abcd-01',
          name: '',
          bootable: false,
          filesystem: 'vfat',
        },
      ],
    },
  ])
  t.match(await storage.devices('usb'), [
    { number: 0, vendor: 'Acme', product: 'Stick', removable: true, partitions: [] },
  ])
  t.match(await storage.devices('scsi'), [{ number: 0, removable: false }])
  t.strictSame(await storage.devices('virtio'), [])
  t.strictSame(await new LinuxStorage({ directory: root, root: join(root, 'none') }).devices('mmc'), [])
})

t.test('files are read from a disk that is mounted for it', async t => {
  const { storage, asked, root } = world(t)
  const card = await cardOf(storage)
  const { statSync } = await import('node:fs')
  const found = (await storage.list(card, 1, '/')) ?? []
  const [script, dtb, link, ...more] = [...found].sort((a, b) => (a.name < b.name ? -1 : 1))
  t.strictSame(script, { name: 'boot.scr', directory: false, link: false, size: 10 })
  const { size } = statSync(join(root, 'disks/mmcblk1p1/dtb'))
  t.strictSame(dtb, { name: 'dtb', directory: true, link: false, size })
  t.match(link, { name: 'link', directory: false, link: true })
  t.match(more, [{ name: 'outside', link: true }], 'a link is shown wherever it leads')
  t.strictSame(asked, [
    'busybox mount -o ro,nosuid,nodev,noexec /dev/mmcblk1p1 /disks/mmcblk1p1',
    'busybox umount /disks/mmcblk1p1',
  ])
  t.equal(await storage.size(card, 1, 'link'), 10)
  t.equal(await storage.size(card, 1, '/dtb'), null)
  const chunks: number[] = []
  const sink = (chunk: Uint8Array): void => void chunks.push(chunk.length)
  t.equal(await storage.read(card, 1, 'dtb/a.dtb', { offset: 1, length: null }, sink, signal), (3 << 20) - 1)
  t.strictSame(chunks, [1 << 20, 1 << 20, (1 << 20) - 1])
  t.equal(await storage.read(card, 1, 'boot.scr', { offset: 5, length: 3 }, sink, signal), 3)
})

t.test('what is not there, or outside of the disk, is not found', async t => {
  const { storage, answers } = world(t)
  const card = await cardOf(storage)
  for (const path of ['gone', 'outside', '../../secret', 'boot.scr/x'])
    t.equal(await storage.size(card, 1, path), null, path)
  t.equal(await storage.list(card, 1, 'boot.scr'), null)
  t.equal(await storage.read(card, 1, 'gone', { offset: 0, length: null }, () => {}, signal), 0)
  answers.push({ status: 1, stdout: '' })
  t.equal(await storage.size(card, 1, 'boot.scr'), null, 'not mountable')
  await t.rejects(storage.size(card, 1, 'bo\0ot'), { code: 'ERR_INVALID_ARG_VALUE' })
})

t.test('^C ends a read', async t => {
  const { storage, asked } = world(t)
  const reading = storage.read(
    await cardOf(storage),
    1,
    'dtb/a.dtb',
    { offset: 0, length: null },
    () => {},
    AbortSignal.abort(new Error('^C')),
  )
  await t.rejects(reading, { message: '^C' })
  t.match(asked.at(-1), 'umount')
})

t.test('an empty path is the device itself', async t => {
  const { storage, asked } = world(t)
  const chunks: Uint8Array[] = []
  const range = { offset: 510, length: 2 }
  t.equal(await storage.read(await cardOf(storage), 0, '', range, chunk => chunks.push(chunk), signal), 2)
  t.strictSame(Buffer.concat(chunks), Buffer.of(0x55, 0xaa))
  const beyond = { offset: 2 ** 60, length: 2 }
  t.equal(await storage.read(await cardOf(storage), 0, '', beyond, chunk => chunks.push(chunk), signal), 0)
  t.strictSame(asked, [])
})
