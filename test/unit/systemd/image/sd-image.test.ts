import { execFileSync } from 'node:child_process'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { loadBoard } from '../../../../systemd/boards/board.js'
import { buildSdImage, cardSize, masterBootRecord, slotRanges } from '../../../../systemd/image/sd-image.js'
import { needs } from '../../../peer.js'

const MIB = 2 ** 20

t.test('a card is the smallest power of two that holds two slots, which may grow by a fifth', async t => {
  t.equal(cardSize(1), 64 * MIB)
  t.equal(cardSize(19 * MIB), 64 * MIB)
  t.equal(cardSize(20 * MIB), 128 * MIB)
  t.equal(cardSize(45 * MIB), 128 * MIB)
  t.equal(cardSize(46 * MIB), 256 * MIB)
})

t.test('the partition table has the environment of U-Boot and two slots', needs('partx'), async t => {
  const card = join(t.testdir({}), 'card')
  const size = 64 * MIB
  writeFileSync(card, Buffer.concat([masterBootRecord(slotRanges(size)), Buffer.alloc(size - 512)]))
  const columns = ['--output', 'START,SECTORS,TYPE,FLAGS', '--noheadings']
  const shown = execFileSync('partx', ['--show', ...columns, card]).toString()
  const row = (start: number, mib: number, flags: string) => `${start * 2048} ${mib * 2048} 0xe ${flags}`
  const rows = shown
    .trim()
    .split('\n')
    .map(line => line.trim().replace(/ +/g, ' '))
  t.strictSame(rows, [row(1, 3, '0x80'), row(16, 24, '0x0'), row(40, 24, '0x0')])
})

t.test('a board that boots from no card is refused', async t => {
  const board = await loadBoard('virt')
  const image = { board, kernel: '/k', dtb: null, initramfs: '/i', cmdline: '' }
  await t.rejects(buildSdImage(image), { code: 'BOARD_DATA', message: /\/sd is missing/ })
})
