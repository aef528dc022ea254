/** The picture of a logged run: what kexec-tools loaded, and what the decompressor made of it, for each possible kernel. */

import { formatRange } from '../../agent/kexec/layout/ranges.js'
import { fateItems, type Picture, type PictureItem, type Scene } from '../../agent/kexec/render/picture.js'
import { rangeFromJson } from '../../agent/kexec/render/plan-json.js'
import type { ExplainedRun } from './explain.js'

/** @returns null if the log shows no address at all */
export function explainPicture(run: ExplainedRun): Picture | null {
  const ram = run.ram.map(([first, last]) => ({ start: Number(first), end: Number(last) + 1 }))
  const loaded = loadedItems(run)
  const { cases, line, workspace } = run.relocation
  const scenes: Scene[] = cases.map(one => ({
    title: `TEXT_OFFSET ${one.textOffset}`,
    verdict:
      one.dies.length === 0 ? 'nothing is overwritten' : one.dies.some(({ certain }) => certain) ? 'dies' : 'may die',
    items: [...loaded, ...caseItems(run, one)],
    collisions: one.dies.map(({ segment, certain, overwritten }) => ({
      range: rangeFromJson(overwritten),
      what: `the decompressor ${certain ? 'overwrites' : 'may overwrite'} the ${NAMES[segment]}`,
    })),
  }))
  const moved: PictureItem[] =
    workspace === null
      ? []
      : [{ label: 'moved zImage', kind: 'kernel', lane: 'decompressor', range: rangeFromJson(workspace) }]
  if (scenes.length === 0 && loaded.length + moved.length > 0)
    scenes.push({
      title: 'as logged',
      verdict: line ?? 'nothing can be predicted',
      items: [...loaded, ...moved],
      collisions: [],
    })
  if (scenes.length === 0) return null
  return {
    title: 'Memory under kexec-tools',
    lines: [
      ram.length === 0
        ? 'the log does not show RAM; not to scale'
        : `RAM ${ram.map(formatRange).join(', ')}; not to scale`,
    ],
    ram,
    scenes,
    notes: [],
  }
}

const NAMES = { initrd: 'ramdisk', dtb: 'device tree' } as const

function loadedItems({ kexecTools, zimage }: ExplainedRun): PictureItem[] {
  return kexecTools.segments.flatMap(({ mem, memsz }, index): PictureItem[] => {
    if (mem === null || memsz === null) return []
    const range = { start: Number(mem), end: Number(mem) + Number(memsz) }
    if (index === 0) return [{ label: zimage === null ? 'kernel' : 'zImage', kind: 'kernel', lane: 'loaded', range }]
    if (mem === kexecTools.dt) return [{ label: 'device tree', kind: 'dtb', lane: 'loaded', range }]
    const label = mem === kexecTools.initrd ? 'ramdisk' : `segment ${index}`
    return [{ label, kind: 'ramdisk', lane: 'loaded', range }]
  })
}

/** The kernel itself is drawn if the log shows what it unpacks to. */
function caseItems({ zimage }: ExplainedRun, one: ExplainedRun['relocation']['cases'][number]): PictureItem[] {
  const { kernelAddress, line, workspaceMax } = one
  const kernelEnd = Number(kernelAddress) + Number(zimage?.edata ?? 0)
  const items = fateItems({
    kernelAddress,
    kernelEnd: String(kernelEnd),
    kernelBssEnd: String(kernelEnd + Number(zimage?.bss ?? 0)),
    line,
    workspace: workspaceMax,
  })
  return zimage?.edata ? items : items.filter(({ lane }) => lane === 'decompressor')
}
