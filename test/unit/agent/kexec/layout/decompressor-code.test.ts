import t from 'tap'
import { readDecompressorCode } from '../../../../../agent/kexec/layout/decompressor-code.js'

const SIZE = 0x4000
const STACK_END = 0x5418

/** An image with words at offsets. */
function arm(words: Readonly<Record<number, number>>, size = SIZE): Uint8Array {
  const bytes = new Uint8Array(size)
  const view = new DataView(bytes.buffer)
  for (const [offset, word] of Object.entries(words)) view.setUint32(Number(offset), word, true)
  return bytes
}

/** An image with Thumb-2 instructions at offsets; those of four bytes are written like in the ARM ARM. */
function thumb(
  instructions: Readonly<Record<number, number>>,
  words: Readonly<Record<number, number>> = {},
): Uint8Array {
  const bytes = arm(words)
  const view = new DataView(bytes.buffer)
  for (const [offset, instruction] of Object.entries(instructions)) {
    if (instruction < 0x10000) view.setUint16(Number(offset), instruction, true)
    else {
      view.setUint16(Number(offset), instruction >>> 16, true)
      view.setUint16(Number(offset) + 2, instruction & 0xffff, true)
    }
  }
  return bytes
}

/** The instructions of Debian's 6.1 and 6.12 armmp kernels, at their addresses. */
const ARMMP = {
  4196: 0xe200033e, // and r0, r0, #0xf8000000
  4240: 0xeb001941, // bl
  4244: 0xe2804982, // add r4, r0, #0x208000
  4276: 0xe28f0f9a, // restart: adr r0, 0x1324
  4280: 0xe590d000, // ldr sp, [r0]
  4504: 0xe154000a, // cmp r4, r10
  4508: 0x2a000021, // bhs 0x1228
  4528: 0xe28aac09, // add r10, r10, #0x900
  4532: 0xe3caa0ff, // bic r10, r10, #255
  4536: 0xe24f5f43, // adr r5, restart
  4540: 0xe3c5501f, // bic r5, r5, #31
  4900: STACK_END - 0x1324,
  4904: SIZE - 0x1324,
}

/** A Thumb-2 decompressor, assembled. */
const THUMB = {
  2: 0xf0004078, // and.w r0, r0, #0xf8000000
  10: 0xf7fffff9, // bl
  14: 0xf5001402, // add.w r4, r0, #0x208000
  20: 0xa03e, // restart: adr r0, 0x110
  22: 0xf8d0d000, // ldr.w sp, [r0]
  42: 0x4554, // cmp r4, r10
  44: 0xd22e, // bcs.n 0x8c
  58: 0xf50a6a10, // add.w r10, r10, #0x900
  62: 0xf02a0aff, // bic.w r10, r10, #255
  66: 0xf2af0530, // subw r5, pc, #48
  70: 0xf025051f, // bic.w r5, r5, #31
}
const THUMB_TABLE = { 272: STACK_END - 0x110, 276: SIZE - 0x110 }

const FOUND = { restart: 0x10b4, gap: 0x900, wontOverwrite: 0x1228, stackEnd: STACK_END, checksMemory: true }

t.test("the constants read from Debian's kernels are those measured", async t => {
  t.strictSame(readDecompressorCode(arm(ARMMP), false), FOUND)
})

t.test('Thumb-2 code is read as well', async t => {
  const found = { restart: 0x14, gap: 0x900, wontOverwrite: 0x8c, stackEnd: STACK_END, checksMemory: true }
  t.strictSame(readDecompressorCode(thumb(THUMB, THUMB_TABLE), true), found)
  const { 22: load, ...others } = THUMB
  const wide = { ...others, 20: 0xf20f00f8, 24: load, 44: 0xf0808033 }
  t.strictSame(
    readDecompressorCode(thumb(wide, { 272: STACK_END - 0x110, 276: SIZE - 0x110 }), true),
    { ...found, wontOverwrite: 0x2c + 4 + 0x66 },
    'with the wide forms of adr and of the branch',
  )
})

t.test('the stack of older kernels is loaded from a table of link addresses', async t => {
  const old = {
    ...ARMMP,
    4196: 0xe204433e, // and r4, r4, #0xf8000000
    4280: 0xe8901c4e, // ldmia r0, {r1, r2, r3, r6, r10, r11, r12}
    4284: 0xe590d01c, // ldr sp, [r0, #28]
    4900: 0x1324,
    4904: 0,
    4912: SIZE,
    4928: STACK_END,
  }
  t.strictSame(readDecompressorCode(arm(old), false), { ...FOUND, checksMemory: false })
  t.equal(readDecompressorCode(arm({ ...old, 4912: SIZE - 4 }), false)?.stackEnd, null)
})

t.test('code without a call between mask and offset does not check the memory', async t => {
  t.equal(readDecompressorCode(arm({ ...ARMMP, 4240: 0 }), false)?.checksMemory, false)
  const calledLater = { ...ARMMP, 4240: 0, 4256: 0xeb001941 }
  t.equal(
    readDecompressorCode(arm(calledLater), false)?.checksMemory,
    false,
    'a call after the addition is a different one',
  )
  t.equal(readDecompressorCode(arm({ ...ARMMP, 4196: 0 }), false)?.checksMemory, null, 'nor is it known without a mask')
})

t.test('a table without the end of the zImage is rejected', async t => {
  t.equal(readDecompressorCode(arm({ ...ARMMP, 4904: 0 }), false)?.stackEnd, null)
  t.equal(readDecompressorCode(arm({ ...ARMMP, 4276: 0 }), false)?.stackEnd, null, 'no table')
  t.equal(readDecompressorCode(arm({ ...ARMMP, 4280: 0 }), false)?.stackEnd, null, 'no load')
  t.equal(readDecompressorCode(arm({ ...ARMMP, 4276: 0xe28f0aff }), false)?.stackEnd, null, 'beyond the image')
  t.equal(readDecompressorCode(thumb({ ...THUMB, 20: 0x1234 }), true)?.stackEnd, null, 'no Thumb-2 table')
})

t.test('code of another form gives no constants', async t => {
  t.equal(readDecompressorCode(new Uint8Array(0), false), null)
  t.equal(readDecompressorCode(arm({}), false), null)
  t.equal(readDecompressorCode(arm({}), true), null)
  for (const missing of [0x1198, 0x119c, 0x11b0, 0x11b4, 0x11b8, 0x11bc]) {
    t.equal(readDecompressorCode(arm({ ...ARMMP, [missing]: 0 }), false), null, missing.toString(16))
  }
  for (const missing of [0x2a, 0x2c, 0x3a, 0x3e, 0x42, 0x46]) {
    t.equal(readDecompressorCode(thumb({ ...THUMB, [missing]: 0 }), true), null, missing.toString(16))
  }
  t.equal(readDecompressorCode(thumb({ ...THUMB, 44: 0xf0808000 & 0xffff }), true), null, 'half a branch')
  t.equal(readDecompressorCode(arm({ 8: 0xe28aac09, 12: 0xe3caa0ff, 16: 0xe24f5f43, 20: 0xe3c5501f }), false), null)
})
