import t from 'tap'
import { kexecToolsLayout } from '../../../../../agent/kexec/layout/kexec-tools.js'
import { hex } from '../../../../../agent/kexec/layout/ranges.js'
import { layoutInput, named, VECTORS } from '../vectors.js'

const orNull = (value: number | null) => (value === null ? null : hex(value))

for (const vector of VECTORS.planner) {
  t.test(`the table of kexec-tools is reproduced byte for byte: ${vector.name}`, async t => {
    const layout = kexecToolsLayout(layoutInput(vector))
    t.equal(layout.notFound, null)
    t.strictSame(
      {
        zimage_requires: hex(layout.requires),
        decompressed_total: orNull(layout.total),
        resulting_space: orNull(layout.resultingSpace),
        kernel: layout.kernel && { address: hex(layout.kernel.address), size: hex(layout.kernel.size) },
        initrd: orNull(layout.initrd),
        dt: orNull(layout.dt),
        entry: orNull(layout.entry),
        segments: layout.segments.map(({ mem, memsz, bufsz }) => ({
          mem: hex(mem),
          memsz: hex(memsz),
          bufsz: hex(bufsz),
        })),
      },
      {
        zimage_requires: vector.expect.zimage_requires,
        decompressed_total: vector.expect.decompressed_total,
        resulting_space: vector.expect.resulting_space,
        kernel: vector.expect.kernel,
        initrd: vector.expect.initrd,
        dt: vector.expect.dt,
        entry: vector.expect.entry,
        segments: vector.expect.segments,
      },
    )
    const debugFlag = vector.kexec_tools === '2.0.32' ? 0x10 : 0
    t.equal(hex(layout.flags | debugFlag), vector.expect.flags, 'only the flag of -d comes on top')
  })
}

t.test('--image-size moves the ramdisk up, in whole pages', async t => {
  const vector = named(VECTORS.planner, 'a80-multi_v7-2020-04-06')
  const layout = kexecToolsLayout({ ...layoutInput(vector), imageSize: 128_000_000 })
  t.equal(orNull(layout.kernel?.address ?? null), VECTORS.image_size_128000000.kernel)
  t.equal(orNull(layout.initrd), VECTORS.image_size_128000000.initrd)
})

t.test('without a tag, --image-size replaces the guess', async t => {
  const vector = named(VECTORS.planner, 'nedap-4.19-Image')
  const layout = kexecToolsLayout({ ...layoutInput(vector), imageSize: 0x1000 })
  t.equal(layout.kernel?.size, 0x1000)
})

t.test('if a memory limit leaves no room for the ramdisk, the size that was not found is returned', async t => {
  const vector = named(VECTORS.planner, 'qemu-2.0.32-image-size')
  const layout = kexecToolsLayout({
    ...layoutInput(vector),
    imageSize: null,
    initrdSize: 0x1001,
    memMax: 0x40400000,
  })
  t.equal(`Could not find a free area of memory of ${orNull(layout.notFound)} bytes...`, log('mem-max-too-low'))
  t.equal(layout.segments.length, 1, 'the kernel had been placed')
  t.equal(layout.dt, null)
})

t.test('without RAM, the first area is not found', async t => {
  const layout = kexecToolsLayout({ ...layoutInput(named(VECTORS.planner, 'rmk-virt-5.4')), size: 0x8531c0, ram: [] })
  t.equal(
    `Could not find a free area of memory of ${orNull(layout.notFound)} bytes...`,
    log('seed-2.0.20-garbage-header', 2),
  )
  t.equal(layout.kernel, null)
  t.equal(layout.entry, null)
})

t.test('if the device tree does not fit, its size is returned', async t => {
  const input = layoutInput(named(VECTORS.planner, 'rmk-virt-5.4'))
  t.equal(kexecToolsLayout({ ...input, dtbSize: 0x40000000 }).notFound, 0x40000000)
})

t.test('without a device tree there is no segment for it', async t => {
  const input = layoutInput(named(VECTORS.planner, 'a80-multi_v7-2020-04-06'))
  t.equal(kexecToolsLayout({ ...input, dtbSize: null }).segments.length, 2)
})

function log(name: string, line = 0): string | undefined {
  return named(VECTORS.negative, name).log[line]
}
