import { execFileSync } from 'node:child_process'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { loadBoard } from '../../../../systemd/boards/board.js'
import { buildSdImage, cardSize, masterBootRecord } from '../../../../systemd/image/sd-image.js'
import { needs } from '../../../peer.js'

const MIB = 2 ** 20

t.test('a card is the smallest power of two that holds the files', async t => {
  t.equal(cardSize(1), 32 * MIB)
  t.equal(cardSize(30 * MIB), 32 * MIB)
  t.equal(cardSize(30 * MIB + 1), 64 * MIB)
  t.equal(cardSize(100 * MIB), 128 * MIB)
})

t.test('the partition table has one bootable FAT partition from 1 MiB to the end', needs('partx'), async t => {
  const card = join(t.testdir({}), 'card')
  writeFileSync(card, Buffer.concat([masterBootRecord((32 * MIB) / 512), Buffer.alloc(32 * MIB - 512)]))
  const columns = ['--output', 'START,SECTORS,TYPE,FLAGS', '--noheadings']
  const shown = execFileSync('partx', ['--show', ...columns, card]).toString()
  t.strictSame(shown.trim().split(/ +/), ['2048', String((32 * MIB) / 512 - 2048), '0xe', '0x80'])
})

t.test('a board that boots from no card is refused', async t => {
  const board = await loadBoard('virt')
  const image = { board, kernel: '/k', dtb: null, initramfs: '/i', cmdline: '' }
  await t.rejects(buildSdImage(image), { code: 'BOARD_DATA', message: /\/sd is missing/ })
})
