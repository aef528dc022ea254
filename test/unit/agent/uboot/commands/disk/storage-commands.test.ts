import t from 'tap'
import { gpioCommands } from '../../../../../../agent/uboot/commands/board/gpio.js'
import { blockCommands } from '../../../../../../agent/uboot/commands/disk/block.js'
import { fileTextCommands } from '../../../../../../agent/uboot/commands/disk/file-text.js'
import { fileCommands } from '../../../../../../agent/uboot/commands/disk/files.js'
import { partCommands } from '../../../../../../agent/uboot/commands/disk/part.js'
import type { BlockDevice, Partition } from '../../../../../../agent/uboot/hardware/storage.js'
import { FakeStorage, fakeGpio } from '../../fake-storage.js'
import { board, lines } from '../../network-fixture.js'

const commands = [...blockCommands, ...fileCommands, ...fileTextCommands, ...gpioCommands, ...partCommands]

const boot: Partition = {
  number: 1,
  start: 2048,
  size: 204_800,
  table: 'dos',
  uuid: '1234abcd-01',
  name: '',
  type: '0c',
  bootable: true,
  filesystem: 'vfat',
}
const root: Partition = {
  ...boot,
  number: 2,
  start: 206_848,
  uuid: '1234abcd-02',
  type: '83',
  bootable: false,
  filesystem: 'ext4',
}
const swap: Partition = { ...root, number: 3, type: '5', uuid: '1234abcd-03', filesystem: null }

const card: BlockDevice = {
  kind: 'mmc',
  number: 0,
  node: '/dev/mmcblk0',
  vendor: '',
  product: 'SD8GB',
  size: 15_646_720 * 512,
  removable: true,
  partitions: [boot, root, swap],
}
const empty: BlockDevice = { ...card, number: 1, node: '/dev/mmcblk1', removable: false, partitions: [] }
const stick: BlockDevice = {
  ...card,
  kind: 'usb',
  vendor: 'Acme',
  product: 'Stick',
  partitions: [
    { ...boot, table: 'efi', type: 'C12A7328-F81F-11D2-BA4B-00A0C93EC93B', uuid: 'AAAA', name: 'esp', bootable: true },
    { ...root, table: 'efi', type: '0FC63DAF-8483-4772-8E79-3D69D8477DE4', uuid: 'BBBB', name: 'root' },
  ],
}
const disk: BlockDevice = { ...empty, kind: 'scsi', number: 0, vendor: 'ATA', product: 'DISK', size: 0 }
const virtual: BlockDevice = { ...disk, kind: 'virtio', vendor: '0x1af4' }
const sata: BlockDevice = { ...disk, kind: 'sata' }

const script = Buffer.from('echo hello')

const make = (t: Parameters<typeof board>[0], variables: Record<string, string> = { loadaddr: '0x42000000' }) =>
  board(t, commands, {}, variables, {
    storage: new FakeStorage({
      devices: [card, empty, stick, disk, virtual, sata],
      files: {
        'mmc 0:1 /boot.scr': script,
        'mmc 0:1 /dtb/a.dtb': Buffer.alloc(2000, 'd'),
        'mmc 0:2 /boot.scr': script,
        'mmc 1:0 /boot.scr': script,
        'mmc 0:0 ': Buffer.alloc(1024, 'r'),
      },
    }),
    gpio: fakeGpio({ PB4: 1 }),
  })

t.test('a device that is not there, as recorded', async t => {
  const { type, result } = board(t, commands, {}, {}, { storage: new FakeStorage({}) })
  const missing = "** Bad device specification mmc 0 **\nCouldn't find partition mmc 0:1\n"
  for (const line of ['fatload mmc 0:1 42000000 foo', 'ext4load mmc 0:1 42000000 foo', 'load mmc 0:1 42000000 foo']) {
    t.equal(await type(line), `${missing}Can't set block device\n`)
  }
  t.equal(await type('ls mmc 0:1'), missing)
  t.equal(await type('fatls mmc 0'), "** Bad device specification mmc 0 **\nCouldn't find partition mmc 0\n")
  t.equal(await type('part list mmc 0'), '')
  t.equal(await type('usb start'), '')
  t.equal(result(), 0)
  for (const line of ['size mmc 0:1 f', 'fstype mmc 0:1']) t.equal(await type(line), missing)
  t.equal(await type('part uuid mmc 0:1'), '** Bad device specification mmc 0 **\n')
  t.equal(await type('part start mmc 0 1'), '')
  t.equal(result(), 1)
})

t.test('load', async t => {
  const { type, machine, result } = make(t)
  t.equal(await type('load mmc 0:1 43000000 boot.scr'), '10 bytes read in 0 ms\n')
  t.equal(result(), 0)
  t.strictSame(machine.memory.read(0x4300_0000, 10), script)
  t.equal(machine.env.get('filesize'), 'a')
  t.equal(machine.env.get('fileaddr'), '43000000')
  t.equal(machine.state.loadAddress, 0x4040_0000, 'image commands look elsewhere')
  t.equal(await type('load mmc 0 42000000 /boot.scr 4 5'), '4 bytes read in 0 ms\n')
  t.equal(machine.memory.read(0x4200_0000, 4).toString(), 'hell')
  machine.env.set('bootfile', 'boot.scr')
  t.equal(await type('load mmc 0:2'), '10 bytes read in 0 ms\n')
  t.equal(await type('load mmc 1'), '10 bytes read in 0 ms\n')
  t.equal(await type('load mmc 0:auto 42000000'), '10 bytes read in 0 ms\n')
})

t.test('load tells the rate when there was time', async t => {
  const { type, machine } = make(t)
  let ticks = 0
  machine.ticks = () => {
    ticks += 2
    return ticks
  }
  t.equal(await type('load mmc 0:1 42000000 dtb/a.dtb'), '2000 bytes read in 2 ms (976.6 KiB/s)\n')
})

t.test('load says why it fails', async t => {
  const { type, machine, result } = make(t, {})
  t.equal(await type('load mmc 0:1 42000000'), '** No boot file defined **\n')
  t.equal(await type('load mmc 0:1 42000000 gone'), "Failed to load 'gone'\n")
  t.equal(await type('load mmc 0:2 42000000 gone'), "Failed to load 'gone'\n")
  t.equal(
    await type('load mmc 0:1 0 boot.scr'),
    '** Reading file would overwrite reserved memory **\n' +
      '## fauxboot: 0xa bytes at 0x0 are not DRAM; DRAM is 0x40000000-0x7fffffff\n' +
      "Failed to load 'boot.scr'\n",
  )
  machine.memory.claim(0x4200_0004, 4, 'dtb')
  t.equal(
    await type('load mmc 0:1 42000000 boot.scr'),
    '** Reading file would overwrite reserved memory **\n' +
      "## fauxboot: 'dtb' at 0x42000004-0x42000007 would be overwritten; load to another address\n" +
      "Failed to load 'boot.scr'\n",
  )
  const unread = "Can't set block device\n"
  t.equal(await type('ext4load mmc 0:1 42000000 boot.scr'), unread)
  t.equal(await type('load mmc 0:3 42000000 boot.scr'), unread)
  t.equal(result(), 1)
  t.equal(
    await type('load mmc 0:7 42000000 boot.scr'),
    "** Invalid partition 7 **\nCouldn't find partition mmc 0:7\nCan't set block device\n",
  )
  t.equal(
    await type('load mmc 1:1 42000000 boot.scr'),
    "** No partition table - mmc 1 **\nCouldn't find partition mmc 1:1\nCan't set block device\n",
  )
  t.match(await type('load mmc 0:1 zz boot.scr'), 'Usage:')
  t.match(
    await type('load'),
    'Usage:\nload <interface> [<dev[:part]> [<addr> [<filename> [bytes [pos]]]]]\n    - Load binary',
  )
  await t.rejects(type('load mmc 0:1 43000000 boot.scr', AbortSignal.abort()))
})

t.test('ls', async t => {
  const { type, result } = make(t)
  t.equal(await type('ls mmc 0:1'), '       10   boot.scr\n            dtb/\n\n1 file(s), 1 dir(s)\n\n')
  t.equal(
    await type('fatls mmc 0:1 /dtb'),
    '            ./\n            ../\n     2000   a.dtb\n\n1 file(s), 2 dir(s)\n\n',
  )
  t.equal(
    await type('ext2ls mmc 0:2'),
    '            ./\n            ../\n       10   boot.scr\n\n1 file(s), 2 dir(s)\n\n',
  )
  t.equal(result(), 0)
  const missing = "** No device specified **\nCouldn't find partition mmc <NULL>\n"
  t.equal(await type('ls mmc'), missing)
  t.equal(await type('load mmc'), `${missing}Can't set block device\n`)
  t.equal(await type('ls mmc 0:1 gone'), '')
  t.equal(result(), 1)
  t.match(
    await type('ls'),
    "Usage:\nls <interface> [<dev[:part]> [directory]]\n    - List files in directory 'directory'",
  )
})

t.test('ls marks symbolic links', async t => {
  const storage = new FakeStorage({ devices: [card] })
  storage.list = async () => [{ name: 'vmlinuz', directory: false, link: true, size: 12 }]
  const { type } = board(t, commands, {}, {}, { storage })
  const shown = '            ./\n            ../\n    <SYM>   vmlinuz\n\n1 file(s), 2 dir(s)\n\n'
  t.equal(await type('ls mmc 0:2 /boot'), shown)
})

t.test('size and fstype', async t => {
  const { type, machine, result } = make(t)
  t.equal(await type('size mmc 0:1 dtb/a.dtb'), '')
  t.equal(machine.env.get('filesize'), '7d0')
  t.equal(await type('fatsize mmc 0:1 gone'), '')
  t.equal(result(), 1)
  t.match(await type('ext4size mmc'), 'Usage:')
  t.equal(await type('fstype mmc 0:1'), 'fat\n')
  t.equal(await type('fstype mmc 0:2 kind'), '')
  t.equal(machine.env.get('kind'), 'ext4')
  t.equal(await type('fstype mmc 0:3'), '')
  t.match(await type('fstype mmc'), 'Usage:')
  machine.env.set = () => ['## no']
  t.equal(await type('fstype mmc 0:2 kind'), '## no\n')
  t.equal(await type('part uuid mmc 0:1 v'), '## no\n')
  t.equal(result(), 1)
})

t.test('part list', async t => {
  const { type, machine, result } = make(t)
  t.equal(
    await type('part list mmc 0'),
    lines(
      '',
      'Partition Map for mmc device 0  --   Partition Type: DOS',
      '',
      'Part\tStart Sector\tNum Sectors\tUUID\t\tType',
      '  1\t2048      \t204800    \t1234abcd-01\t0c Boot',
      '  2\t206848    \t204800    \t1234abcd-02\t83',
      '  3\t206848    \t204800    \t1234abcd-03\t05 Extd',
    ),
  )
  t.equal(
    await type('part list usb 0'),
    lines(
      '',
      'Partition Map for usb device 0  --   Partition Type: EFI',
      '',
      'Part\tStart LBA\tEnd LBA\t\tName',
      '\tAttributes',
      '\tType GUID',
      '\tPartition GUID',
      '  1\t0x00000800\t0x000327ff\t"esp"',
      '\tattrs:\t0x0000000000000004',
      '\ttype:\tc12a7328-f81f-11d2-ba4b-00a0c93ec93b',
      '\tguid:\taaaa',
      '  2\t0x00032800\t0x000647ff\t"root"',
      '\tattrs:\t0x0000000000000000',
      '\ttype:\t0fc63daf-8483-4772-8e79-3d69d8477de4',
      '\tguid:\tbbbb',
    ),
  )
  await type('part list mmc 0 -bootable list')
  t.equal(machine.env.get('list'), '1')
  await type('part list mmc 0 list')
  t.equal(machine.env.get('list'), '1 2 3')
  await type('part list mmc 1 -bootable list')
  t.equal(machine.env.get('list'), undefined)
  t.equal(await type('part list mmc 1'), '## Unknown partition table type 0\n')
  t.equal(result(), 1)
  for (const line of [
    'part list mmc',
    'part list mmc 0 -bootable',
    'part list mmc 0 -x l',
    'part',
    'part uuid mmc',
    'part start mmc 0',
  ]) {
    t.match(await type(line), 'Usage:\npart uuid <interface> <dev>:<part>\n', line)
  }
})

t.test('what is known of one partition', async t => {
  const { type, machine } = make(t)
  t.equal(await type('part uuid mmc 0:2'), '1234abcd-02\n')
  await type('part uuid mmc 0:1 id')
  t.equal(machine.env.get('id'), '1234abcd-01')
  t.equal(await type('part start usb 0 root'), '32800\n')
  t.equal(await type('part size mmc 0 2'), '32000\n')
  t.equal(await type('part number usb 0 bbbb'), '0x2\n')
  t.equal(await type('part name usb 0 1'), 'esp\n')
  t.equal(await type('part start mmc 0 9'), '')
  t.equal(await type('part types'), 'Supported partition tables: EFI, DOS\n')
  t.equal(await type('part uuid usb 0#root'), 'BBBB\n')
  t.equal(await type('part uuid mmc 0:0'), '\n')
})

t.test('a partition name that is not there is no specification of a device', async t => {
  const { type } = make(t)
  const bad = '** Bad device specification mmc 0#boot **\n'
  t.equal(
    await type('load mmc 0#boot 42000000 hello.txt'),
    `Could not find "boot" partition\n${bad}${bad}Couldn't find partition mmc 0#boot\nCan't set block device\n`,
  )
})

t.test('mmc', async t => {
  const { type, result, machine } = make(t)
  t.equal(await type('mmc list'), '/dev/mmcblk0: 0 (SD)\n/dev/mmcblk1: 1 (eMMC)\n')
  t.match(await type('mmc info'), 'Device: /dev/mmcblk0\nName: SD8GB \nRd Block Len: 512\nSD card\nCapacity: 7.5 GiB\n')
  t.equal(await type('mmc dev 1'), 'switch to partitions #0, OK\nmmc1 is current device\n')
  t.equal(await type('mmc dev'), 'switch to partitions #0, OK\nmmc1 is current device\n')
  t.match(await type('mmc info'), 'MMC card')
  t.equal(await type('mmc part'), '\nmmc device 1 not available\n')
  t.equal(await type('mmc rescan'), '')
  t.equal(result(), 0)
  t.equal(await type('mmc dev 7'), 'MMC Device 7 not found\nno mmc device at slot 7\n')
  t.equal(result(), 1)
  t.equal(await type('mmc erase 0 1'), '## fauxboot: disks are only read\n')
  t.match(await type('mmc'), 'Usage:\nmmc info - ')
  await type('mmc dev 0')
  t.equal(await type('mmc read 42000000 1 1'), '\nMMC read: dev # 0, block # 1, count 1 ... 1 blocks read: OK\n')
  t.equal(machine.memory.read(0x4200_0000, 2).toString(), 'rr')
  t.equal(await type('mmc read 42000000 1 2'), '\nMMC read: dev # 0, block # 1, count 2 ... 1 blocks read: ERROR\n')
  t.match(await type('mmc read 42000000'), 'Usage:')
})

t.test('mmc without a card', async t => {
  const { type, result } = board(t, commands, {}, {}, { storage: new FakeStorage({}) })
  for (const line of ['mmc dev', 'mmc info']) t.equal(await type(line), 'No MMC device available\n')
  t.equal(await type('mmc rescan'), '')
  t.equal(result(), 1)
  t.equal(await type('mmc read 42000000 0 1'), '\nno mmc devices available\n')
})

const STICK =
  'Vendor: Acme Rev:  Prod: Stick\n            Type: Removable Hard Disk\n            Capacity: 7640.0 MB = 7.4 GB (15646720 x 512)\n'

t.test('usb', async t => {
  const { type } = make(t)
  t.equal(
    await type('usb start'),
    'starting USB...\n       scanning usb for storage devices... 1 Storage Device(s) found\n',
  )
  t.equal(await type('usb storage'), `  Device 0: ${STICK}`)
  t.equal(await type('usb dev'), `\nDevice 0: ${STICK}`)
  t.equal(await type('usb dev 0'), `\nDevice 0: ${STICK}... is now current device\n`)
  t.equal(await type('usb dev 1'), '\nDevice 1: unknown device\n')
  t.match(await type('usb part'), 'Partition Map for usb device 0')
  t.equal(await type('usb stop'), '')
  const none = board(t, commands, {}, {}, { storage: new FakeStorage({}) })
  t.equal(await none.type('usb storage'), "No storage devices, perhaps not 'usb start'ed..?\n")
  t.equal(await none.type('usb dev'), '\nno usb devices available\n')
  t.equal(await none.type('usb part'), '\nno usb partition table available\n')
})

t.test('scsi and virtio', async t => {
  const { type } = make(t)
  const nothing = '            Type: Hard Disk\n            Capacity: not available\n'
  t.equal(
    await type('scsi scan'),
    `scanning bus for devices...\n  Device 0: (0:0) Vendor: ATA Prod.: DISK Rev: \n${nothing}`,
  )
  t.equal(await type('virtio scan'), '')
  t.equal(await type('virtio info'), `Device 0: 0x1af4 VirtIO Block Device\n${nothing}`)
  t.match(await type('scsi dev 0'), '... is now current device\n')
})

t.test('gpio', async t => {
  const { type, result } = make(t)
  t.equal(await type('gpio input PB4'), 'gpio: pin PB4 (gpio 4) value is 1\n')
  t.equal(result(), 1)
  t.equal(await type('gpio clear PB4'), 'gpio: pin PB4 (gpio 4) value is 0\n')
  t.equal(result(), 0)
  t.equal(await type('gpio t PB4'), 'gpio: pin PB4 (gpio 4) value is 1\n')
  t.equal(await type('gpio set PX1'), "GPIO: 'PX1' not found\nCommand 'gpio' failed: Error -22\n")
  t.equal(result(), 1)
  t.equal(await type('gpio status'), '')
  t.equal(await type('gpio status -a'), 'Bank PB:\nPB4: input: 1 [ ]\n')
  t.equal(await type('gpio status PB4'), 'Bank PB:\nPB4: input: 1 [ ]\n')
  // The configuration of the recorded U-Boot, and of Allwinner boards, has no `gpio read`.
  t.match(await type('gpio read level PB4'), 'Usage:\ngpio ')
  t.match(await type('gpio'), 'Usage:\ngpio <input|set|clear|toggle> <pin>\n')
})

/** Bytes with texts at offsets. */
function bytesWith(texts: Readonly<Record<number, string>>): Buffer {
  const bytes = Buffer.alloc(2048)
  for (const [at, text] of Object.entries(texts)) bytes.write(text, Number(at), 'latin1')
  return bytes
}

const FAT16 = bytesWith({ 22: '\x20', 39: '\x78\x56\x34\x12BOOT       FAT16   ' })
const FAT32 = bytesWith({ 67: '\x01\0\0\0NO NAME    FAT32   ' })
const EXT4 = bytesWith({ 1128: '\x11\x11\x11\x11\x22\x22\x33\x33\x44\x44\x55\x55\x55\x55\x55\x55' })

t.test('what the first blocks of a file system tell', async t => {
  const heads = { 'mmc 0:1 ': FAT16, 'mmc 0:2 ': EXT4 }
  const storage = new FakeStorage({ devices: [card, empty], files: heads })
  const { type, machine, result } = board(t, commands, {}, {}, { storage })
  t.match(await type('fatinfo mmc 0:1'), /^Interface: {2}mmc\n {2}Device 0: Vendor.*\nFilesystem: FAT16 "BOOT {7}"\n$/s)
  t.equal(await type('fatinfo mmc 0:2'), '\n** Unable to use mmc 0:2 for fatinfo **\n')
  t.equal(await type('fatinfo mmc'), 'usage: fatinfo <interface> [<dev[:part]>]\n')
  t.match(await type('fatinfo mmc 0:9'), 'Invalid partition 9')
  t.equal(await type('fsuuid mmc 0:1'), '1234-5678\n')
  t.equal(await type('fsuuid mmc 0:2 id'), '')
  t.equal(machine.env.get('id'), '11111111-2222-3333-4444-555555555555')
  t.equal(await type('fsuuid mmc 0:3'), '')
  t.equal(result(), 1)
  t.match(await type('fsuuid mmc 0:9'), 'Invalid partition 9')
  t.match(await type('fsuuid mmc'), 'Usage:')
  t.match(await type('fstypes'), 'Supported filesystems: fat, ext4')
  machine.env.set = () => ['## no']
  t.equal(await type('fsuuid mmc 0:1 id'), '## no\n')
  const other = new FakeStorage({ devices: [card], files: { 'mmc 0:1 ': FAT32 } })
  t.match(await board(t, commands, {}, {}, { storage: other }).type('fatinfo mmc 0:1'), 'FAT32 "NO NAME    "')
  const small = new FakeStorage({ devices: [card], files: { 'mmc 0:1 ': bytesWith({ 22: '\x01', 54: 'FAT12   ' }) } })
  t.match(await board(t, commands, {}, {}, { storage: small }).type('fatinfo mmc 0:1'), 'FAT12')
})

t.test('cat and xxd show a file without loading it', async t => {
  const files = { 'mmc 0:1 /a.txt': Buffer.from('hello\n\0x'), 'mmc 0:1 /big': Buffer.alloc(5 << 20) }
  const { type, machine, result } = board(t, commands, {}, {}, { storage: new FakeStorage({ devices: [card], files }) })
  t.equal(await type('cat mmc 0:1 a.txt'), 'hello\n')
  t.equal(await type('xxd mmc 0:1 a.txt'), '00000000: 68 65 6c 6c 6f 0a 00 78                          hello..x\n')
  t.equal(machine.env.get('filesize'), undefined)
  t.equal(await type('cat mmc 0:1 gone'), 'File does not exist: ifname=mmc dev=0:1 file=gone\n')
  t.equal(await type('cat mmc 0:1 big'), 'File is too large: ifname=mmc dev=0:1 file=big\n')
  t.equal(await type('xxd mmc 0:3 a.txt'), '')
  t.equal(result(), 1)
  t.match(await type('cat mmc'), 'Usage:')
  machine.out.room = () => Promise.resolve()
  t.equal(await type('cat mmc 0:1 a.txt'), 'hello\n', 'as fast as the line sends')
})

t.test('read puts blocks of a partition into memory', async t => {
  const files = {
    'mmc 0:1 ': Buffer.alloc(1024, 'p'),
    'usb 0:2 ': Buffer.alloc(512, 'u'),
    'mmc 1:0 ': Buffer.alloc(512),
  }
  const storage = new FakeStorage({ devices: [card, empty, stick], files })
  const { type, machine, result } = board(t, commands, {}, {}, { storage })
  t.equal(await type('read mmc 0:1 42000000 1 1'), '')
  t.equal(result(), 0)
  t.equal(machine.memory.read(0x4200_0000, 512).toString(), 'p'.repeat(512))
  t.equal(await type('read usb 0#root 42000000 0 1'), '')
  t.equal(await type('read mmc 0:1 42000000 31fff 2'), 'read out of range\n')
  t.equal(await type('read mmc 1:0 42000000 0 2'), 'read error\n')
  t.equal(result(), 1)
  t.equal(await type('read mmc 0:9 42000000 0 1'), '** Invalid partition 9 **\n')
  t.match(await type('read mmc 0:1 42000000 0'), 'Usage:')
})

t.test('mmcinfo is mmc info', async t => {
  const { type } = make(t)
  t.equal(await type('mmcinfo'), await type('mmc info'))
})
