import t, { type Test } from 'tap'
import { type FitRequest, openFit } from '../../../../../agent/uboot/image/fit-image.js'
import { openLegacy } from '../../../../../agent/uboot/image/legacy-image.js'
import { dtbOf } from '../../image/fdt/dtb.js'
import { FIT_FILES, FIT_SOURCE, fitImage, legacyImage } from '../image-fixture.js'
import { testMachine } from '../machine.js'

const ADDRESS = 0x4800_0000
const { signal } = new AbortController()

async function open(t: Test, bytes: Uint8Array, request: Partial<FitRequest> = {}) {
  const machine = testMachine(t)
  machine.memory.write(ADDRESS, bytes)
  const whole = { role: 'kernel', configuration: null, image: null, verify: true, signal, ...request } as const
  const found = await openFit(machine, ADDRESS, whole)
  return { found, out: machine.printed() }
}

const KERNEL = `     Description:  Debian kernel
     Created:      2026-11-23   8:44:44 UTC
     Type:         Kernel Image
     Compression:  uncompressed
     Data Start:   0x480000d0
     Data Size:    5000 Bytes = 4.9 KiB
     Architecture: ARM
     OS:           Linux
     Load Address: 0x42000000
     Entry Point:  0x42000000
     Hash algo:    crc32
     Hash value:   078c9b4f
     Hash algo:    sha256
     Hash value:   139513a1c1d0eddc57f5b433c69d5684b7e889d08e385096c777674bbaabbd54
`
const LOADING = '## Loading kernel (any) from FIT Image at 48000000 ...\n'
const CONFIGURED = `${LOADING}   Using 'conf-1' configuration\n   Verifying Hash Integrity ... OK\n`
const TRYING = `   Trying 'kernel-1' kernel subimage\n${KERNEL}`

t.test('the kernel of the default configuration is chosen', async t => {
  const { found, out } = await open(t, fitImage(t, FIT_SOURCE, FIT_FILES))
  t.equal(out, `${CONFIGURED}${TRYING}   Verifying Hash Integrity ... crc32+ sha256+ OK\n`)
  t.same(found?.data, { address: 0x4800_00d0, size: 5000 })
  t.equal(found?.configuration?.name, 'conf-1')
})

t.test('a configuration and an image are found by name', async t => {
  const bytes = fitImage(t, FIT_SOURCE, FIT_FILES)
  const dtb = await open(t, bytes, { role: 'fdt', configuration: 'conf-2', verify: false })
  t.match(dtb.out, "   Using 'conf-2' configuration\n   Trying 'fdt-1' fdt subimage\n")
  t.same(dtb.found?.data, { address: 0x4800_157c, size: 1502 })
  const kernel = await open(t, bytes, { image: 'kernel-1', verify: false })
  t.equal(kernel.out, `${LOADING}${TRYING}`)
  t.equal(kernel.found?.configuration, null)
})

t.test('a damaged kernel is refused', async t => {
  const bytes = fitImage(t, FIT_SOURCE, FIT_FILES)
  bytes[0xd0 + 1000] = 1
  const { found, out } = await open(t, bytes, { configuration: 'conf-1' })
  t.equal(found, null)
  t.equal(
    out,
    `${CONFIGURED}${TRYING}   Verifying Hash Integrity ... crc32 error!
Bad hash value for 'hash-1' hash node in 'kernel-1' image node
Bad Data Hash
`,
  )
})

t.test('a missing image is reported', async t => {
  const bytes = fitImage(t, FIT_SOURCE, FIT_FILES)
  const said = async (request: Partial<FitRequest>, fit = bytes) => (await open(t, fit, request)).out.split('\n').at(-2)
  t.equal(await said({ image: 'nosuch' }), "Could not find subimage node type 'kernel'")
  t.equal(await said({ configuration: 'nosuch' }), "Could not find configuration node 'nosuch'")
  t.equal(await said({ configuration: 'conf-2', role: 'ramdisk' }), "Could not find subimage node type 'ramdisk'")
  t.equal(await said({ image: 'script-1' }), 'No Unknown OS ARM Kernel Image Image')
  t.equal(await said({}, dtbOf('/ { };')), 'Bad FIT kernel image format! (err=-2)')
  const fit = (images: string) => dtbOf(`/ { description = "d"; timestamp = <1>; images { ${images} }; };`, [])
  t.equal(await said({}, fit('')), 'Could not find configuration node')
  const empty = fit('k { type = "kernel"; os = "linux"; };')
  t.equal(await said({ image: 'k', verify: false }, empty), 'Could not find kernel subimage data!')
})

t.test('the signature of a configuration is reported as not checked', async t => {
  const fit = `/ { description = "d"; timestamp = <1>; images { k { type = "kernel"; os = "linux"; data = "x"; }; };
    configurations { default = "c"; c { kernel = "k"; hash-1 { }; signature-1 { }; }; }; };`
  const { out } = await open(t, dtbOf(fit, []))
  t.match(out, "   Verifying Hash Integrity ... OK\n   signature-1 of 'c' is not checked\n   Trying 'k'")
})

t.test('a legacy image is opened without looking at its data when that is not wanted', async t => {
  const machine = testMachine(t)
  const bytes = legacyImage(t, '-T multi -C none -n two', { a: 'first', b: 'second' })
  bytes[80] = 0x58
  machine.memory.write(ADDRESS, bytes)
  const image = await openLegacy(machine, ADDRESS, { verify: false, signal })
  t.notMatch(machine.printed(), /Verifying/)
  t.match(image, {
    header: { type: 'multi' },
    data: { address: ADDRESS + 64 },
    parts: [
      { address: ADDRESS + 76, size: 5 },
      { address: ADDRESS + 84, size: 6 },
    ],
  })
  t.equal(await openLegacy(machine, ADDRESS, { verify: true, signal }), 'Bad Data CRC')
  t.match(machine.printed(), /Verifying Checksum ... Bad Data CRC\n$/)
  t.equal(await openLegacy(machine, ADDRESS + 4, { verify: true, signal }), 'Bad Magic Number')
  t.equal(machine.printed(), 'Bad Magic Number\n')
})
