import t from 'tap'
import { type Board, boardNames, loadBoard, parseBoard } from '../../../../systemd/boards/board.js'

/** A board that has everything. */
const GOOD: Board = {
  name: 'some-board',
  title: 'Some board',
  ramBase: '0x40000000',
  console: { tty: 'ttyS0', baud: 115200 },
  dtb: 'some-board.dtb',
  modules: ['dwmac_sun8i'],
  qemu: { machine: 'some', cpus: 2, memoryMiB: 512, serial: 0 },
  sd: {
    bootloader: { package: 'u-boot-some', path: 'usr/lib/u-boot/some.bin' },
    bootloaderOffset: 8192,
    modules: ['sunxi_mmc'],
    environment: { file: 'uboot.env', size: '0x10000', variables: { scriptaddr: '0x43100000' } },
  },
}

t.test('every board of the project can be read', async t => {
  const names = await boardNames()
  t.strictSame(names, ['cubieboard4', 'orangepi-pc', 'sabrelite', 'virt'])
  for (const name of names) t.equal((await loadBoard(name)).name, name)
})

t.test("the Cubieboard4 has its RAM and U-Boot's addresses at 0x20000000", async t => {
  const { ramBase, sd } = await loadBoard('cubieboard4')
  t.equal(ramBase, '0x20000000')
  const variables: Record<string, string> = sd?.environment.variables ?? {}
  for (const name of ['kernel_addr_r', 'fdt_addr_r', 'ramdisk_addr_r', 'scriptaddr']) {
    const address = Number(variables[name])
    t.ok(address >= 0x20000000 && address < 0x2a000000, `${name} is ${variables[name]}`)
  }
})

t.test('a board that has everything is taken as it is', async t => {
  t.strictSame(parseBoard(structuredClone(GOOD), 'some-board.json'), GOOD)
})

/** What is wrong, and where the error says so. */
const BAD: readonly (readonly [title: string, change: (board: Record<string, unknown>) => void, where: RegExp])[] = [
  ['without a console', board => delete board.console, /console is missing; /],
  ['with a property that nobody knows', board => Object.assign(board, { color: 'red' }), /color is not known here/],
  [
    'with a decimal RAM base',
    board => Object.assign(board, { ramBase: '1073741824' }),
    /ramBase must be address or size/,
  ],
  [
    'with a region that is no multiple of 64 KiB',
    board => Object.assign(board, { ramoops: { address: '0x78001000', size: '0x80000' } }),
    /ramoops\.address must be address or size/,
  ],
  [
    'with a region that is too small',
    board => Object.assign(board, { ramoops: { address: '0x78000000', size: '0x40000' } }),
    /ramoops\.size must be 0x50000 or more/,
  ],
  ['with a module that is a path', board => Object.assign(board, { modules: ['../x'] }), /modules\[0\] must match/],
  [
    'with a module named twice',
    board => Object.assign(board, { modules: ['a', 'a'] }),
    /modules must not have duplicate/,
  ],
  ['with the name of another', board => Object.assign(board, { name: 'other' }), /name is other/],
  [
    'that neither QEMU nor a card can start',
    board => {
      delete board.qemu
      delete board.sd
    },
    /needs qemu or sd/,
  ],
  [
    'that starts from its card only and has none',
    board => {
      Object.assign(board, { qemu: { ...GOOD.qemu, sdOnly: true } })
      delete board.sd
    },
    /sd is needed by a machine that starts from its SD card/,
  ],
  ['with a card but no device tree', board => delete board.dtb, /dtb is needed/],
  ['with too many CPUs', board => Object.assign(board, { qemu: { ...GOOD.qemu, cpus: 9 } }), /qemu\.cpus must be <= 8/],
  [
    'with a line break in a variable',
    board => {
      const environment = { file: 'uboot.env', size: '0x10000', variables: { bootcmd: 'a\nb' } }
      Object.assign(board, { sd: { ...GOOD.sd, environment } })
    },
    /sd\.environment\.variables\.bootcmd must match/,
  ],
]

t.test('a board is refused, with the place in the file,', async t => {
  for (const [title, change, where] of BAD) {
    const board: Record<string, unknown> = structuredClone(GOOD)
    change(board)
    t.throws(() => parseBoard(board, 'some-board.json'), { code: 'BOARD_DATA', message: where }, title)
  }
})

t.test('what is not an object is refused', async t => {
  for (const value of [null, 1, 'board', []]) {
    t.throws(() => parseBoard(value, 'some-board.json'), { code: 'BOARD_DATA' }, JSON.stringify(value))
  }
})

t.test('an unknown board is refused with the names of the known ones', async t => {
  await t.rejects(loadBoard('raspberry'), { code: 'BOARD_UNKNOWN', message: /known: .*virt/ })
})

t.test('a name that is a path finds no file', async t => {
  await t.rejects(loadBoard('../boards/virt'), { code: 'BOARD_UNKNOWN' })
})

t.test('a file that is not JSON is refused with its name', async t => {
  const dir = t.testdir({ 'broken.json': '{ "name": ' })
  await t.rejects(loadBoard('broken', dir), { code: 'BOARD_DATA', message: /broken\.json: the text is not JSON/ })
})
