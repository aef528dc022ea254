import t from 'tap'
import { writeFdt } from '../../../../../agent/image/fdt/fdt.js'
import { isZImage, parseZImage } from '../../../../../agent/image/kernel/zimage.js'
import { assertOnlyFaults } from '../only-faults.js'
import { buildZImage } from './zimage-builder.js'

const KERNEL_SIZE_TAG = 0x5a53_4c4b
const dtb = writeFdt({ root: { name: '', properties: new Map(), children: [] }, reservations: [], bootCpu: 0 })

t.test("all values of a zImage like Debian 6.12's are parsed", async t => {
  const image = parseZImage(
    buildZImage({
      size: 0x5c_4200,
      tagOffset: 0xda18,
      edataOffset: 0x5c_359c,
      edata: 0x15b_94a8,
      bss: 0x6_ace8,
      textOffset: 0x20_8000,
      mallocSize: 0x1_0000,
    }),
  )
  t.match(image, {
    size: 0x5c_4200,
    start: 0,
    end: 0x5c_4200,
    fileSize: 0x5c_4200,
    tag: { offset: 0xda18, words: [6, KERNEL_SIZE_TAG, 0x5c_359c, 0x6_ace8, 0x20_8000, 0x1_0000] },
    edata: 0x15b_94a8,
    bss: 0x6_ace8,
    textOffset: 0x20_8000,
    textOffsetSource: 'tag',
    mallocSize: 0x1_0000,
    thumb: false,
    appendedDtb: null,
    trailing: 0,
  })
  t.equal(image.bytes.length, 0x5c_4200)
})

t.test('the tag of the first kernels with it has a count that is two lower, and gives edata and bss', async t => {
  for (const count of [2, 3]) {
    const image = parseZImage(
      buildZImage({ tag: [count, KERNEL_SIZE_TAG, 0x3ffc, 0x6_32f0], edataOffset: 0x3ffc, edata: 0x158_b3a0 }),
    )
    t.match(image, { edata: 0x158_b3a0, bss: 0x6_32f0, textOffset: null, textOffsetSource: null, mallocSize: null })
    t.strictSame(image.tag?.words, [count, KERNEL_SIZE_TAG, 0x3ffc, 0x6_32f0])
  }
})

t.test('a tag of five words gives TEXT_OFFSET without the heap', async t => {
  const image = parseZImage(buildZImage({ tag: [5, KERNEL_SIZE_TAG, 0x3ffc, 0x100, 0x8000] }))
  t.match(image, { textOffset: 0x8000, textOffsetSource: 'tag', mallocSize: null })
})

t.test('the decompressed size is read where the tag points, aligned or not', async t => {
  t.equal(parseZImage(buildZImage({ edataOffset: 0x1235, edata: 0xabcd_ef01 })).edata, 0xabcd_ef01)
})

t.test('other tags before the kernel size are skipped', async t => {
  const image = parseZImage(
    buildZImage({
      otherTags: [
        [3, 0x1234, 7],
        [2, 0x5678],
      ],
    }),
  )
  t.equal(image.tag?.offset, 0x800 + 5 * 4)
  t.equal(image.textOffset, 0x20_8000)
})

t.test('a table without the kernel size, and a zImage without a table, have no tag', async t => {
  t.match(parseZImage(buildZImage({ tag: [] })), { tag: null, edata: null, bss: null, mallocSize: null })
  t.match(parseZImage(buildZImage({ tag: null })), { tag: null, edata: null, textOffset: null })
  t.equal(parseZImage(buildZImage({ tag: null, size: 0x30 + 4 })).tag, null, 'so short that the table does not fit')
})

t.test('the size of a kernel linked to an address is the difference of end and start', async t => {
  t.match(parseZImage(buildZImage({ start: 0x6000_8000 })), { start: 0x6000_8000, end: 0x6000_c000, size: 0x4000 })
})

t.test('a Thumb-2 decompressor is recognised by both forms of its entry', async t => {
  t.equal(parseZImage(buildZImage({ thumb: true })).thumb, true)
  const older = buildZImage()
  new DataView(older.buffer).setUint32(0x20, 0xe12f_ff1c, true)
  t.equal(parseZImage(older).thumb, true)
})

t.test('without a tag word TEXT_OFFSET comes from the instructions', async t => {
  const arm = buildZImage({ tag: null, code: [0xe204_433e, 0xe284_4982] })
  t.match(parseZImage(arm), { textOffset: 0x20_8000, textOffsetSource: 'arm' })
  const thumb = buildZImage({
    tag: [2, KERNEL_SIZE_TAG, 0x3ffc, 0],
    thumb: true,
    code: [0xf004, 0x4478, 0xf504, 0x1402],
  })
  t.match(parseZImage(thumb), { textOffset: 0x20_8000, textOffsetSource: 'thumb2' })
})

t.test('an appended DTB is found and cut off', async t => {
  const image = parseZImage(buildZImage({ appendedDtb: dtb, trailing: new Uint8Array(5) }))
  t.equal(image.bytes.length, 0x4000)
  t.equal(image.fileSize, 0x4000 + dtb.length + 5)
  t.same(image.appendedDtb, dtb)
  t.equal(image.trailing, 5)
})

t.test('bytes after the image that are not a whole DTB are cut off and counted', async t => {
  t.match(parseZImage(buildZImage({ trailing: new Uint8Array(100) })), { appendedDtb: null, trailing: 100 })
  t.match(parseZImage(buildZImage({ trailing: dtb.subarray(0, 20) })), { appendedDtb: null, trailing: 20 })
  t.match(parseZImage(buildZImage({ trailing: dtb.subarray(0, 4) })), { appendedDtb: null, trailing: 4 })
})

t.test('nothing is copied', async t => {
  const file = buildZImage({ appendedDtb: dtb })
  const image = parseZImage(file)
  t.equal(image.bytes.buffer, file.buffer)
  t.equal(image.appendedDtb?.buffer, file.buffer)
})

t.test('a zImage is recognised by its magic', async t => {
  t.equal(isZImage(buildZImage()), true)
  t.equal(isZImage(buildZImage({ magic: 0 })), false)
  t.equal(isZImage(buildZImage().subarray(0, 0x2f)), false)
})

t.test('a truncated zImage is refused with both sizes', async t => {
  t.throws(() => parseZImage(buildZImage().subarray(0, 0x3000), 'vmlinuz'), {
    code: 'FORMAT_TRUNCATED',
    message: 'vmlinuz is truncated at 0x0 (zImage): expected 0x4000 bytes, found 0x3000 of a file of 0x3000',
  })
  t.throws(() => parseZImage(new Uint8Array(10)), { code: 'FORMAT_TRUNCATED' })
})

t.test('a wrong magic is refused with both values', async t => {
  t.throws(() => parseZImage(buildZImage({ magic: 0x5a4d }), 'vmlinuz'), {
    code: 'FORMAT_MAGIC',
    message: 'vmlinuz has the wrong magic at 0x24: expected 0x16f2818, found 0x5a4d',
  })
})

t.test('an end before the start is refused', async t => {
  t.throws(() => parseZImage(buildZImage({ start: 0x8000, end: 0x100 })), {
    code: 'FORMAT_VALUE',
    details: { found: '0x100' },
  })
  t.throws(() => parseZImage(buildZImage({ end: 0x20 })), { code: 'FORMAT_VALUE' })
})

t.test('a big-endian kernel is refused by name', async t => {
  t.throws(() => parseZImage(buildZImage({ endian: 0x0102_0304 })), {
    code: 'FORMAT_UNSUPPORTED',
    details: { found: 'a big-endian kernel' },
  })
})

t.test('a tag table outside the image is refused', async t => {
  const patched = (offset: number, value: number) => {
    const image = buildZImage()
    new DataView(image.buffer).setUint32(offset, value, true)
    return image
  }
  t.throws(() => parseZImage(patched(0x38, 0x4000)), {
    code: 'FORMAT_TRUNCATED',
    details: { where: '0x4000 (tag table entry)' },
  })
  t.throws(() => parseZImage(patched(0x38, 0xffff_fffc)), { code: 'FORMAT_TRUNCATED' })
  t.throws(() => parseZImage(patched(0x800, 0x1000)), { code: 'FORMAT_TRUNCATED', details: { where: '0x800 (tag)' } })
  t.throws(() => parseZImage(patched(0x800, 1)), {
    code: 'FORMAT_VALUE',
    details: { where: '0x800 (tag table entry)' },
  })
})

t.test('a pointer to the decompressed size outside the image is refused', async t => {
  t.throws(() => parseZImage(buildZImage({ edataOffset: 0x3ffd })), {
    code: 'FORMAT_TRUNCATED',
    details: { where: '0x3ffd (decompressed size)' },
  })
})

t.test('damaged input causes only errors of the table', async t => {
  const valid = [
    buildZImage({ size: 0x1000, appendedDtb: dtb, payload: Buffer.from('kernel') }),
    buildZImage({ size: 0x1000, thumb: true, tag: null, code: [0xf000, 0x4078, 0xf500, 0x1402] }),
  ]
  t.doesNotThrow(() => assertOnlyFaults(valid, bytes => parseZImage(bytes)))
})
