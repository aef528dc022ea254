import t from 'tap'
import { parseFdt, writeFdt } from '../../../../agent/image/fdt/fdt.js'
import { encodeCells, findNode } from '../../../../agent/image/fdt/fdt-query.js'
import { packUImage, parseUImage } from '../../../../agent/image/uboot/uimage.js'
import { withoutCardDetect } from '../../../../systemd/image/boot-loader.js'
import { node, tree } from '../../agent/kexec/trees.js'

const SPL_BYTES = 32 * 1024
const CODE = Buffer.from(
  'code with a magic number d00dfeed \xd0\x0d\xfe\xed\0\0\0\x01 and the name cd-gpios\0',
  'latin1',
)
const HEADER = {
  type: 'firmware',
  arch: 'arm',
  compression: 'none',
  os: 'u-boot',
  load: 0x2a000000,
  entry: 0x2a000000,
  name: 'U-Boot 2025.01 for sunxi board',
  time: 1_700_000_000,
} as const

function loader(...properties: string[]): Buffer {
  const mmc = node('mmc@1c0f000', Object.fromEntries(properties.map(name => [name, encodeCells([1, 7, 18, 1])])))
  const fdt = writeFdt(tree({ children: [mmc] }))
  const image = packUImage(HEADER, Buffer.concat([CODE, fdt]))
  return Buffer.concat([Buffer.alloc(SPL_BYTES, 'SPL'), image, Buffer.alloc(16, 'rest')])
}

t.test('the device tree of U-Boot loses its card-detect pin, and nothing else changes', async t => {
  const original = loader('bus-width', 'cd-gpios', 'vqmmc-supply')
  const patched = withoutCardDetect(original)
  t.equal(patched.length, original.length)
  t.ok(original.equals(loader('bus-width', 'cd-gpios', 'vqmmc-supply')), 'the original stays as it is')
  t.same(patched.subarray(0, SPL_BYTES), original.subarray(0, SPL_BYTES))
  // Checks the CRCs of the header and of the data.
  const { data, trailing, ...header } = parseUImage(patched.subarray(SPL_BYTES))
  t.match(header, HEADER)
  t.equal(trailing, 16)
  t.same(data.subarray(0, CODE.length), CODE)
  const mmc = findNode(parseFdt(data.subarray(CODE.length)), '/mmc@1c0f000')
  t.strictSame([...(mmc?.properties.keys() ?? [])], ['bus-width', 'cd-unset', 'vqmmc-supply'])
})

t.test('another boot loader is refused with the reason', async t => {
  t.throws(() => withoutCardDetect(loader('bus-width')), { code: 'BUILD_INPUT', message: /has no cd-gpios: remove/ })
  t.throws(() => withoutCardDetect(Buffer.alloc(SPL_BYTES + 64)), { code: 'FORMAT_MAGIC' })
  const damaged = loader('cd-gpios')
  damaged[SPL_BYTES + 70] = 0
  t.throws(() => withoutCardDetect(damaged), { code: 'FORMAT_CRC' })
  const treeless = Buffer.concat([Buffer.alloc(SPL_BYTES), packUImage(HEADER, CODE)])
  t.throws(() => withoutCardDetect(treeless), { code: 'BUILD_INPUT', message: /no device tree ends the image/ })
})
