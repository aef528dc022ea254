import t from 'tap'
import { type Fit, type FitHash, type FitImage, parseFit } from '../../../../../agent/image/uboot/fit.js'
import { FitHashCheck, type FitVerdict } from '../../../../../agent/image/uboot/fit-hash.js'
import { FIT_FILES, FIT_SOURCE, fitImage, IMAGE_TIME } from '../../uboot/image-fixture.js'
import { dtbOf } from '../fdt/dtb.js'
import { assertOnlyFaults } from '../only-faults.js'

/** Parse a file that is a FIT. */
function fitOf(bytes: Uint8Array): Fit {
  const fit = parseFit(bytes)
  if (fit === null) throw new Error('this is not a FIT')
  return fit
}

const hashesOf = (image: FitImage | undefined): FitHash[] =>
  (image?.proofs ?? []).flatMap(proof => (proof.kind === 'hash' ? [proof] : []))

/** The data of an image: `bytes` are the FIT, followed by its external data. */
const fitData = (bytes: Uint8Array, { data }: FitImage): Uint8Array | null =>
  data && bytes.subarray(data.offset, data.offset + data.size)

function checkFitHash(hash: FitHash, data: Uint8Array): FitVerdict {
  const check = new FitHashCheck(hash)
  check.update(data)
  return check.finish()
}

t.test('a FIT made by mkimage is parsed', async t => {
  const bytes = fitImage(t, FIT_SOURCE, FIT_FILES)
  const fit = fitOf(bytes)
  t.equal(fit.description, 'FIT with kernel, fdt, ramdisk')
  t.equal(fit.time, IMAGE_TIME)
  t.same(
    fit.images.map(image => image.name),
    ['kernel-1', 'fdt-1', 'ramdisk-1', 'script-1'],
  )
  const [kernel, dtb] = fit.images
  t.match(kernel, { type: 'kernel', arch: 'arm', os: 'linux', compression: 'none', load: 0x4200_0000 })
  t.match(dtb, { type: 'flat_dt', os: null, load: null, entry: null })
  t.equal(fit.defaultConfiguration, 'conf-1')
  t.equal(fit.defaultImage, null)
  t.same(fit.configurations[0]?.images.get('ramdisk'), ['ramdisk-1'])
  t.same(fit.configurations[1]?.images.get('ramdisk'), undefined)
})

t.test('data within the tree is a view of it', async t => {
  const bytes = fitImage(t, FIT_SOURCE, FIT_FILES)
  const [kernel] = fitOf(bytes).images
  const data = kernel && fitData(bytes, kernel)
  t.same(data && Buffer.from(data), FIT_FILES.kernel)
  t.equal(data?.buffer, bytes.buffer)
})

for (const [what, args] of [
  ['after the tree', ['-E']],
  ['at a position of its own', ['-E', '-p', '0x2000']],
] as const) {
  t.test(`data ${what} is found`, async t => {
    const bytes = fitImage(t, FIT_SOURCE, FIT_FILES, args)
    const [kernel, dtb] = fitOf(bytes).images
    t.same(kernel && Buffer.from(fitData(bytes, kernel) ?? []), FIT_FILES.kernel)
    t.same(dtb && Buffer.from(fitData(bytes, dtb) ?? []), FIT_FILES.dtb)
  })
}

t.test('an image without data, or without a size for it, has no data', async t => {
  const source = (more: string) => dtbOf(`/ { description = "d"; timestamp = <1>; images { a { ${more} }; }; };`, [])
  t.equal(fitOf(source('type = "kernel";')).images[0]?.data, null)
  t.equal(fitOf(source('data-offset = <0>;')).images[0]?.data, null)
  const wide = fitOf(source('load = <0 0x40000000>; entry = <0xffffffff 0xffffffff>; data = "";')).images[0]
  t.match(wide, { load: 0x4000_0000, entry: null })
})

t.test('every algorithm is checked, and a changed byte is detected', async t => {
  const algorithms = ['crc32', 'md5', 'sha1', 'sha256', 'sha384', 'sha512']
  const nodes = algorithms.map((name, i) => `hash-${i} { algo = "${name}"; };`).join(' ')
  const source = `/ { description = "d"; images { a { description = "a"; data = "some data"; type = "kernel"; arch = "arm";
    os = "linux"; compression = "none"; load = <0>; entry = <0>; ${nodes} }; };
    configurations { default = "c"; c { kernel = "a"; }; }; };`
  const bytes = fitImage(t, source, {})
  const [image] = fitOf(bytes).images
  const data = image && fitData(bytes, image)
  t.ok(data)
  const hashes = hashesOf(image)
  t.same(
    hashes.map(hash => hash.algorithm),
    algorithms,
  )
  for (const hash of hashes) {
    t.equal(checkFitHash(hash, data ?? new Uint8Array()), 'ok', `${hash.algorithm}`)
    t.equal(checkFitHash(hash, Buffer.from('some dbta\0')), 'Bad hash value', `${hash.algorithm}`)
  }
})

t.test('a hash that cannot be checked has the reason', async t => {
  const hash = { name: 'hash-1', algorithm: 'crc32', value: Buffer.alloc(4), ignored: false }
  const data = Buffer.from('data')
  t.equal(checkFitHash({ ...hash, algorithm: null }, data), "Can't get hash algo property")
  t.equal(checkFitHash({ ...hash, value: null }, data), "Can't get hash value property")
  t.equal(checkFitHash({ ...hash, algorithm: 'rot13' }, data), 'Unsupported hash algorithm')
  t.equal(checkFitHash({ ...hash, value: Buffer.alloc(3) }, data), 'Bad hash value len')
  t.equal(checkFitHash({ ...hash, ignored: true }, data), 'ignored')
})

t.test('signatures are parsed but not checked', async t => {
  const bytes = dtbOf(
    `/ { description = "d"; timestamp = <1>; images { a { data = "x";
      signature-1 { algo = "sha256,rsa2048"; key-name-hint = "dev"; required = "image"; value = [00 11]; };
      hash-1 { algo = "crc32"; uboot-ignore = <1>; };
      other { }; }; }; };`,
    [],
  )
  const [image] = fitOf(bytes).images
  t.match(image?.proofs, [
    { kind: 'signature', name: 'signature-1', algorithm: 'sha256,rsa2048', keyName: 'dev', required: true, time: null },
    { kind: 'hash', ignored: true, value: null },
  ])
  t.equal(image?.proofs.length, 2)
})

t.test('for a device tree that is not a FIT the result is null, and any other file is refused', async t => {
  t.equal(parseFit(dtbOf('/ { };')), null)
  t.throws(() => parseFit(Buffer.alloc(64)), { code: 'FORMAT_MAGIC' })
})

t.test('damaged input causes only errors of the table', async t => {
  const valid = [fitImage(t, FIT_SOURCE, FIT_FILES), fitImage(t, FIT_SOURCE, FIT_FILES, ['-E'])]
  t.doesNotThrow(() =>
    assertOnlyFaults(
      valid,
      bytes => {
        for (const image of parseFit(bytes)?.images ?? []) {
          const data = fitData(bytes, image)
          for (const hash of hashesOf(image)) checkFitHash(hash, data ?? new Uint8Array())
        }
      },
      300,
    ),
  )
})
