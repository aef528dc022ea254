/** Checks of the layout: what `kexec_load(2)` refuses, and what would be destroyed before the target runs. */

import { isFdt } from '../../image/fdt/fdt.js'
import { fateOf, RAM_BASE_ALIGNMENT } from '../layout/decompressor.js'
import { UNIT_FACTORS } from '../layout/memory-map.js'
import type { PlanSegment } from '../layout/plan.js'
import { contains, firstOverlap, formatRange, formatSize, hex, type Range, totalLength } from '../layout/ranges.js'
import type { Check, PreflightContext } from './check.js'

/** `KEXEC_SEGMENT_MAX` of Linux. */
const MAX_SEGMENTS = 16

/** The early kernel maps two sections of 1 MiB for the device tree, so 1 MiB fits wherever it starts. */
const MAX_DTB_SIZE = 2 ** 20

const rangeOf = ({ mem, memsz }: PlanSegment): Range => ({ start: mem, end: mem + memsz })
const of = (segments: readonly PlanSegment[], kind: PlanSegment['kind']) =>
  segments.filter(segment => segment.kind === kind)
const isArm = ({ kernel }: PreflightContext) => kernel.format === 'zImage'

export const MEMORY_CHECKS: readonly Check[] = [
  {
    check: 'layout',
    symptom: 'ramdisk or device tree overwritten, or a kernel that does not unpack',
    severity: 'fatal',
    examine: ({ failure }) => failure,
  },
  {
    check: 'ram-base',
    symptom: 'silence after the jump: the kernel assumes that RAM starts with the 128 MiB block it runs in',
    severity: 'fatal',
    examine: context => {
      const start = context.ram[0]?.start ?? 0
      if (!isArm(context) || start % RAM_BASE_ALIGNMENT === 0) return null
      const { code } = context.kernel
      const checks =
        code?.checksMemory === true
          ? 'this zImage compares its guess with the device tree (Linux 5.12 and later)'
          : code?.checksMemory === false
            ? 'this zImage does not compare its guess with the device tree (Linux before 5.12)'
            : 'it is not known whether this zImage compares its guess with the device tree (Linux 5.12 and later)'
      return {
        severity: context.force ? 'warning' : 'fatal',
        message: `RAM starts at ${hex(start)}, which is not a multiple of 128 MiB, so the decompressor guesses a wrong start of RAM; ${checks}`,
        remedy: 'if this kernel is known to start on this board, set the option force',
      }
    },
  },
  {
    check: 'workspace',
    symptom: 'ramdisk: "invalid magic", "uncompression error"; device tree overwritten: silence',
    severity: 'fatal',
    examine: ({ segments, prediction }) =>
      prediction === null
        ? null
        : segments
            .filter(segment => segment.kind !== 'kernel')
            .flatMap(segment => {
              const fate = fateOf(prediction, rangeOf(segment))
              if (fate === null) return []
              return [
                {
                  message: `the ${segment.kind} at ${formatRange(rangeOf(segment))} lies in memory that the decompressor overwrites, ${formatRange(prediction.workspace)}`,
                  remedy: 'place it above that range',
                  ranges: [rangeOf(segment), prediction.workspace],
                },
              ]
            }),
  },
  {
    check: 'segments-overlap',
    symptom: 'kexec_load: EINVAL',
    severity: 'fatal',
    examine: ({ segments }) =>
      segments.flatMap((segment, index) => {
        const other = firstOverlap(segments.slice(index + 1).map(rangeOf), rangeOf(segment))
        if (other === undefined) return []
        return [
          {
            message: `the ${segment.kind} at ${formatRange(rangeOf(segment))} overlaps the segment at ${formatRange(other)}`,
            remedy: 'place them apart',
            ranges: [rangeOf(segment), other],
          },
        ]
      }),
  },
  {
    check: 'segments-count',
    symptom: 'kexec_load: EINVAL',
    severity: 'fatal',
    examine: ({ segments }) =>
      segments.length > MAX_SEGMENTS
        ? {
            message: `the plan has ${segments.length} segments; the kernel accepts at most ${MAX_SEGMENTS}`,
            remedy: 'send the ramdisk in fewer parts',
          }
        : null,
  },
  {
    check: 'outside-ram',
    symptom: 'kexec_load: EINVAL',
    severity: 'fatal',
    examine: ({ segments, ram }) =>
      segments
        .filter(segment => !ram.some(range => contains(range, rangeOf(segment))))
        .map(segment => ({
          message: `the ${segment.kind} at ${formatRange(rangeOf(segment))} is not in RAM, which is ${ram.map(formatRange).join(', ')}`,
          remedy: "compare the plan's memory map with the board's /proc/iomem",
          ranges: [rangeOf(segment)],
        })),
  },
  {
    check: 'half-of-ram',
    symptom: 'kexec_load: EINVAL',
    severity: 'fatal',
    examine: ({ segments, ram, board }) => {
      const total = totalLength(segments.map(rangeOf))
      const half = (board?.memoryTotal ?? totalLength(ram)) / 2
      return total > half
        ? {
            message: `the segments take ${formatSize(total)}; the kernel accepts at most half of RAM, ${formatSize(half)}`,
            remedy: 'send a smaller ramdisk',
          }
        : null
    },
  },
  {
    check: 'entry',
    symptom: 'silence after the jump: kexec_load accepts an entry point outside every segment',
    severity: 'fatal',
    examine: ({ segments, entry }) => {
      const [kernel] = of(segments, 'kernel')
      return kernel !== undefined && !contains(rangeOf(kernel), { start: entry, end: entry + 4 })
        ? {
            message: `the entry point ${hex(entry)} is not in the kernel's segment`,
            remedy: 'enter the kernel at its start',
          }
        : null
    },
  },
  {
    check: 'dtb-size',
    symptom: 'silence after the jump: the early kernel maps only part of the device tree',
    severity: 'fatal',
    examine: context => {
      const [dtb] = of(context.segments, 'dtb')
      return isArm(context) && dtb !== undefined && dtb.data.length > MAX_DTB_SIZE
        ? {
            message: `the device tree has ${dtb.data.length} bytes, without any padding; the early kernel maps at most ${MAX_DTB_SIZE}`,
            remedy: 'send a smaller device tree; one compiled without symbols (dtc without -@) is smaller',
          }
        : null
    },
  },
  {
    check: 'dtb-last',
    symptom: 'the device tree is ignored: the kernel passes on the last segment that starts with d00dfeed',
    severity: 'fatal',
    examine: ({ segments }) => {
      const last = segments.filter(segment => isFdt(segment.data)).at(-1)
      return last === undefined || last.kind === 'dtb'
        ? null
        : {
            message: `the last segment that starts with d00dfeed is the ${last.kind}, not the dtb`,
            remedy: 'load the device tree last',
          }
    },
  },
  {
    check: 'lowmem',
    symptom: 'ramdisk or device tree not found: the early kernel has no mapping there',
    severity: 'fatal',
    examine: context =>
      context.segments
        .filter(segment => isArm(context) && rangeOf(segment).end > context.lowmemEnd)
        .map(segment => ({
          message: `the ${segment.kind} at ${formatRange(rangeOf(segment))} reaches beyond lowmem, which ends at ${hex(context.lowmemEnd)}`,
          remedy: 'send a smaller ramdisk',
          ranges: [rangeOf(segment)],
        })),
  },
  {
    check: 'reserved-memory',
    symptom: 'ramdisk: "overlaps in-use memory region - disabling initrd"; memory corruption',
    severity: 'fatal',
    examine: ({ segments, tree }) =>
      segments.flatMap(segment => {
        const reserved = firstOverlap(tree?.reserved ?? [], rangeOf(segment))
        if (reserved === undefined) return []
        return [
          {
            message: `the ${segment.kind} at ${formatRange(rangeOf(segment))} lies in memory that the device tree reserves, ${formatRange(reserved)}`,
            remedy: 'check /reserved-memory and the reserve map of the device tree',
            ranges: [rangeOf(segment), reserved],
          },
        ]
      }),
  },
  {
    check: 'memory-missing',
    symptom: 'silence after "Bye!": the kernel dies without memory before its console is up',
    severity: 'info',
    examine: ({ tree, ram }) =>
      tree?.memoryAdded
        ? {
            message: `the device tree lists no memory of this board; the running kernel's was written into it: ${ram.map(formatRange).join(', ')}`,
            remedy: '',
          }
        : null,
  },
  {
    check: 'memory-mismatch',
    symptom: 'silence after "Bye!", or bus errors: the device tree lists memory that does not exist',
    severity: 'warning',
    examine: ({ tree, segments }) => {
      if (tree === null) return null
      const listed = tree.memoryAdded ? [] : segments
      const lost = listed.filter(segment => !tree.memory.some(range => contains(range, rangeOf(segment))))
      const list = tree.memory.map(formatRange).join(', ')
      return [
        ...lost.map(segment => ({
          severity: 'fatal' as const,
          message: `the ${segment.kind} at ${formatRange(rangeOf(segment))} is not in the memory that the device tree lists, ${list}`,
          remedy: 'send a device tree with the /memory of this board, or without /memory',
          ranges: [rangeOf(segment)],
        })),
        ...tree.absentMemory.map(range => ({
          message: `the device tree lists memory at ${formatRange(range)}, where the running kernel has none; the target does not get to see it`,
          remedy: 'check that the device tree is for this board',
          ranges: [range],
        })),
      ]
    },
  },
  {
    check: 'memory-limit',
    symptom: 'silence, or a ramdisk that is ignored: mem= hides the memory that holds it',
    severity: 'fatal',
    examine: ({ cmdline, ram, segments }) => {
      const limit = memoryLimit(cmdline)
      const start = ram[0]?.start ?? 0
      const hidden = limit === null ? [] : segments.filter(segment => rangeOf(segment).end > start + limit)
      return hidden.map(segment => ({
        message: `mem=${formatSize(limit ?? 0)} on the command line hides the ${segment.kind} at ${formatRange(rangeOf(segment))}`,
        remedy: 'raise mem=, or remove it',
        ranges: [rangeOf(segment)],
      }))
    },
  },
]

/** The value of `mem=nn[KMG]`, bytes. The form with a start address does not hide the memory above. */
function memoryLimit(cmdline: string): number | null {
  const fields = [...cmdline.matchAll(/(?:^|\s)mem=(0x[0-9a-f]+|\d+)([KMG]?)(?=\s|$)/gi)].at(-1)
  return fields === undefined ? null : Number(fields[1]) * (UNIT_FACTORS[(fields[2] ?? '').toUpperCase()] ?? 1)
}
