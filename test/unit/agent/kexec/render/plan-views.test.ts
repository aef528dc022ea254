import t from 'tap'
import type { Plan } from '../../../../../agent/kexec/layout/plan.js'
import { type PlanInput, planBoot } from '../../../../../agent/kexec/planner.js'
import { memoryStrips } from '../../../../../agent/kexec/render/memory-picture.js'
import { type PlanJson, planToJson } from '../../../../../agent/kexec/render/plan-json.js'
import { renderPlanSvg } from '../../../../../agent/kexec/render/plan-svg.js'
import { renderPlanText } from '../../../../../agent/kexec/render/plan-text.js'
import { arm64Image, cpio, zImage } from '../images.js'
import { treeFile } from '../trees.js'

const DTB = treeFile({ memory: [[0x40000000, 0x40000000]] })

function plan(more: Partial<PlanInput> = {}): Plan {
  return planBoot({
    ram: [{ start: 0x40000000, end: 0x80000000 }],
    kernel: zImage(),
    ramdisk: [cpio()],
    dtb: DTB,
    cmdline: 'console=ttyS0',
    ...more,
  })
}

/** A bad plan: the zImage lies where kexec-tools puts it, and the ramdisk in its way. */
function doomed(): PlanJson {
  const json = planToJson(plan())
  const prediction = {
    loadAddress: '0x40008000',
    ramBase: '0x40000000',
    kernelAddress: '0x40208000',
    kernelEnd: '0x40608000',
    kernelBssEnd: '0x40628000',
    relocates: true,
    line: 'C:0x400080C0-0x40108000->0x40608B00-0x40708A40',
    exact: false,
    workspace: { start: '0x40204000', end: '0x40720000' },
    certain: { start: '0x40204000', end: '0x40710000' },
  }
  const segments = [
    { kind: 'kernel', mem: '0x40008000', end: '0x40108000', memsz: 0x100000, bufsz: 0x100000 },
    { kind: 'ramdisk', mem: '0x40700000', end: '0x40703000', memsz: 0x3000, bufsz: 0x2345 },
    { kind: 'dtb', mem: '0x40702000', end: '0x40703000', memsz: 0x1000, bufsz: 0x100 },
    { kind: 'ramdisk', mem: '0x90000000', end: '0x90001000', memsz: 0x1000, bufsz: 1 },
  ] as const
  const findings = [
    { check: 'workspace', severity: 'fatal', message: 'it <dies> & "more"\u0007', remedy: 'place it above' },
    { check: 'x', severity: 'warning', message: 'y'.repeat(300), remedy: '' },
  ] as const
  return { ...json, survivable: false, segments, prediction, findings }
}

t.test('JSON has addresses as lower-case hex, sizes as numbers, and no bytes', async t => {
  const json = planToJson(plan())
  t.match(json, {
    arch: 'arm',
    survivable: true,
    ram: [['0x40000000', '0x7fffffff']],
    kernel: { format: 'zImage', size: 0x100000, textOffset: '0x208000', textOffsetSource: 'tag', edata: 0x400000 },
    cmdline: 'console=ttyS0',
    entry: '0x42000000',
    flags: '0x280000',
    segments: [
      { kind: 'kernel', mem: '0x42000000', end: '0x42100000', memsz: 0x100000, bufsz: 0x100000 },
      { kind: 'ramdisk', memsz: 0x3000, bufsz: 0x2345 },
      { kind: 'dtb' },
    ],
    prediction: { relocates: false, line: null, workspace: { start: '0x40204000' } },
    findings: [],
  })
  t.strictSame(JSON.parse(JSON.stringify(json)), json)
  t.equal(json.kernel.code, null)
})

t.test('JSON has the constants of the code, and the ranges of findings', async t => {
  const base = plan()
  const code = { restart: 0x10b4, gap: 0x900, wontOverwrite: 0x1228, stackEnd: 0x533618, checksMemory: true }
  const ranges = [{ start: 0x1000, end: 0x2000 }]
  const json = planToJson({
    ...base,
    kernel: { ...base.kernel, code },
    findings: [{ check: 'x', severity: 'info', message: '', remedy: '', ranges }],
  })
  t.strictSame(json.kernel.code, {
    restart: '0x10b4',
    gap: '0x900',
    wontOverwrite: '0x1228',
    stackEnd: '0x533618',
    checksMemory: true,
  })
  t.strictSame(json.findings[0]?.ranges, [{ start: '0x1000', end: '0x2000' }])
  const open = planToJson({ ...base, kernel: { ...base.kernel, code: { ...code, stackEnd: null } } })
  t.equal(open.kernel.code?.stackEnd, null)
})

t.test('memory is cut at every boundary, and overwritten and colliding strips are marked', async t => {
  const strips = memoryStrips(planToJson(plan()))
  t.equal(strips[0]?.start, 0x40000000)
  t.equal(strips.at(-1)?.end, 0x80000000)
  for (const [i, strip] of strips.slice(1).entries()) t.equal(strips[i]?.end, strip.start, 'without gaps')
  t.notOk(strips.some(strip => strip.collides))
  t.strictSame(
    strips.filter(strip => strip.dies).flatMap(strip => strip.occupants.map(({ label }) => label)),
    ['page table', 'unpacked kernel', 'kernel bss', 'zImage', 'stack and heap of the decompressor'],
  )

  const bad = memoryStrips(doomed())
  const collisions = bad.filter(strip => strip.collides)
  t.strictSame(
    collisions.map(({ start }) => start),
    [0x40700000, 0x40702000, 0x90000000],
    'in the workspace, on one another, outside RAM',
  )
})

t.test('a plan without a layout shows the wanted range and what is in the way', async t => {
  const json = planToJson(plan({ ram: [{ start: 0x40000000, end: 0x42142000 }], dtb: treeFile({}) }))
  const collision = memoryStrips(json).find(strip => strip.collides)
  t.strictSame(
    collision?.occupants.map(({ label }) => label),
    ['wanted', 'in the way'],
  )
  t.match(renderPlanText(json, { color: false }), /There is no layout/)
  const svg = renderPlanSvg(json)
  t.match(svg, />wanted/)
  t.match(svg, />in the way/)
  t.match(svg, /something is in the way, 0x/)
})

t.test('the text has the segments, the prediction, the findings and the memory', async t => {
  const text = renderPlanText(planToJson(plan()), { color: false })
  t.match(text, /Plan: survivable/)
  t.match(text, /0 {2}kernel +0x42000000 +0x42100000 +1 MiB +1048576 bytes of data/)
  t.match(text, /stays in place and prints no C: line/)
  t.match(
    text,
    /overwrites 0x40204000 to 0x42131000, certainly up to 0x42111000 \(estimated: its code does not have the known form\)/,
  )
  t.match(text, /Findings\n {2}none/)
  t.match(text, /0x40208000 \|###\| +4 MiB +unpacked kernel/)
  t.match(text, /0x80000000\n/)
  t.equal(text.at(-1), '\n')
})

t.test('the text describes a move, and the remedy of each finding', async t => {
  const text = renderPlanText(doomed(), { color: false })
  t.match(text, /not survivable/)
  t.match(text, /prints about C:0x400080C0-0x40108000->0x40608B00-0x40708A40/)
  t.match(text, /fatal {4}workspace: .*\n +to do: place it above/)
  t.match(text, /0x90000000 \|!!!\| +4 KiB +ramdisk 2 \+ not RAM/)
  t.match(text, /\.\.\./, 'a gap between RAM and what lies outside')
  const silent = {
    ...doomed(),
    prediction: { ...planToJson(plan()).prediction, relocates: true, exact: true, line: null },
  }
  t.match(renderPlanText(silent as PlanJson, { color: false }), /prints nothing/)
})

t.test('the text of an exact prediction says so', async t => {
  const json = planToJson(plan())
  const code = { restart: '0x0', gap: '0x0', wontOverwrite: '0x0', stackEnd: null, checksMemory: null }
  const { prediction } = json
  const exact = {
    ...json,
    kernel: { ...json.kernel, code, exact: false, textOffsetSource: 'assumed' as const },
    prediction: prediction && { ...prediction, certain: prediction.workspace },
  }
  const text = renderPlanText(exact, { color: false })
  t.match(text, /\(read from its code\)/)
  t.notMatch(text, /for sure/)
  t.match(text, /unpacks to at most 4 MiB.*\(assumed\)/)
})

t.test('the text of an arm64 plan has no decompressor', async t => {
  const json = planToJson(plan({ kernel: arm64Image() }))
  t.notMatch(renderPlanText(json, { color: false }), /Decompressor/)
  t.match(renderPlanSvg(json), /no prediction/)
  t.match(renderPlanSvg(json), />Image, 64 KiB</)
  t.notMatch(renderPlanSvg(json), /kexec-tools/, 'its layout for arm64 is not modelled')
})

t.test('colours are off by default', async t => {
  const sequence = '\u001b['
  t.notOk(renderPlanText(doomed(), { color: false }).includes(sequence))
  t.ok(renderPlanText(doomed(), { color: true }).includes(`${sequence}31m`))
  t.ok(renderPlanText(planToJson(plan()), { color: true }).includes(`${sequence}32m`))
})

t.test('the picture is a self-contained SVG', async t => {
  const svg = renderPlanSvg(planToJson(plan()))
  t.match(svg, /^<svg xmlns="http:\/\/www\.w3\.org\/2000\/svg"/)
  t.notMatch(svg, /href|<script|url\(|@import|NaN|undefined/)
  for (const label of ['zImage, 1 MiB', 'device tree', 'kernel, 4 MiB', 'page table', '0x42000000', '0x80000000']) {
    t.ok(svg.includes(`>${label}<`), label)
  }
  t.match(svg, />fauxboot: survives</)
})

t.test('beside the plan, the picture shows what kexec-tools would have done with the same files', async t => {
  const shown = (more: Partial<PlanInput>) => renderPlanSvg(planToJson(plan(more)))
  const dying = shown({ kernel: zImage({ size: 0x400000, edata: 0x500000 }), ramdisk: [cpio(0x800000)] })
  t.match(dying, />kexec-tools: would probably die</, 'the constants of the code are estimated')
  t.match(dying, />kexec-tools: the moved zImage.* overwrites? the ramdisk, 0x/)
  t.match(shown({}), />kexec-tools: would (survive|probably die)</)
  const json = planToJson(plan({ kernel: zImage({ size: 0x400000, edata: 0x500000 }), ramdisk: [cpio(0x800000)] }))
  const code = { restart: '0xc0', gap: '0xb00', wontOverwrite: '0x1228', stackEnd: '0x410000', checksMemory: true }
  for (const stackEnd of ['0x410000', null]) {
    const known = { ...json, kernel: { ...json.kernel, code: { ...code, stackEnd } } }
    t.match(renderPlanSvg(known), />kexec-tools: would die</, 'they are known')
  }
})

t.test('every item of the picture tells its exact range to a mouse, a keyboard and a screen reader', async t => {
  const items = [...renderPlanSvg(planToJson(plan())).matchAll(/<g class="fb-item"(.*?)><title>(.*?)<\/title>/g)]
  t.ok(items.length > 10)
  for (const [, attributes = '', title = ''] of items) {
    t.match(title, /^.+, 0x[0-9a-f]{8} to 0x[0-9a-f]{8}, \d/)
    t.match(attributes, /tabindex="0" role="img" aria-label="(fauxboot|kexec-tools): /)
    t.ok(attributes.includes(title))
  }
})

t.test(
  'every item has an outline, and its label lies over the lines of collisions: it is read without colours, too',
  async t => {
    const svg = renderPlanSvg(doomed())
    const [light = ''] = svg.split('@media')
    for (const [, kind = ''] of svg.matchAll(/<rect class="fb-(?!paper|free|hit)(\w+)"/g)) {
      t.match(light, new RegExp(`\\.fb-${kind}\\{fill:#\\w{6};stroke:#\\w{6}\\}`))
    }
    const drawn = [...svg.matchAll(/class="(fb-hit|fb-label)"/g)].map(([, of]) => of)
    const layers = drawn.filter((of, index) => of !== drawn[index - 1])
    t.strictSame(layers, ['fb-hit', 'fb-label', 'fb-hit', 'fb-label'], 'of fauxboot, and of kexec-tools')
  },
)

t.test('the picture shows collisions in red, and text of any kind', async t => {
  const svg = renderPlanSvg(doomed())
  t.match(svg, /NOT survivable/)
  t.match(svg, /it &lt;dies&gt; &amp; &quot;more&quot;\u25a1/)
  t.equal((svg.match(/<title>fauxboot: the .*?<\/title><rect class="fb-hit"/g) ?? []).length, 4)
  t.match(svg, />fauxboot: the moved zImage overwrites the ramdisk 1, 0x40700000-0x40702fff \(12 KiB\)</)
  t.match(svg, />fauxboot: the ramdisk 1 and the device tree overlap, 0x40702000-0x40702fff \(4 KiB\)</)
  t.match(svg, />fauxboot: the ramdisk 2 is not in RAM, 0x90000000-0x90000fff \(4 KiB\)</)
  t.match(svg, />not RAM</)
  t.match(svg, /decompressor moves itself: C:0x400080C0/)
  t.match(renderPlanSvg({ ...doomed(), prediction: null, segments: [], ram: [], findings: [] }), /<\/svg>/)
})
