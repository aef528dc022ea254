import fc from 'fast-check'
import t from 'tap'
import { FauxbootError } from '../../../../agent/errors.js'
import { parseFdt } from '../../../../agent/image/fdt/fdt.js'
import { encodeCells, encodeString, findNode, propString } from '../../../../agent/image/fdt/fdt-query.js'
import { packUImage } from '../../../../agent/image/uboot/uimage.js'
import { fateOf } from '../../../../agent/kexec/layout/decompressor.js'
import { ramFromFdt } from '../../../../agent/kexec/layout/memory-map.js'
import type { Plan } from '../../../../agent/kexec/layout/plan.js'
import { contains, hex, overlap } from '../../../../agent/kexec/layout/ranges.js'
import { type PlanInput, planBoot } from '../../../../agent/kexec/planner.js'
import { arm64Image, cpio, zImage } from './images.js'
import { treeFile } from './trees.js'

const MIB = 2 ** 20
const RAM = [{ start: 0x40000000, end: 0x80000000 }]
const DTB = treeFile({ memory: [[0x40000000, 0x40000000]] })

const input = (more: Partial<PlanInput> = {}): PlanInput => ({
  ram: RAM,
  kernel: zImage(),
  ramdisk: [cpio()],
  dtb: DTB,
  cmdline: 'console=ttyAMA0',
  ...more,
})
const plan = (more: Partial<PlanInput> = {}) => planBoot(input(more))
const finding = (result: Plan, check: string) => result.findings.find(each => each.check === check)
const of = (result: Plan, kind: string) => result.segments.filter(segment => segment.kind === kind)
const treeOf = (result: Plan) => parseFdt(of(result, 'dtb')[0]?.data ?? new Uint8Array())
const memoryOf = (result: Plan) => ramFromFdt(treeOf(result))
const chosenOf = (result: Plan) => {
  const chosen = findNode(treeOf(result), '/chosen')
  if (chosen === null) throw new Error('no /chosen')
  return chosen
}

t.test('a kernel, a ramdisk and a device tree are laid out so that the zImage stays in place', async t => {
  const kernel = zImage()
  const ramdisk = cpio()
  const result = plan({ kernel, ramdisk: [ramdisk] })
  t.equal(result.survivable, true)
  t.strictSame(
    result.findings.filter(each => each.severity !== 'info'),
    [],
  )
  t.strictSame(
    result.segments.map(({ kind, mem, memsz }) => [kind, hex(mem), hex(memsz)]),
    [
      ['kernel', '0x42000000', '0x100000'],
      ['ramdisk', '0x42141000', '0x3000'],
      ['dtb', '0x42144000', '0x1000'],
    ],
  )
  t.equal(hex(result.entry), '0x42000000')
  t.equal(hex(result.flags), '0x280000')
  t.equal(result.arch, 'arm')
  t.equal(result.prediction?.relocates, false)
  t.equal(result.segments[0]?.data.buffer, kernel.buffer, 'nothing is copied')
  t.equal(result.segments[1]?.data, ramdisk)
})

t.test('a plan is pure: the same input gives the same plan', async t => {
  const one = input()
  t.strictSame(planBoot(one), planBoot(one))
})

t.test('a large kernel pushes the zImage up, a small one does not bring it below 32 MiB', async t => {
  t.equal(hex(plan({ kernel: zImage({ edata: 60 * MIB }) }).entry), '0x43f00000')
  t.equal(hex(plan({ kernel: zImage({ edata: MIB }) }).entry), '0x42000000')
})

t.test('in little memory the zImage goes lower, right above the unpacked kernel', async t => {
  const result = plan({ ram: [{ start: 0x40000000, end: 0x41800000 }], dtb: treeFile({}) })
  t.equal(hex(result.entry), '0x40700000')
  t.equal(result.survivable, true)
})

t.test('for any input, a plan without a fatal finding keeps every rule', async t => {
  const ranges = fc
    .uniqueArray(fc.tuple(fc.nat(200), fc.integer({ min: 1, max: 64 })), { maxLength: 4, selector: ([start]) => start })
    .map(list => list.map(([start, size]) => [0x40000000 + start * MIB, size * MIB] as const))
  fc.assert(
    fc.property(
      fc.integer({ min: 16, max: 1024 }),
      fc.integer({ min: 1, max: 80 }),
      fc.array(fc.integer({ min: 1, max: 0x20000 }), { maxLength: 4 }),
      ranges,
      fc.constantFrom(0x8000, 0x208000, 0x308000),
      (megabytes, edata, pieces, regions, textOffset) => {
        const ram = [{ start: 0x40000000, end: 0x40000000 + megabytes * MIB }]
        const result = plan({
          ram,
          kernel: zImage({ edata: edata * MIB, textOffset }),
          ramdisk: pieces.map(size => cpio(size)),
          dtb: treeFile({ regions }),
        })
        if (!result.survivable) {
          t.ok(result.findings.some(each => each.severity === 'fatal'))
          return
        }
        const { prediction } = result
        const places = result.segments.map(({ mem, memsz }) => ({ start: mem, end: mem + memsz }))
        t.equal(prediction?.relocates, false)
        for (const [index, place] of places.entries()) {
          t.ok(ram.some(range => contains(range, place)))
          t.equal(place.start % 4096 || place.end % 4096, 0)
          t.notOk(places.slice(index + 1).some(other => overlap(place, other)))
          t.notOk(regions.some(([start, size]) => overlap(place, { start, end: start + size })))
          if (index > 0 && prediction) t.equal(fateOf(prediction, place), null)
        }
      },
    ),
    { numRuns: 60 },
  )
})

t.test('pieces of a ramdisk lie side by side, each padded to a page, and end where the last one ends', async t => {
  const result = plan({ ramdisk: [cpio(0x1001), new Uint8Array(), cpio(0x1000), cpio(0x10)] })
  const pieces = of(result, 'ramdisk')
  t.strictSame(
    pieces.map(({ memsz }) => memsz),
    [0x2000, 0x1000, 0x1000],
  )
  const [first, second, third] = pieces
  t.equal(second?.mem, (first?.mem ?? 0) + 0x2000)
  t.equal(third?.mem, (second?.mem ?? 0) + 0x1000)
  const { properties } = chosenOf(result)
  t.strictSame(properties.get('linux,initrd-start'), encodeCells([0, first?.mem ?? 0]))
  t.strictSame(properties.get('linux,initrd-end'), encodeCells([0, (third?.mem ?? 0) + 0x10]))
})

t.test('more than 16 segments are refused', async t => {
  t.equal(plan({ ramdisk: Array.from({ length: 14 }, () => cpio(0x100)) }).survivable, true)
  const result = plan({ ramdisk: Array.from({ length: 15 }, () => cpio(0x100)) })
  t.match(finding(result, 'segments-count'), { severity: 'fatal', message: /17 segments/ })
  t.equal(result.survivable, false)
})

t.test('kernel and ramdisk are taken out of a uImage without a copy', async t => {
  const wrap = (type: 'kernel' | 'ramdisk', data: Uint8Array) =>
    packUImage({ type, arch: 'arm', compression: 'none', load: 0, entry: 0, name: 'x', time: 0 }, data)
  const kernel = wrap('kernel', zImage())
  const ramdisk = wrap('ramdisk', cpio())
  const result = plan({ kernel, ramdisk: [ramdisk] })
  t.equal(result.survivable, true)
  t.match(finding(result, 'kernel-uimage'), { severity: 'info' })
  t.match(finding(result, 'ramdisk-uimage'), { severity: 'info' })
  t.equal(of(result, 'kernel')[0]?.data.buffer, kernel.buffer)
  t.equal(of(result, 'ramdisk')[0]?.data.buffer, ramdisk.buffer)
  ramdisk[70] = (ramdisk[70] ?? 0) ^ 1
  t.throws(() => plan({ ramdisk: [ramdisk] }), { code: 'FORMAT_CRC' })
})

t.test('an appended device tree is cut off, and passed if there is no other', async t => {
  const kernel = zImage({ appendedDtb: treeFile({ model: 'appended' }), trailing: new Uint8Array(3) })
  const cut = plan({ kernel })
  t.match(finding(cut, 'appended-dtb'), { severity: 'info', message: /cut off/ })
  t.match(finding(cut, 'kernel-trailing'), { message: /3 bytes/ })
  t.equal(of(cut, 'kernel')[0]?.data.length, 0x100000)
  const only = plan({ kernel, dtb: undefined })
  t.match(finding(only, 'appended-dtb'), { message: /passed like any other/ })
  t.equal(parseFdt(of(only, 'dtb')[0]?.data ?? new Uint8Array()).root.properties.has('model'), true)
})

t.test('without a device tree, the one of the running kernel is used', async t => {
  const result = plan({ dtb: undefined, runningDtb: DTB })
  t.match(finding(result, 'dtb-running'), { severity: 'info' })
  t.equal(of(result, 'dtb').length, 1)
})

t.test('without any device tree, a plan made in the lab has a warning, and one on the board is refused', async t => {
  const inLab = plan({ dtb: undefined })
  t.match(finding(inLab, 'dtb-missing'), { severity: 'warning' })
  t.equal(inLab.survivable, true)
  t.equal(of(inLab, 'dtb').length, 0)
  t.match(finding(plan({ dtb: undefined, board: {} }), 'dtb-missing'), { severity: 'fatal' })
})

t.test('a device tree without memory gets the memory of the running kernel', async t => {
  const result = plan({ dtb: treeFile({}) })
  t.match(finding(result, 'memory-missing'), { severity: 'info', message: /0x40000000-0x7fffffff/ })
  t.equal(result.survivable, true)
})

t.test('memory that does not exist is left out of the device tree, so that the target survives', async t => {
  const result = plan({ dtb: treeFile({ memory: [[0x40000000, 0x80000000]] }) })
  t.match(finding(result, 'memory-mismatch'), { severity: 'warning', message: /0x80000000-0xbfffffff/ })
  t.equal(result.survivable, true)
  t.strictSame(memoryOf(result), RAM)
  const elsewhere = plan({ dtb: treeFile({ memory: [[0x80000000, 0x40000000]] }) })
  t.match(finding(elsewhere, 'memory-missing'), { severity: 'info' })
  t.strictSame(memoryOf(elsewhere), RAM)
})

t.test('the target receives the job id, and earlycon on its command line', async t => {
  const chosen = { 'stdout-path': encodeString('/') }
  const result = plan({ jobId: '42', earlycon: true, dtb: treeFile({ chosen }) })
  t.equal(propString(chosenOf(result), 'fauxboot,job'), '42')
  t.equal(propString(chosenOf(result), 'bootargs'), 'console=ttyAMA0 earlycon')
  t.equal(result.cmdline, 'console=ttyAMA0 earlycon')
  t.match(finding(result, 'earlycon'), { severity: 'info' })
  t.equal(plan({ cmdline: '', earlycon: 'pl011,0x9000000' }).cmdline, 'earlycon=pl011,0x9000000')
  t.match(finding(plan({ earlycon: true }), 'earlycon-unknown'), { severity: 'warning' })
})

t.test('nothing is placed in reserved memory', async t => {
  const dtb = treeFile({ regions: [[0x42000000, 0x100000]], reservations: [[0x42110000, 0x10000]] })
  const result = plan({ dtb })
  t.equal(hex(result.entry), '0x42200000')
  t.equal(result.survivable, true)
  const blocked = plan({ dtb: treeFile({ regions: [[0x40300000, 0x1000]] }) })
  t.match(finding(blocked, 'layout'), {
    severity: 'fatal',
    message: /unpacked kernel.*0x40300000-0x40300fff, which is reserved by the device tree/,
    ranges: [{ start: 0x40204000 }, { start: 0x40300000, end: 0x40301000 }],
  })
  t.strictSame(blocked.segments, [])
  t.equal(blocked.prediction, null)
})

t.test('a failed layout names the two ranges that collide, and a remedy', async t => {
  const cases: readonly (readonly [Partial<PlanInput>, RegExp])[] = [
    [{ ram: [{ start: 0x40000000, end: 0x40400000 }], dtb: undefined }, /unpacked kernel.*which is not RAM/],
    [
      { kernel: zImage({ edata: 126 * MIB }) },
      /zImage with its stack and heap.*beyond the memory that the early kernel maps/,
    ],
    [{ lowmemBytes: 0x2142000 }, /ramdisk.*beyond the memory that the early kernel maps/],
    [{ lowmemBytes: 0x2144000 }, /device tree.*which is taken by the ramdisk/],
    [{ ram: [{ start: 0x40000000, end: 0x42142000 }], dtb: treeFile({}) }, /ramdisk.*which is not RAM/],
    [
      {
        dtb: treeFile({
          regions: [
            [0x42142000, 0x10000000],
            [0x52143000, 0x20000000],
          ],
        }),
        lowmemBytes: 0x20000000,
      },
      /ramdisk.*which is reserved by the device tree/,
    ],
    [
      {
        // One page is free before the ramdisk, the device tree takes two, and nothing is free after it.
        dtb: treeFile({
          regions: [
            [0x42142000, 0x1000],
            [0x42146000, 0x3deba000],
          ],
          ballast: 0x1400,
        }),
      },
      /device tree.*which is reserved by the device tree/,
    ],
  ]
  for (const [more, message] of cases) {
    const result = plan(more)
    const failure = finding(result, 'layout')
    t.match(failure?.message, message)
    t.match(failure, { severity: 'fatal', remedy: /\S/, ranges: [{}, {}] })
    const [wanted, obstacle] = failure?.ranges ?? []
    t.ok(wanted && obstacle && overlap(wanted, obstacle), 'they collide')
    t.equal(result.survivable, false)
  }
})

t.test('RAM that does not start at a multiple of 128 MiB is refused, unless forced', async t => {
  const ram = [{ start: 0x42000000, end: 0x60000000 }]
  const refused = plan({ ram, dtb: treeFile({}) })
  t.match(finding(refused, 'ram-base'), {
    severity: 'fatal',
    message: /0x42000000.*it is not known whether/,
    remedy: /force/,
  })
  t.equal(refused.survivable, false)
  const forced = plan({ ram, dtb: treeFile({}), force: true })
  t.match(finding(forced, 'ram-base'), { severity: 'warning' })
  t.equal(forced.survivable, true)
  t.equal(hex(forced.prediction?.ramBase ?? 0), '0x42000000')
  t.equal(hex(forced.entry), '0x44000000')
})

t.test('a zImage that states nothing about itself is planned for the worst case', async t => {
  const result = plan({ kernel: zImage({ tag: null }) })
  t.match(finding(result, 'text-offset-assumed'), { severity: 'warning', message: /0x308000/ })
  t.match(finding(result, 'kernel-size-bounded'), { severity: 'warning', message: /5 MiB/ })
  t.equal(result.kernel.exact, false)
  t.equal(result.kernel.edata, 5 * MIB)
  t.equal(result.survivable, true)
  const coded = plan({ kernel: zImage({ tag: null, code: [0xe200033e, 0xe2804982] }) })
  t.match(finding(coded, 'text-offset-code'), { message: /0x208000/ })
})

t.test('an arm64 Image is recognised and laid out, but refused', async t => {
  const ram = [{ start: 0x40080000, end: 0x80000000 }]
  const result = plan({ ram, kernel: arm64Image({ textOffset: 0x80000 }) })
  t.equal(result.arch, 'arm64')
  t.match(finding(result, 'arm64-kernel'), {
    severity: 'fatal',
    message: 'arm64 kernels are recognised, but fauxboot cannot start them yet',
  })
  t.equal(result.survivable, false)
  t.strictSame(
    result.segments.map(({ kind, mem }) => [kind, hex(mem)]),
    [
      ['kernel', '0x40280000'],
      ['ramdisk', '0x402a0000'],
      ['dtb', '0x40400000'],
    ],
  )
  t.equal(hex(result.flags), '0xb70000')
  t.equal(result.prediction, null)
})

t.test('an arm64 Image that does not fit is reported as well', async t => {
  const ram = [{ start: 0x40000000, end: 0x40100000 }]
  const kernel = arm64Image({ imageSize: 0x80000 })
  for (const [more, what] of [
    [{ kernel: arm64Image({ imageSize: 0x200000 }) }, /the kernel/],
    [{ kernel, ramdisk: [cpio(0x90000)] }, /the ramdisk/],
    [{ kernel }, /the device tree/],
  ] as const) {
    const result = plan({ ram, dtb: treeFile({}), ...more })
    t.match(finding(result, 'layout'), { message: what })
    t.strictSame(result.segments, [])
  }
  const bare = plan({ ram, kernel, dtb: undefined, ramdisk: [] })
  t.equal(bare.segments.length, 1)
})

t.test('a file that is not a kernel is refused by name', async t => {
  const text = (latin1: string) => new Uint8Array(Buffer.from(latin1, 'latin1'))
  const cases: readonly (readonly [Uint8Array, RegExp])[] = [
    [DTB, /^the format of a device tree or a FIT image$/],
    [cpio(), /^the format of a cpio archive$/],
    [new Uint8Array([0x1f, 0x8b, 8, 0]), /^the format of a gzip file$/],
    [text('\x7fELF'), /^the format of an ELF file, such as vmlinux$/],
    [text('!<arch>\ndebian-binary   1'), /^the format of a Debian package$/],
    [text('!<arch>\nlib.o/          1'), /^an unknown format: 213c6172$/],
    [new Uint8Array(100), /^an unknown format: 00000000$/],
  ]
  for (const [kernel, found] of cases)
    t.throws(() => plan({ kernel }), { code: 'FORMAT_UNSUPPORTED', details: { found } })
  t.throws(() => plan({ kernel: text('!<arch>\ndebian-binary') }), {
    message: /boot\/vmlinuz that `dpkg-deb --extract`/,
  })
  t.throws(() => plan({ kernel: new Uint8Array() }), { code: 'FORMAT_TRUNCATED', details: { found: 'an empty file' } })
  t.throws(() => plan({ kernel: zImage().subarray(0, 0x1000) }), { code: 'FORMAT_TRUNCATED' })
  t.throws(() => plan({ dtb: cpio() }), { code: 'FORMAT_MAGIC' })
})

t.test('invalid input is refused with the reason', async t => {
  const cases: readonly (readonly [Partial<PlanInput>, RegExp])[] = [
    [{ ram: [] }, /the memory map is empty/],
    [{ ram: [{ start: 0, end: 2 ** 60 }] }, /2\^53/],
    [{ pageSize: 1000 }, /not 1000/],
    [{ lowmemBytes: 0 }, /lowmem must have more than 0/],
    [{ cmdline: 'a\0b' }, /command line contains a NUL/],
    [{ jobId: 'a\0b' }, /job id/],
  ]
  for (const [more, reason] of cases) t.throws(() => plan(more), { code: 'PLAN_INPUT', details: { reason } })
})

t.test('segments are aligned to other page sizes', async t => {
  const result = plan({ pageSize: 0x4000 })
  for (const { mem, memsz } of result.segments) t.equal(mem % 0x4000 || memsz % 0x4000, 0)
})

t.test('broken files cause only errors of the table', async t => {
  const files = { kernel: zImage({ size: 0x2000 }), dtb: DTB, ramdisk: cpio(0x200) }
  fc.assert(
    fc.property(
      fc.constantFrom('kernel', 'dtb', 'ramdisk'),
      fc.array(fc.tuple(fc.nat(0x400), fc.nat(255)), { minLength: 1, maxLength: 8 }),
      (which: 'kernel' | 'dtb' | 'ramdisk', changes) => {
        const bytes = Uint8Array.from(files[which])
        for (const [offset, value] of changes) bytes[offset % bytes.length] = value
        const more = which === 'ramdisk' ? { ramdisk: [bytes] } : { [which]: bytes }
        try {
          planBoot({ ram: RAM, kernel: files.kernel, dtb: files.dtb, cmdline: '', ...more })
        } catch (thrown) {
          if (!(thrown instanceof FauxbootError)) throw thrown
        }
      },
    ),
    { numRuns: 400 },
  )
  t.pass('as promised')
})
