import t from 'tap'
import {
  expandArmImmediate,
  expandThumbImmediate,
  scanTextOffset,
} from '../../../../../agent/image/kernel/zimage-text-offset.js'

/** Words as GNU as 2.40 makes them; comments say what it was given. */
const arm = (...words: readonly number[]) => new Uint8Array(Uint32Array.from(words).buffer)
const thumb = (...halfwords: readonly number[]) => new Uint8Array(Uint16Array.from(halfwords).buffer)

const NOP = 0xe1a0_0000
const THUMB_NOP = 0xbf00

t.test('ARM immediates are eight bits, rotated', async t => {
  t.equal(expandArmImmediate(0x0ff), 0xff)
  t.equal(expandArmImmediate(0x902), 0x8000)
  t.equal(expandArmImmediate(0x982), 0x20_8000)
  t.equal(expandArmImmediate(0x33e), 0xf800_0000)
})

t.test('Thumb-2 immediates repeat a byte or rotate one', async t => {
  t.equal(expandThumbImmediate(0x0ab), 0x0000_00ab)
  t.equal(expandThumbImmediate(0x1ab), 0x00ab_00ab)
  t.equal(expandThumbImmediate(0x2ab), 0xab00_ab00)
  t.equal(expandThumbImmediate(0x3ab), 0xabab_abab)
  t.equal(expandThumbImmediate(0xc00), 0x8000)
  t.equal(expandThumbImmediate(0x902), 0x20_8000)
  t.equal(expandThumbImmediate(0x478), 0xf800_0000)
})

t.test('ARM code until 5.11: and r4, r4; add r4, r4', async t => {
  // mov r4, pc; and r4, r4, #0xf8000000; add r4, r4, #0x208000
  t.strictSame(scanTextOffset(arm(NOP, 0xe1a0_400f, 0xe204_433e, 0xe284_4982), false), {
    textOffset: 0x20_8000,
    source: 'arm',
  })
})

t.test('ARM code since 5.12: and r0, r0; the check of the FDT; add r4, r0', async t => {
  // and r0, r0, #0xf8000000; ...; add r4, r0, #0x8000
  const code = arm(0xe200_033e, ...Array<number>(14).fill(NOP), 0xe280_4902)
  t.strictSame(scanTextOffset(code, false), { textOffset: 0x8000, source: 'arm' })
})

t.test('Thumb-2 code of both kinds', async t => {
  // and.w r4, r4, #0xf8000000; add.w r4, r4, #0x208000, on a halfword that is not on a word
  const old = thumb(THUMB_NOP, 0xf004, 0x4478, 0xf504, 0x1402)
  t.strictSame(scanTextOffset(old, true), { textOffset: 0x20_8000, source: 'thumb2' })
  // and.w r0, r0, #0xf8000000; ...; add.w r4, r0, #0x308000
  const recent = thumb(0xf000, 0x4078, ...Array<number>(21).fill(THUMB_NOP), 0xf500, 0x1442)
  t.strictSame(scanTextOffset(recent, true), { textOffset: 0x30_8000, source: 'thumb2' })
  // add.w r4, r0, #0x1000000: the immediate's top bit is not set
  t.strictSame(scanTextOffset(thumb(0xf000, 0x4078, 0xf100, 0x7480), true), {
    textOffset: 0x100_0000,
    source: 'thumb2',
  })
})

t.test('the add must use the register that was masked', async t => {
  t.equal(scanTextOffset(arm(0xe200_033e, 0xe284_4982), false), null)
  t.equal(scanTextOffset(thumb(0xf004, 0x4478, 0xf500, 0x1402), true), null)
})

t.test('an add too far away, a mask without an add, and other code give nothing', async t => {
  t.equal(scanTextOffset(arm(0xe200_033e, ...Array<number>(40).fill(NOP), 0xe280_4902), false), null)
  t.equal(scanTextOffset(arm(NOP, 0xe200_033e), false), null)
  t.equal(scanTextOffset(arm(...Array<number>(100).fill(NOP)), false), null)
  t.equal(scanTextOffset(new Uint8Array(3), true), null)
})

t.test('a constant that cannot be TEXT_OFFSET is skipped', async t => {
  // add r4, r0, #0x100; add r4, r0, #0x8000000; add r4, r0, #0x8000
  const code = arm(0xe200_033e, 0xe280_4c01, 0xe280_4302, 0xe280_4902)
  t.strictSame(scanTextOffset(code, false), { textOffset: 0x8000, source: 'arm' })
})

t.test('code after the first 16 KiB is not searched', async t => {
  const image = new Uint8Array(0x5000)
  image.set(arm(0xe204_433e, 0xe284_4982), 0x4100)
  t.equal(scanTextOffset(image, false), null)
  image.set(arm(0xe204_433e, 0xe284_4982), 0x3ff8)
  t.strictSame(scanTextOffset(image, false), { textOffset: 0x20_8000, source: 'arm' })
})
