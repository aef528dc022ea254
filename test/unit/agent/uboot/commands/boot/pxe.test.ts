import fc from 'fast-check'
import t from 'tap'
import { pxeMenu, pxeStatements } from '../../../../../../agent/uboot/boot/pxe-config.js'
import { pxeCommands } from '../../../../../../agent/uboot/commands/boot/pxe.js'
import type { FakeWorld } from '../../fake-network.js'
import { FakeStorage } from '../../fake-storage.js'
import { testMachine } from '../../machine.js'
import { board, lines, VARIABLES } from '../../network-fixture.js'

const MENU = `# a comment
menu title Linux boot selections
timeout 50
default kernel

label kernel
  menu label Boot kernel
  kernel zImage
  append console=ttyAMA0 earlycon panic=-1
  initrd initrd.uboot

label local
  menu label Local boot
  localboot 1

label empty
  menu label Empty boot
`

const PXE = {
  ...VARIABLES,
  pxefile_addr_r: '0x40300000',
  kernel_addr_r: '0x40400000',
  ramdisk_addr_r: '0x44000000',
  fdt_addr: '0x40000000',
}

const download = (file: string, address: string, size: string): string =>
  `Retrieving file: ${file}\n${loading(file, address)}#\ndone\nBytes transferred = ${size}\n`

const loading = (file: string, address: string): string =>
  `${lines(
    'Using virtio-net#33 device',
    'TFTP from server 192.168.77.1; our IP address is 192.168.77.58',
    `Filename '${file}'.`,
    `Load address: ${address}`,
  )}Loading: *\b`

const missing = (file: string): string =>
  `Retrieving file: ${file}\n${loading(file, '0x40300000')}\nTFTP error: 'File not found' (1)\nNot retrying...\n`

const FILES = { zImage: Buffer.alloc(64, 1), 'initrd.uboot': Buffer.alloc(16, 2) }

interface Keys {
  readonly keys?: (string | null)[]
  readonly lines?: (string | null)[]
}

/** A board with a menu; what it boots is kept. */
function menuBoard(
  t: Parameters<typeof board>[0],
  menu: string,
  { keys = [], lines: typed = [] }: Keys = {},
  variables: Record<string, string> = PXE,
  world: FakeWorld = {},
) {
  const ran: string[] = []
  const results: number[] = []
  const shell = {
    locals: new Map(),
    run: async (text: string) => {
      ran.push(text)
      return results.shift() ?? 0
    },
  }
  const input = {
    history: [],
    readKey: async () => keys.shift() ?? null,
    readLine: async (prompt: string, initial = '') => {
      made.machine.out.write(`${prompt}${initial}\n`)
      return typed.shift() ?? null
    },
  }
  const made = board(t, pxeCommands, { files: { ...FILES, ...world.files } }, variables, { shell, input })
  made.machine.memory.write(0x4030_0000, Buffer.from(`${menu}\0`))
  return { ...made, ran, results }
}

const SHOWN = 'Linux boot selections\n1:\tBoot kernel\n2:\tLocal boot\n3:\tEmpty boot\n'

t.test('pxe get asks for the names of the board, most specific first', async t => {
  const files = { 'pxelinux.cfg/default': Buffer.from(MENU) }
  const { type, machine, result } = board(t, pxeCommands, { files }, { ...PXE, ethaddr: '52:54:00:12:34:56' })
  const names = [
    '01-52-54-00-12-34-56',
    'C0A84D3A',
    'C0A84D3',
    'C0A84D',
    'C0A84',
    'C0A8',
    'C0A',
    'C0',
    'C',
    'default-arm',
  ]
  t.equal(
    await type('pxe get'),
    `missing environment variable: pxeuuid\n${names.map(name => missing(`pxelinux.cfg/${name}`)).join('')}` +
      `${download('pxelinux.cfg/default', '0x40300000', `${MENU.length} (${MENU.length.toString(16)} hex)`)}Config file '<NULL>' found\n`,
  )
  t.equal(result(), 0)
  t.equal(machine.memory.read(0x4030_0000 + MENU.length, 1)[0], 0)
})

t.test('pxe get uses UUID, directory, and what the build calls SoC and board, as a real sunxi board does', async t => {
  const variables = { ...PXE, pxeuuid: 'abcd', bootfile: 'lab/boot.scr' }
  const parts = { board: { ...testMachine(t).board, environment: { arch: 'arm', soc: 'sunxi', board: 'sunxi' } } }
  const { type, result } = board(t, pxeCommands, {}, variables, parts)
  const text = await type('pxe get')
  t.equal(
    text
      .split('\n')
      .filter(line => line.startsWith('Retrieving'))
      .map(line => line.slice(17))
      .filter(name => !/\/C/.test(name))
      .join(' '),
    'lab/pxelinux.cfg/abcd lab/pxelinux.cfg/01-52-54-00-12-34-56 lab/pxelinux.cfg/default-arm-sunxi-sunxi lab/pxelinux.cfg/default-arm-sunxi lab/pxelinux.cfg/default-arm lab/pxelinux.cfg/default',
  )
  t.ok(text.endsWith('Config file not found\n'))
  t.equal(result(), 1)
})

t.test('pxe get waits for a carrier once, not for each name', async t => {
  const { type, result } = board(t, pxeCommands, { carrierAfter: 1, carrierInTime: false }, PXE)
  t.equal(
    await type('pxe get'),
    'virtio-net#33 Waiting for PHY auto negotiation to complete. TIMEOUT !\nCould not initialize PHY virtio-net#33\n',
  )
  t.equal(result(), 1)
})

t.test('pxe get stops at ^C', async t => {
  const { type } = board(t, pxeCommands, {}, { ...PXE, pxeuuid: 'abcd' })
  t.equal(
    await type('pxe get', AbortSignal.abort()),
    `Retrieving file: pxelinux.cfg/abcd\n${loading('pxelinux.cfg/abcd', '0x40300000')}\nAbort\n`,
  )
})

t.test('pxe without its variable or with a wrong address', async t => {
  const { type, result } = board(t, pxeCommands, {}, {})
  t.equal(await type('pxe get'), 'missing environment variable: pxefile_addr_r\n')
  t.equal(await type('pxe boot'), 'missing environment variable: pxefile_addr_r\n')
  t.equal(await type('pxe boot xyz'), 'Invalid pxefile address: xyz\n')
  t.equal(result(), 1)
  t.equal(
    await type('pxe'),
    'pxe - get and boot from pxe files\n\nUsage:\npxe get [-ipv6] - try to retrieve a pxe file using tftp\n' +
      'pxe boot [pxefile_addr_r] [-ipv6] - boot from the pxe file at pxefile_addr_r\n\n',
  )
})

const FIRST =
  '1:\tBoot kernel\n' +
  download('zImage', '0x40400000', '64 (40 hex)') +
  download('initrd.uboot', '0x44000000', '16 (10 hex)') +
  'append: console=ttyAMA0 earlycon panic=-1\n'

t.test('pxe boot boots the default when nobody chooses', async t => {
  const { type, ran, machine, result } = menuBoard(t, MENU)
  t.equal(await type('pxe boot'), `${SHOWN}Enter choice: ${FIRST}`)
  t.strictSame(ran, ['bootz 0x40400000 0x44000000:10 0x40000000'])
  t.equal(machine.env.get('bootargs'), 'console=ttyAMA0 earlycon panic=-1')
  t.equal(result(), 0)
})

t.test('a key begins a choice, an empty one is the default', async t => {
  const chosen = menuBoard(t, MENU, { keys: ['2'], lines: ['2'] }, { ...PXE, localcmd: 'bootd' })
  t.equal(await chosen.type('pxe boot 40300000'), `${SHOWN}Enter choice: \rEnter choice: 2\n2:\tLocal boot\n`)
  t.strictSame(chosen.ran, ['bootd'])
  const empty = menuBoard(t, MENU, { keys: ['\r'] })
  t.equal(await empty.type('pxe boot'), `${SHOWN}Enter choice: \n${FIRST}`)
})

t.test('^C leaves the menu', async t => {
  t.equal(await menuBoard(t, MENU, { keys: ['\x03'] }).type('pxe boot'), `${SHOWN}Enter choice: <INTERRUPT>\n`)
  const untimed = MENU.replace('timeout 50', 'timeout 0')
  t.equal(await menuBoard(t, untimed).type('pxe boot'), `${SHOWN}Enter choice: \n<INTERRUPT>\n`)
})

t.test('a choice that is not there is asked for again', async t => {
  const untimed = MENU.replace('timeout 50', 'timeout 0')
  const { type } = menuBoard(t, untimed, { lines: ['9', '1'] })
  t.equal(await type('pxe boot'), `${SHOWN}Enter choice: \n9 not found\n${SHOWN}Enter choice: \n${FIRST}`)
})

t.test('when a label fails the others are tried, up to one that boots locally, whatever that does', async t => {
  const { type, results } = menuBoard(t, MENU)
  results.push(1)
  t.equal(
    await type('pxe boot'),
    `${SHOWN}Enter choice: ${FIRST}2:\tLocal boot\nmissing environment variable: localcmd\n`,
  )
})

t.test('without a menu statement the default boots at once, or else the first that can', async t => {
  const plain = 'label a\nlinux zImage\n'
  for (const text of [plain, `default a\n${plain}`, `default b\n${plain}`]) {
    const { type, ran } = menuBoard(t, text)
    t.equal(
      await type('pxe boot'),
      `${text.startsWith('default b') ? 'Missing default: b\n' : ''}1:\ta\n${download('zImage', '0x40400000', '64 (40 hex)')}`,
    )
    t.strictSame(ran, ['bootz 0x40400000 - 0x40000000'])
  }
})

t.test('files that are missing skip a label', async t => {
  const text = 'label a\nkernel no\nlabel b\nkernel zImage\ninitrd no\nlabel c\nkernel zImage\nfdt no\n'
  const { type, ran } = menuBoard(t, text, {}, { ...PXE, fdt_addr_r: '0x43000000' })
  const printed = await type('pxe boot')
  for (const [label, what] of [
    ['a', 'kernel'],
    ['b', 'initrd'],
    ['c', 'FDT'],
  ])
    t.match(printed, `Skipping ${label} for failure retrieving ${what}\n`)
  t.strictSame(ran, [])
})

t.test('device trees by name, by directory, none, and with overlays', async t => {
  const variables = { ...PXE, fdt_addr_r: '0x43000000', fdtoverlay_addr_r: '0x43100000', fdtfile: 'board.dtb' }
  const files = { 'dtb/board.dtb': Buffer.alloc(8, 3), o1: Buffer.alloc(8, 4) }
  const text = 'label a\nkernel zImage\nfdtdir dtb\nfdtoverlays o1 o2\n'
  const { type, ran } = menuBoard(t, text, {}, variables, { files })
  t.match(await type('pxe boot'), 'Failed loading overlay o2\n')
  t.strictSame(ran, ['fdt addr 0x43000000', 'fdt resize 2008', 'fdt apply 0x43100000', 'bootz 0x40400000 - 0x43000000'])
  const gone = menuBoard(t, 'label a\nkernel zImage\nfdtdir gone/\n', {}, { ...variables, fdtfile: 'x.dtb' })
  t.match(await gone.type('pxe boot'), 'Skipping fdtdir gone/ for failure retrieving dts\n')
  t.strictSame(gone.ran, ['bootz 0x40400000 - 0x40000000'])
  const none = menuBoard(t, 'label a\nkernel zImage\nfdt -\n', {}, variables)
  await none.type('pxe boot')
  t.strictSame(none.ran, ['bootz 0x40400000'])
  const { fdtfile: _, ...unnamed } = variables
  const made = menuBoard(
    t,
    'label a\nkernel zImage\nfdtdir d\n',
    {},
    { ...unnamed, soc: 's', board: 'b', boardver: '2' },
  )
  t.match(await made.type('pxe boot'), 'Retrieving file: d/s-b2.dtb\n')
})

t.test('the image decides which command boots it', async t => {
  const fit = Buffer.alloc(64)
  fit.writeUInt32BE(0xd00d_feed)
  const arm64 = Buffer.alloc(64)
  arm64.write('ARM\x64', 56, 'latin1')
  const files = { 'image.fit': fit, Image: arm64 }
  const made = menuBoard(t, 'label a\nfit image.fit#conf-1\nlabel b\nkernel Image\n', {}, PXE, { files })
  made.results.push(1)
  await made.type('pxe boot')
  t.strictSame(made.ran, ['bootm 0x40400000#conf-1 0x40400000 0x40000000', 'booti 0x40400000 - 0x40000000'])
})

t.test('append gets variables and addresses', async t => {
  const made = menuBoard(
    t,
    'label a\nkernel zImage\nappend root=$' + '{root}\nipappend 3\n',
    {},
    { ...PXE, root: '/dev/x', ethaddr: '52:54:00:AA:34:56' },
  )
  t.match(
    await made.type('pxe boot'),
    'append: root=/dev/x ip=192.168.77.58:192.168.77.1:192.168.77.1:255.255.255.0 BOOTIF=01-52-54-00-aa-34-56\n',
  )
})

t.test('included files are part of the menu, and do not end it when they include themselves', async t => {
  const files = { more: Buffer.from('label b\nkernel zImage\ninclude more\n') }
  const { type } = menuBoard(t, 'menu include more\ndefault b\nnonsense 1\n', {}, PXE, { files })
  const printed = await type('pxe boot')
  t.match(printed, 'Maximum nesting (16) exceeded\nIgnoring unknown command: nonsense\n')
  t.match(printed, '16:\tb\n')
})

const disk = {
  kind: 'mmc',
  number: 0,
  node: '/dev/mmcblk0',
  vendor: '',
  product: '',
  size: 1 << 30,
  removable: true,
  partitions: [
    { number: 1, start: 1, size: 9, table: 'dos', uuid: '', name: '', type: '0c', bootable: true, filesystem: 'vfat' },
  ],
}

t.test('sysboot finds menu and files on a disk', async t => {
  const files = {
    'mmc 0:1 /boot/extlinux/extlinux.conf': Buffer.from('label a\nkernel ../zImage\ninitrd /initrd\n'),
    'mmc 0:1 /boot/extlinux/../zImage': Buffer.alloc(64),
    'mmc 0:1 /initrd': Buffer.alloc(9),
  }
  const ran: string[] = []
  const shell = { locals: new Map(), run: async (text: string) => ran.push(text) && 0 }
  const storage = new FakeStorage({ devices: [disk], files })
  const { type, result } = board(t, pxeCommands, {}, PXE, { storage, shell })
  t.equal(
    await type('sysboot mmc 0:1 any 0x40300000 /boot/extlinux/extlinux.conf'),
    lines(
      'Retrieving file: /boot/extlinux/extlinux.conf',
      '40 bytes read in 0 ms',
      '1:\ta',
      'Retrieving file: /boot/extlinux/../zImage',
      '64 bytes read in 0 ms',
      'Retrieving file: /initrd',
      '9 bytes read in 0 ms',
    ),
  )
  t.strictSame(ran, ['bootz 0x40400000 0x44000000:9 0x40000000'])
  t.equal(result(), 0)
  t.match(
    await type('sysboot -p mmc 0:1 any 40300000 gone'),
    "Retrieving file: gone\nFailed to load 'gone'\nError reading config file\n",
  )
  t.equal(await type('sysboot mmc 0:1 any'), 'Specify a filename on the command line, or set bootfile\n')
  t.equal(await type('sysboot mmc 0:1 any zz f'), 'Invalid pxefile address: zz\n')
  t.match(await type('sysboot mmc'), 'Usage:\nsysboot [-p] ')
  t.equal(
    await board(t, pxeCommands, {}, { bootfile: 'f' }, { storage }).type('sysboot mmc 0:1 any'),
    'missing environment variable: pxefile_addr_r\n',
  )
})

t.test('every keyword has its place', t => {
  const text = `prompt 1
ontimeout b
background x
label a
menu default
devicetree d
devicetreedir e
devicetree-overlay f g
append root=/dev/sda initrd=i
label b
kaslrseed
KERNEL k`
  const menu = pxeMenu(pxeStatements(text))
  t.match(menu, { prompt: true, defaultLabel: 'b', ignored: [], title: null })
  t.match(menu.labels[0], { fdt: 'd', fdtDirectory: 'e', overlays: ['f', 'g'], initrd: 'i', kernel: null })
  t.match(menu.labels[1], { name: 'b', kernel: 'k' })
  t.equal(pxeMenu(pxeStatements('label a\nmenu default\n')).defaultLabel, 'a')
  t.end()
})

t.test('blanks and carriage returns around words and in values are as many as they are', t => {
  const blanks = ' '.repeat(40_000)
  t.same(pxeStatements(`${blanks}menu${blanks}label${blanks}a${blanks}\rb${blanks}\r\n${blanks}#x\n${blanks}`), [
    { keyword: 'menu label', value: `a${blanks}\rb` },
  ])
  t.end()
})

t.test('no text breaks the parser', t => {
  const word = fc.constantFrom('label', 'menu', 'default', 'kernel', 'append', '\n', ' ', 'x', '__proto__', '#')
  const property = fc.property(fc.array(fc.oneof(word, fc.string()), { maxLength: 30 }), words => {
    const { labels } = pxeMenu(pxeStatements(words.join(' ')))
    return labels.every(({ name }) => typeof name === 'string')
  })
  t.doesNotThrow(() => fc.assert(property))
  t.end()
})

t.test('localboot -1 boots nothing, and the other labels are not tried', async t => {
  const { type, ran } = menuBoard(t, 'default l\nlabel l\nlocalboot -1\nlabel other\nkernel zImage\n')
  t.equal(await type('pxe boot'), '1:\tl\n')
  t.same(ran, [])
})

t.test('a label without a kernel is skipped', async t => {
  const { type, ran } = menuBoard(t, 'default empty\nlabel empty\nlabel other\nlocalboot -1\n')
  t.match(await type('pxe boot'), 'No kernel given, skipping empty\n')
  t.same(ran, [])
})
