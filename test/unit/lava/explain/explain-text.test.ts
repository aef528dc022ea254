import t from 'tap'
import { explainLog } from '../../../../lava/explain/explain.js'
import { renderExplainText } from '../../../../lava/explain/explain-text.js'
import { named, VECTORS } from '../../agent/kexec/vectors.js'
import { mail, printRun } from './kexec-tools-log-printer.js'

const text = (log: string, color = false) => renderExplainText(explainLog(log), { color })
const A80 = named(VECTORS.planner, 'a80-multi_v7-2020-04-06')

t.test('a run is shown with its table, the decompressor for each TEXT_OFFSET, and a diagnosis', async t => {
  const shown = text(printRun(A80, { before: ['# kexec -d -l zImage'] }))
  t.match(shown, /^1 run of kexec-tools\n/)
  t.match(shown, /Run 1\n {2}kexec -d -l zImage\n/)
  t.match(shown, /RAM +0x20000000-0x9fffffff/)
  t.match(shown, /Layout: identical to what kexec-tools computes/)
  t.match(shown, /initrd +0x21df8000 +0x90c000 +0x90b6fa/)
  t.match(shown, /dtb +0x22704000/)
  t.match(shown, /TEXT_OFFSET 0x8000: about C:.*\n.*initrd may be overwritten/)
  t.match(shown, /TEXT_OFFSET 0x208000: about C:.*\n.*initrd is overwritten/)
  t.match(shown, /Diagnosis\n/)
})

t.test('several runs are numbered', async t => {
  const shown = text(mail([printRun(A80), printRun(named(VECTORS.planner, 'rmk-virt-5.4'))]))
  t.match(shown, /^2 runs of kexec-tools\n/)
  t.match(shown, /Run 2\n/)
})

t.test('a measured kernel is named, and its line is exact', async t => {
  const shown = text(printRun(named(VECTORS.planner, 'qemu-2.0.32-armmp-1range')))
  t.match(shown, /\(Debian 12, 6\.1\.0-50-armmp\)/)
  t.match(
    shown,
    /TEXT_OFFSET 0x208000: C:0x400090A0-0x4053A200->0x415A9900-0x41ADAA60\n {6}overwrites 0x40204000 to 0x41aebe78: initrd is overwritten/,
  )
})

t.test('with a large --image-size neither ramdisk nor device tree is hit', async t => {
  t.match(text(printRun(named(VECTORS.planner, 'qemu-2.0.32-image-size'))), /neither ramdisk nor device tree is hit/)
})

t.test('a table that differs is shown next to the one that kexec-tools computes', async t => {
  const shown = text(printRun(A80).replace('segment[1].mem   = 0x21df8000', 'segment[1].mem   = 0x23df8000'))
  t.match(shown, /differs from what kexec-tools computes, which is/)
  t.match(shown, /logged:\n +segment/)
  t.match(shown, /segment 1 +0x23df8000/)
})

t.test('an incomplete table is shown as logged', async t => {
  const shown = text('segment[0].mem = 0x20008000\nsegment[1].memsz = 0x1000\n')
  t.match(shown, /RAM +not in the log/)
  t.match(shown, /as logged; the log is too incomplete to compute it/)
  t.match(shown, /segment 1 +\? +0x1000 +\?/)
})

t.test('a free area that was not found is shown, and that the unpacked size is unknown', async t => {
  const { log } = named(VECTORS.negative, 'seed-2.0.20-garbage-header')
  const shown = text(log.join('\n'))
  t.match(shown, /no free area of 0x86c1c0 bytes/)
  t.match(shown, /0x8531c0, does not state its unpacked size/)
  t.match(text('zImage header: 0x00000000 0x000019b4 0x00001000\n'), /kernel +of unknown size/)
})

t.test('a C: line alone is shown', async t => {
  const line = named(VECTORS.relocation, 'a80-2020-04-07b-partial').logged_c_line ?? ''
  t.ok(text(`${line}\n`).includes(`Decompressor: ${line}\n`))
})

t.test('colours are off by default', async t => {
  t.notOk(text(printRun(A80)).includes('\u001b['))
  t.ok(text(printRun(A80), true).includes('\u001b[31m'))
})
