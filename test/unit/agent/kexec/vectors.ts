/** The numbers printed by kexec-tools and by booting kernels, read from `kexec-vectors.json`. */

import { readFileSync } from 'node:fs'
import type { KexecToolsInput } from '../../../../agent/kexec/layout/kexec-tools.js'
import type { Range } from '../../../../agent/kexec/layout/ranges.js'

type Hex = string

interface SegmentVector {
  readonly mem: Hex
  readonly memsz: Hex
  readonly bufsz: Hex
}

export interface PlannerVector {
  readonly name: string
  readonly kexec_tools: string
  readonly input: {
    readonly ram: readonly (readonly [Hex, Hex])[]
    readonly file_size: Hex
    readonly header: { readonly magic: Hex; readonly start: Hex; readonly end: Hex }
    readonly zimage_magic: boolean
    readonly tag: { readonly offset: Hex; readonly id: Hex; readonly byte_size: number } | null
    readonly edata: Hex | null
    readonly bss: Hex | null
    readonly initrd_size: Hex | null
    readonly dtb_size: Hex
    readonly image_size_opt?: Hex | null
    readonly mem_min?: Hex | null
    readonly mem_max?: Hex | null
  }
  readonly expect: {
    readonly zimage_requires: Hex
    readonly decompressed_total: Hex | null
    readonly resulting_space: Hex | null
    readonly kernel: { readonly address: Hex; readonly size: Hex }
    readonly initrd: Hex | null
    readonly dt: Hex
    readonly entry: Hex
    readonly flags: Hex
    readonly segments: readonly SegmentVector[]
  }
}

export interface RelocationVector {
  readonly name: string
  readonly input?: {
    readonly zimage_size: Hex
    readonly edata: Hex
    readonly load_address: Hex
    readonly text_offset: Hex
    readonly X: Hex
    readonly restart: Hex
    readonly wont_overwrite?: Hex | null
    readonly stack_end?: Hex
    readonly malloc?: Hex
  }
  readonly expect_c_line?: string | null
  readonly predicted_c_line?: string
  readonly logged_c_line?: string
  readonly workspace_end_min?: Hex
  readonly predicted_workspace_end?: Hex
  readonly kexec_tools_initrd?: Hex
  readonly overlap_min?: Hex
  readonly lower_bound_reloc_start?: Hex
  readonly reloc_end_about?: Hex
}

interface NegativeVector {
  readonly name: string
  readonly log: readonly string[]
}

interface Vectors {
  readonly planner: readonly PlannerVector[]
  readonly relocation: readonly RelocationVector[]
  readonly negative: readonly NegativeVector[]
  readonly image_size_128000000: { readonly kernel: Hex; readonly initrd: Hex }
}

export const VECTORS: Vectors = JSON.parse(readFileSync('test/unit/agent/kexec/kexec-vectors.json', 'utf8')) as Vectors

/** A vector by name. */
export function named<V extends { readonly name: string }>(vectors: readonly V[], name: string): V {
  const found = vectors.find(vector => vector.name === name)
  if (found === undefined) throw new Error(`no vector ${name}`)
  return found
}

/** First and last byte, as ranges. */
function rangesOf(pairs: readonly (readonly [Hex, Hex])[]): Range[] {
  return pairs.map(([first, last]) => ({ start: Number(first), end: Number(last) + 1 }))
}

/** A hex string, or null. */
export function numberOf(value: Hex | null | undefined): number | null {
  return value === null || value === undefined ? null : Number(value)
}

/** Before 2.0.22, kexec-tools passed the kernel's buffer with four bytes too many. */
function paddedBuffer(version: string): boolean {
  return Number(version.split('.')[2]) < 22
}

/** The input of kexec-tools. */
export function layoutInput(vector: PlannerVector): KexecToolsInput {
  const { input } = vector
  return {
    ram: rangesOf(input.ram),
    size: input.zimage_magic ? Number(input.header.end) - Number(input.header.start) : Number(input.file_size),
    edata: numberOf(input.edata),
    bss: numberOf(input.bss),
    initrdSize: numberOf(input.initrd_size),
    dtbSize: Number(input.dtb_size),
    imageSize: numberOf(input.image_size_opt),
    memMin: numberOf(input.mem_min),
    memMax: numberOf(input.mem_max),
    paddedBuffer: paddedBuffer(vector.kexec_tools),
  }
}
