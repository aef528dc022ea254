import t from 'tap'
import { isArm64Image, parseArm64Image } from '../../../../../agent/image/kernel/arm64-image.js'
import { assertOnlyFaults } from '../only-faults.js'

function buildImage(
  fields: { textOffset?: bigint; imageSize?: bigint; flags?: bigint; magic?: number } = {},
): Uint8Array {
  const bytes = new Uint8Array(0x1000)
  const view = new DataView(bytes.buffer)
  view.setBigUint64(8, fields.textOffset ?? 0n, true)
  view.setBigUint64(16, fields.imageSize ?? 0x2000n, true)
  view.setBigUint64(24, fields.flags ?? 0xan, true)
  view.setUint32(0x38, fields.magic ?? 0x644d_5241, true)
  return bytes
}

t.test('the header of an Image is read', async t => {
  const bytes = buildImage()
  t.equal(isArm64Image(bytes), true)
  const image = parseArm64Image(bytes)
  t.match(image, {
    size: 0x1000,
    textOffset: 0,
    imageSize: 0x2000,
    flags: 0xan,
    bigEndian: false,
    pageSize: 0x1000,
    anywhere: true,
  })
  t.equal(image.bytes.buffer, bytes.buffer)
})

t.test('byte order and page size come from the flags', async t => {
  t.match(parseArm64Image(buildImage({ flags: 1n })), { bigEndian: true, pageSize: null, anywhere: false })
  t.match(parseArm64Image(buildImage({ flags: 4n })), { pageSize: 0x4000 })
  t.match(parseArm64Image(buildImage({ flags: 6n })), { pageSize: 0x1_0000 })
})

t.test('a kernel before 3.17 does not state its size, and its text offset is 512 KiB', async t => {
  t.match(parseArm64Image(buildImage({ imageSize: 0n, textOffset: 0x800_0000_0000n })), {
    imageSize: 0,
    textOffset: 0x8_0000,
  })
})

t.test('a file that is not an Image is refused', async t => {
  t.equal(isArm64Image(buildImage({ magic: 0 })), false)
  t.equal(isArm64Image(new Uint8Array(0x3f)), false)
  t.throws(() => parseArm64Image(buildImage({ magic: 0x1234 }), 'Image'), {
    code: 'FORMAT_MAGIC',
    message: 'Image has the wrong magic at 0x38: expected 0x644d5241, found 0x1234',
  })
  t.throws(() => parseArm64Image(new Uint8Array(0x3f)), { code: 'FORMAT_TRUNCATED' })
})

t.test('an image size below the size of the file, or above 2^53, is refused', async t => {
  t.throws(() => parseArm64Image(buildImage({ imageSize: 0xfffn })), {
    code: 'FORMAT_VALUE',
    details: { found: '4095' },
  })
  t.throws(() => parseArm64Image(buildImage({ imageSize: 1n << 60n })), { code: 'FORMAT_VALUE' })
  t.throws(() => parseArm64Image(buildImage({ textOffset: 1n << 60n })), { code: 'FORMAT_VALUE' })
})

t.test('damaged input causes only errors of the table', async t => {
  t.doesNotThrow(() => assertOnlyFaults([buildImage()], bytes => parseArm64Image(bytes)))
})
