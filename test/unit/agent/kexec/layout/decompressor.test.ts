import t from 'tap'
import {
  fateOf,
  inferFromMove,
  parseMove,
  predictDecompressor,
  sizeFromMove,
} from '../../../../../agent/kexec/layout/decompressor.js'
import type { DecompressorCode } from '../../../../../agent/kexec/layout/plan.js'
import { hex } from '../../../../../agent/kexec/layout/ranges.js'
import { named, numberOf, type RelocationVector, VECTORS } from '../vectors.js'

const BSS = 0x5e4d4

function inputOf(vector: RelocationVector) {
  const { input } = vector
  if (input === undefined) throw new Error(`${vector.name} has no input`)
  const code: DecompressorCode = {
    restart: Number(input.restart),
    gap: Number(input.X),
    wontOverwrite: Number(input.wont_overwrite ?? input.restart),
    stackEnd: numberOf(input.stack_end),
    checksMemory: null,
  }
  return {
    loadAddress: Number(input.load_address),
    size: Number(input.zimage_size),
    edata: Number(input.edata),
    bss: BSS,
    textOffset: Number(input.text_offset),
    mallocSize: numberOf(input.malloc),
    code,
  }
}

const MEASURED = VECTORS.relocation.filter(vector => vector.input !== undefined)

for (const vector of MEASURED) {
  t.test(`the move of the decompressor is predicted: ${vector.name}`, async t => {
    const prediction = predictDecompressor(inputOf(vector))
    const expected = vector.expect_c_line === undefined ? vector.predicted_c_line : vector.expect_c_line
    t.equal(prediction.line, expected)
    t.equal(prediction.relocates, expected !== null)
    t.equal(prediction.exact, true)
    if (vector.workspace_end_min !== undefined) t.equal(hex(prediction.certain.end), vector.workspace_end_min)
    if (vector.predicted_workspace_end !== undefined) {
      t.equal(hex(prediction.workspace.end), vector.predicted_workspace_end)
      t.strictSame(prediction.workspace, prediction.certain)
    }
    if (vector.kexec_tools_initrd !== undefined && vector.overlap_min !== undefined) {
      const start = Number(vector.kexec_tools_initrd)
      const fate = fateOf(prediction, { start, end: start + 0x100000 })
      t.equal(fate?.certain, true)
      t.equal(Number(vector.workspace_end_min) - start, Number(vector.overlap_min))
    }
  })

  t.test(`the result for the code's real constants lies within the bounds: ${vector.name}`, async t => {
    const exact = predictDecompressor(inputOf(vector))
    const bounded = predictDecompressor({ ...inputOf(vector), code: null })
    t.equal(bounded.exact, false)
    t.ok(bounded.certain.end <= exact.certain.end)
    t.ok(bounded.workspace.end >= exact.workspace.end)
  })
}

t.test('the boundary measured by corrupting ramdisks lies within the workspace of Debian 6.1', async t => {
  const prediction = predictDecompressor(inputOf(named(VECTORS.relocation, 'debian-armmp-6.1.0-50')))
  const at = (start: number) => fateOf(prediction, { start, end: start + 0x416810 })
  for (const start of [0x418ed000, 0x41ada000, 0x41adb000]) t.equal(at(start)?.certain, true, hex(start))
  t.equal(at(0x41aec000), null)
})

t.test('the multi-platform kernel on the A80 overwrites the ramdisk, for any constants of its code', async t => {
  const derived = named(VECTORS.relocation, 'a80-multi_v7-2020-05-15-derived')
  const edata = Number(derived.lower_bound_reloc_start) - 0x900 - 0x20208000
  const size = Number(derived.reloc_end_about) - Number(derived.lower_bound_reloc_start)
  const prediction = predictDecompressor({ loadAddress: 0x20008000, size, edata, bss: 0, textOffset: 0x208000 })
  const initrd = { start: 0x21dd1000, end: 0x21dd1000 + 0x900000 }
  t.equal(fateOf(prediction, initrd)?.certain, true)
  t.ok(prediction.certain.end >= Number(derived.reloc_end_about))
})

t.test('a zImage placed high stays in place, and its workspace ends with its heap', async t => {
  const input = { ...inputOf(named(VECTORS.relocation, 'debian-armmp-6.1.0-50')), loadAddress: 0x42000000 }
  const prediction = predictDecompressor(input)
  t.equal(prediction.relocates, false)
  t.equal(prediction.line, null)
  t.equal(hex(prediction.kernelAddress), '0x40208000')
  t.strictSame(prediction.workspace, { start: 0x40204000, end: 0x42000000 + 0x533618 + 0x10000 })
})

t.test('a zImage above the first 128 MiB is unpacked in its own block', async t => {
  const input = { ...inputOf(named(VECTORS.relocation, 'debian-armmp-6.1.0-50')), loadAddress: 0x4a000000 }
  t.equal(hex(predictDecompressor(input).kernelAddress), '0x48208000')
})

t.test('a zImage that the unpacked kernel does not reach stays in place', async t => {
  const prediction = predictDecompressor({
    loadAddress: 0x40008000,
    size: 0x100000,
    edata: 0x300000,
    bss: 0,
    textOffset: 0x208000,
  })
  t.equal(prediction.line, null)
  t.strictSame(prediction.workspace, { start: 0x40008000, end: 0x40208000 + 0x300000 })
})

t.test('a base checked against the device tree replaces the 128 MiB block', async t => {
  const prediction = predictDecompressor({
    loadAddress: 0x44200000,
    ramBase: 0x42200000,
    size: 0x100000,
    edata: 0x300000,
    bss: 0x1000,
    textOffset: 0x8000,
  })
  t.equal(hex(prediction.kernelAddress), '0x42208000')
  t.equal(hex(prediction.kernelBssEnd), '0x42509000')
})

t.test('the constants of the A80 kernels are worked back from their C: lines', async t => {
  for (const name of ['a80-2020-04-07', 'a80-2020-04-08']) {
    const { input, expect_c_line } = named(VECTORS.relocation, name)
    const move = parseMove(expect_c_line ?? '')
    if (move === null || input === undefined) throw new Error('the vector has a line')
    const facts = { size: Number(input.zimage_size), edata: Number(input.edata) }
    const inferred = inferFromMove(move, facts, [0x208000, 0x8000])
    t.equal(hex(inferred?.loadAddress ?? 0), input.load_address)
    t.equal(hex(inferred?.textOffset ?? 0), input.text_offset)
    t.equal(hex(inferred?.code.gap ?? 0), input.X)
    t.equal(hex(inferred?.code.restart ?? 0), input.restart)
  }
})

t.test('a line that does not belong to the zImage is not explained', async t => {
  const { input, expect_c_line } = named(VECTORS.relocation, 'a80-2020-04-07')
  const move = parseMove(expect_c_line ?? '')
  if (move === null || input === undefined) throw new Error('the vector has a line')
  const facts = { size: Number(input.zimage_size), edata: Number(input.edata) }
  t.equal(inferFromMove(move, { ...facts, size: facts.size + 32 }, [0x8000]), null)
  t.equal(inferFromMove(move, { ...facts, loadAddress: 0x20010000 }, [0x8000]), null)
  t.equal(inferFromMove(move, { ...facts, loadAddress: 0x20000000 }, [0x8000]), null)
  t.equal(inferFromMove(move, facts, [0x308000]), null)
  t.equal(inferFromMove(move, { ...facts, edata: 0x1000 }, [0x8000]), null)
})

t.test('the size of a zImage is bounded by the copied part', async t => {
  const move = parseMove(named(VECTORS.relocation, 'a80-2020-04-07b-partial').logged_c_line ?? '')
  t.strictSame(move && sizeFromMove(move, 0x20008000), { least: 0x442e61, most: 0x442e80 })
})

t.test('a line that the copy loop cannot print is rejected', async t => {
  t.equal(parseMove('C: drive is full'), null)
  t.equal(parseMove('C:0x400080E0-0x4027A300->0x40781C00-0x409F3E40'), null, 'the lengths differ')
  t.equal(parseMove('C:0x400080E4-0x4027A304->0x40781C00-0x409F3E20'), null, 'not on a boundary of 32 bytes')
  t.equal(parseMove('C:0x4027A300-0x400080E0->0x409F3E20-0x40781C00'), null, 'backwards')
})

t.test('the bss of a kernel that is larger than its zImage is overwritten too', async t => {
  const prediction = predictDecompressor({
    loadAddress: 0x42000000,
    size: 0x100000,
    edata: 0x300000,
    bss: 0x4000000,
    textOffset: 0x8000,
    code: { restart: 0xc0, gap: 0xb00, wontOverwrite: 0x200, stackEnd: 0x102000, checksMemory: null },
  })
  t.equal(fateOf(prediction, { start: 0x43000000, end: 0x43001000 })?.certain, true)
  t.equal(fateOf(prediction, { start: 0x44308000, end: 0x44309000 }), null)
})

t.test('between the two bounds, the outcome is uncertain', async t => {
  const prediction = predictDecompressor({
    loadAddress: 0x40008000,
    size: 0x100000,
    edata: 0x300000,
    bss: 0,
    textOffset: 0x8000,
  })
  const start = prediction.certain.end
  t.equal(fateOf(prediction, { start, end: start + 0x1000 })?.certain, false)
})
