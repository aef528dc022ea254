import t, { type Test } from 'tap'
import { bootflowCommands } from '../../../../../../agent/uboot/commands/boot/bootflow.js'
import { bootstdCommands } from '../../../../../../agent/uboot/commands/boot/bootstd.js'
import type { BlockDevice, Partition } from '../../../../../../agent/uboot/hardware/storage.js'
import { FakeStorage } from '../../fake-storage.js'
import { board, VARIABLES } from '../../network-fixture.js'

const COMMANDS = [...bootflowCommands, ...bootstdCommands]

const ADDRESSES = {
  ...VARIABLES,
  kernel_addr_r: '0x42000000',
  ramdisk_addr_r: '0x43300000',
  pxefile_addr_r: '0x43200000',
  scriptaddr: '0x43100000',
  fdt_addr_r: '0x43000000',
  fdtfile: 'allwinner/sun9i-a80-cubieboard4.dtb',
  boot_targets: 'mmc0',
}

const partition = (number: number, bootable: boolean, filesystem: string): Partition => ({
  number,
  start: 2048 * number,
  size: 2048,
  table: 'dos',
  uuid: '',
  name: '',
  type: '0c',
  bootable,
  filesystem,
})

const card = (...partitions: readonly Partition[]): BlockDevice => ({
  kind: 'mmc',
  number: 0,
  node: '/dev/mmcblk0',
  vendor: '',
  product: 'SD8GB',
  size: 1 << 26,
  removable: true,
  partitions,
})

const MENU = `default linux

label linux
  menu label Debian GNU/Linux
  kernel /zImage
  initrd /initrd.img
  fdtdir /dtbs
  append root=/dev/mmcblk0p2 console=ttyS0

label rescue
  kernel /zImage
  append single
`

const HEAD =
  'Seq  Method       State   Uclass    Part  Name                      Filename\n' +
  '---  -----------  ------  --------  ----  ------------------------  ----------------\n'
const FOOT = '---  -----------  ------  --------  ----  ------------------------  ----------------\n'

/** A board with one card; what it runs is kept. */
function cardBoard(
  t: Test,
  files: Readonly<Record<string, string | Uint8Array>>,
  partitions: readonly Partition[] = [partition(1, false, 'vfat'), partition(2, false, 'ext4')],
  variables: Readonly<Record<string, string>> = ADDRESSES,
) {
  const ran: string[] = []
  const shell = { locals: new Map(), run: async (text: string) => ran.push(text) }
  const bytes = Object.fromEntries(Object.entries(files).map(([name, text]) => [name, Buffer.from(text)]))
  const storage = new FakeStorage({ devices: [card(...partitions)], files: bytes })
  return { ...board(t, COMMANDS, {}, variables, { storage, shell }), ran }
}

const CARD = {
  'mmc 0:1 /extlinux/extlinux.conf': MENU,
  'mmc 0:1 /zImage': Buffer.alloc(64, 1),
  'mmc 0:1 /initrd.img': Buffer.alloc(32, 2),
  'mmc 0:1 /dtbs/allwinner/sun9i-a80-cubieboard4.dtb': Buffer.alloc(16, 3),
}

const ROW = '  0  extlinux     ready   mmc          1  mmc#0.bootdev.part_1      /extlinux/extlinux.conf\n'

t.test('bootflow scan -l lists the menu of a card as U-Boot 2026.10 does', async t => {
  const { type, result } = cardBoard(t, CARD)
  t.equal(
    await type('bootflow scan -l'),
    `Scanning for bootflows in all bootdevs\n${HEAD}Scanning bootdev 'mmc#0.bootdev':\n${ROW}No more bootdevs\n` +
      `${FOOT}(1 bootflow, 1 valid)\n`,
  )
  t.equal(result(), 0)
  t.equal(await type('bootflow list'), `Showing all bootflows\n${HEAD}${ROW}${FOOT}(1 bootflow, 1 valid)\n`)
})

t.test('bootflow scan -lb boots the default label with the tree that fdtfile names, then the other labels', async t => {
  const { type, ran } = cardBoard(t, CARD)
  const text = await type('bootflow scan -lb')
  t.match(
    text,
    `${ROW}** Booting bootflow 'mmc#0.bootdev.part_1' with extlinux\n1:\tDebian GNU/Linux\nRetrieving file: /zImage\n` +
      'Retrieving file: /initrd.img\nappend: root=/dev/mmcblk0p2 console=ttyS0\n' +
      'Retrieving file: /dtbs/allwinner/sun9i-a80-cubieboard4.dtb\n2:\trescue\n',
  )
  t.match(text, `Boot failed (err=-14)\nNo more bootdevs\n${FOOT}(1 bootflow, 1 valid)\n`)
  t.equal(ran[0], 'bootz 0x42000000 0x43300000:20 0x43000000')
})

t.test('bootflow scan without -l prints nothing but what a boot prints', async t => {
  const { type } = cardBoard(t, CARD)
  t.equal(await type('bootflow scan'), '')
})

t.test('bootflow info describes the chosen flow, and -d shows its file', async t => {
  const { type, result } = cardBoard(t, CARD)
  t.equal(await type('bootflow info'), 'No bootflow selected\n')
  t.equal(result(), 1)
  await type('bootflow scan')
  t.equal(await type('bootflow select 0'), '')
  t.equal(
    await type('bootflow info -d'),
    `Name:      mmc#0.bootdev.part_1
Device:    mmc#0.bootdev
Block dev: mmc#0
Method:    extlinux
State:     ready
Partition: 1
Subdir:    (none)
Filename:  /extlinux/extlinux.conf
Buffer:    43200000
Size:      ${MENU.length.toString(16)} (${MENU.length} bytes)
OS:        rescue
Cmdline:   (none)
Logo:      (none)
FDT:       <NULL>
Error:     0
Contents:

${MENU}`,
  )
  t.equal(await type('bootflow select 9'), "Cannot find bootflow '9' (err=-2)\n")
  t.equal(result(), 1)
  t.match(await type('bootflow boot'), /^\*\* Booting bootflow 'mmc#0.bootdev.part_1' with extlinux\n/)
})

t.test('bootflow scan finds a script, tells it where it is from, and runs it', async t => {
  const script = Buffer.from('#!fauxboot\necho hello\n')
  const { type, ran, machine } = cardBoard(t, { 'mmc 0:2 /boot/boot.scr': script })
  t.match(
    await type('bootflow scan -lb'),
    '  0  script       ready   mmc          2  mmc#0.bootdev.part_2      /boot/boot.scr\n' +
      "** Booting bootflow 'mmc#0.bootdev.part_2' with script\nBoot failed (err=-14)\n",
  )
  t.same(ran, [script.toString()])
  const set = ['devtype', 'devnum', 'distro_bootpart', 'prefix'].map(name => machine.env.get(name))
  t.same(set, ['mmc', '0', '2', '/boot/'])
})

t.test('of a disk with bootable partitions, bootflow scan reads no others; -ae tells why', async t => {
  const partitions = [partition(1, true, 'vfat'), partition(2, false, 'ext4')]
  const { type } = cardBoard(t, { 'mmc 0:2 /boot/boot.scr': 'x' }, partitions)
  t.match(await type('bootflow scan -l'), `${FOOT}(0 bootflows, 0 valid)\n`)
  const text = await type('bootflow scan -lae')
  t.match(
    text,
    '  3  extlinux     fs      mmc          1  mmc#0.bootdev.part_1      /boot/extlinux/extlinux.conf\n' +
      '     ** File not found, err=-2\n' +
      '  4  script       fs      mmc          1  mmc#0.bootdev.part_1      /boot/boot.scr\n' +
      '     ** File not found, err=-2\n' +
      '  5  pxe          base    mmc          1  mmc#0.bootdev.part_1      \n' +
      '     ** No media/partition found, err=-524\n' +
      '  6  extlinux     media   mmc          2  mmc#0.bootdev.part_2      \n     ** No partition found, err=-22\n',
  )
  t.match(text, '(90 bootflows, 0 valid)\n')
})

t.test('bootflow scan names the labels that it does not know', async t => {
  const { type } = cardBoard(t, CARD, undefined, { ...ADDRESSES, boot_targets: 'fel mmc_auto' })
  t.match(await type('bootflow scan -l'), `Unknown uclass 'fel' in label\nScanning bootdev 'mmc#0.bootdev':\n${ROW}`)
  t.equal(
    await type('bootflow scan -l nosuch'),
    `Scanning for bootflows with label 'nosuch'\n${HEAD}Cannot find bootdev 'nosuch' (err=-96)\n${FOOT}(0 bootflows, 0 valid)\n`,
  )
})

t.test('bootflow scan -lb pxe asks the server for a menu and boots it', async t => {
  const files = { 'pxelinux.cfg/default': Buffer.from('label l\nkernel zImage\n'), zImage: Buffer.alloc(64, 1) }
  const ran: string[] = []
  const shell = { locals: new Map(), run: async (text: string) => ran.push(text) }
  const { type } = board(t, COMMANDS, { files }, ADDRESSES, { shell })
  const text = await type('bootflow scan -lb pxe')
  t.match(text, "Hunting with: ethernet\nScanning bootdev 'virtio-net#33.bootdev':\nBOOTP broadcast 1\n")
  t.match(
    text,
    '  0  pxe          ready   ethernet     0  virtio-net#33.bootdev.0   extlinux/extlinux.conf\n' +
      "** Booting bootflow 'virtio-net#33.bootdev.0' with pxe\n1:\tl\nRetrieving file: zImage\n",
  )
  t.same(ran, ['bootz 0x42000000'])
})

t.test('bootflow scan -l dhcp loads the script that boot_script_dhcp names, and asks nobody without it', async t => {
  const files = { 'boot.scr.uimg': Buffer.from('#!x\necho net\n') }
  const without = board(t, COMMANDS, { files }, ADDRESSES)
  t.notMatch(await without.type('bootflow scan -l dhcp'), 'BOOTP')
  const { type } = board(t, COMMANDS, { files }, { ...ADDRESSES, boot_script_dhcp: 'boot.scr.uimg' })
  const text = await type('bootflow scan -l dhcp')
  t.match(text, "Filename 'boot.scr.uimg'.\nLoad address: 0x43100000\n")
  t.match(text, '  0  script       ready   ethernet     0  virtio-net#33.bootdev.0   \nNo more bootdevs\n')
})

t.test('bootdev and bootmeth list, choose and order what a scan uses', async t => {
  const { type, result } = cardBoard(t, CARD)
  const rule = '---  ------  ------  --------  ------------------\n'
  t.equal(
    await type('bootdev list'),
    `Seq  Probed  Status  Uclass    Name\n${rule}  0   [ + ]      OK  mmc       mmc#0.bootdev\n` +
      `  1   [ + ]      OK  ethernet  virtio-net#33.bootdev\n${rule}(2 bootdevs)\n`,
  )
  t.equal(await type('bootdev info'), 'No bootdev selected\n')
  await type('bootdev select 0')
  t.match(await type('bootdev info'), 'Name:      mmc#0.bootdev\nSequence:  0\nStatus:    Probed\nUclass:    mmc\n')
  t.equal(await type('bootflow select 0'), "Cannot find bootflow '0' in bootdev 'mmc#0.bootdev' (err=-2)\n")
  await type('bootmeth order script pxe')
  t.equal(
    await type('bootmeth list -a'),
    `Order  Seq  Name                Description
-----  ---  ------------------  ------------------
    0    1  script              Script boot from a block device
    1    2  pxe                 PXE boot from a network device
    -    0  extlinux            Extlinux boot from a block device
-----  ---  ------------------  ------------------
(3 bootmeths)
`,
  )
  t.match(await type('bootflow scan -l mmc0'), '(0 bootflows, 0 valid)\n')
  t.equal(await type('bootmeth order nosuch'), "Unknown bootmeth 'nosuch'\nFailed (err=-19)\n")
  t.equal(result(), 1)
})

t.test('a partition without a readable file system has no boot flow', async t => {
  const { type } = cardBoard(t, CARD, [partition(1, false, 'swap')])
  t.match(await type('bootflow scan -lae'), '1  mmc#0.bootdev.part_1      \n     ** No partition found, err=-2\n')
})

t.test('a script of the network is told that it is one', async t => {
  const files = { 'boot.scr.uimg': Buffer.from('#!x\necho net\n') }
  const ran: string[] = []
  const shell = { locals: new Map(), run: async (text: string) => ran.push(text) }
  const variables = { ...ADDRESSES, boot_script_dhcp: 'boot.scr.uimg' }
  const { type, machine } = board(t, COMMANDS, { files }, variables, { shell })
  await type('bootflow scan -b dhcp')
  t.same(ran, ['#!x\necho net\n'])
  t.equal(machine.env.get('devtype'), 'dhcp')
})

t.test('a flow whose address is not set cannot boot', async t => {
  const { pxefile_addr_r: _, ...without } = ADDRESSES
  const { type } = cardBoard(t, CARD, undefined, without)
  t.match(await type('bootflow scan -b'), 'missing environment variable: pxefile_addr_r\nBoot failed (err=-14)\n')
})

t.test('bootflow select without a number chooses none, and what cannot work says why', async t => {
  const { type, result } = cardBoard(t, CARD)
  await type('bootflow scan')
  t.equal(await type('bootflow select mmc#0.bootdev.part_1'), '')
  t.match(await type('bootflow info'), 'Method:    extlinux\n')
  await type('bootflow select')
  t.equal(await type('bootflow boot'), 'No bootflow selected\n')
  t.equal(await type('bootflow read'), 'Failed: err=-38\n')
  t.match(await type('bootflow menu'), /^## fauxboot: bootflow menu: /)
  t.match(await type('bootflow cmdline get root'), /^## fauxboot: bootflow cmdline: /)
  t.equal(result(), 1)
  t.match(await type('bootflow nosuch'), 'Usage:\nbootflow scan')
})

t.test('TAB completes the verbs of bootflow', async t => {
  const { machine } = cardBoard(t, CARD)
  const [command] = bootflowCommands
  t.same(command?.complete?.(machine, ['bootflow', 's']), ['scan', 'select'])
  t.same(command?.complete?.(machine, ['bootflow', 'scan', '']), [])
})

t.test('a device is chosen by number, name or label; a hunted kind is not hunted again', async t => {
  const { type, result } = cardBoard(t, CARD)
  for (const word of ['mmc0', 'mmc#0', 'mmc#0.bootdev']) {
    await type(`bootdev select ${word}`)
    t.match(await type('bootdev info'), 'Name:      mmc#0.bootdev\n', word)
  }
  await type('bootdev select')
  t.equal(await type('bootdev info'), 'No bootdev selected\n')
  t.equal(await type('bootdev select 9'), "Cannot find bootdev '9' (err=-19)\n")
  t.equal(result(), 1)
  t.equal(await type('bootdev hunt usb'), '')
  t.notMatch(await type('bootflow scan -l usb'), 'Hunting')
  t.match(await type('bootdev nosuch'), 'Usage:')
  t.match(await type('bootmeth nosuch'), 'Usage:')
  await type('bootmeth order')
  t.match(await type('bootmeth list'), '(3 bootmeths)\n')
})
