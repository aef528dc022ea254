/** Prints vectors like `kexec --debug` does, and mangles the text like mail programs and consoles do. */

import type { PlannerVector } from '../../agent/kexec/vectors.js'

export interface PrintOptions {
  /** the error of kexec_load; the table is then printed a second time */
  readonly failed?: string
  /** lines that the booting kernel adds */
  readonly after?: readonly string[]
  /** lines before everything else, such as a command */
  readonly before?: readonly string[]
}

const word = (value: string) => `0x${Number(value).toString(16).padStart(8, '0')}`
const long = (value: string) => Number(value).toString(16).padStart(16, '0')

/** A run, line by line, each ended by a newline. */
export function printRun(vector: PlannerVector, options: PrintOptions = {}): string {
  const { input, expect } = vector
  const { header, tag } = input
  const table = segmentTable(vector)
  const lines = [
    ...(options.before ?? []),
    'Try gzip decompression.',
    `kernel: 0xb6535008 kernel_size: ${input.file_size}`,
    'MEMORY RANGES',
    ...input.ram.map(([first, last]) => `${long(first)}-${long(last)} (0)`),
    `zImage header: ${word(header.magic)} ${word(header.start)} ${word(header.end)}`,
    ...(input.zimage_magic ? [`zImage size ${header.end}, file size ${input.file_size}`] : []),
    `zImage requires ${word(expect.zimage_requires)} bytes`,
    ...(tag === null ? [] : [`  offset ${word(tag.offset)} tag ${tag.id} size ${tag.byte_size}`]),
    ...(input.edata === null || input.bss === null || expect.decompressed_total === null
      ? []
      : [
          'Decompressed kernel sizes:',
          ` text+data ${word(input.edata)} bss ${word(input.bss)} total ${word(expect.decompressed_total)}`,
        ]),
    ...(expect.resulting_space === null ? [] : [`Resulting kernel space: ${word(expect.resulting_space)}`]),
    `Kernel: address=${word(expect.kernel.address)} size=${word(expect.kernel.size)}`,
    ...(expect.initrd === null || input.initrd_size === null
      ? []
      : [`Initrd: address=${word(expect.initrd)} size=${word(input.initrd_size)}`]),
    `DT    : address=${word(expect.dt)} size=${word(input.dtb_size)}`,
    `kexec_load: entry = ${expect.entry} flags = ${expect.flags}`,
    ...table,
    ...(options.failed === undefined
      ? []
      : [`kexec_load failed: ${options.failed}`, `entry       = ${expect.entry} flags = ${expect.flags}`, ...table]),
    ...(options.after ?? []),
  ]
  return lines.map(line => `${line}\n`).join('')
}

function segmentTable({ expect }: PlannerVector): string[] {
  return [
    `nr_segments = ${expect.segments.length}`,
    ...expect.segments.flatMap(({ mem, memsz, bufsz }, index) => [
      `segment[${index}].buf   = 0xb6535008`,
      `segment[${index}].bufsz = ${bufsz}`,
      `segment[${index}].mem   = ${mem}`,
      `segment[${index}].memsz = ${memsz}`,
    ]),
  ]
}

/** Quoted several times, like in a mail. */
export function quoted(text: string, times = 1): string {
  return eachLine(text, line => `${'> '.repeat(times)}${line}`)
}

/** Indented, as people do to set a log apart. */
export function indented(text: string, blanks: number): string {
  return eachLine(text, line => `${' '.repeat(blanks)}${line}`)
}

/** With the line ends of a serial console. */
export function withCarriageReturns(text: string): string {
  return text.replaceAll('\n', '\r\n')
}

/** With a message of the running kernel inserted somewhere. */
export function cutByKernel(text: string, offset: number, message = 'kexec_core: Starting new kernel'): string {
  return `${text.slice(0, offset)}[   71.039126] ${message}\n${text.slice(offset)}`
}

function eachLine(text: string, change: (line: string) => string): string {
  const lines = text.split('\n')
  const last = lines.pop() ?? ''
  return [...lines.map(change), last].join('\n')
}

/** A mail that contains several logs. */
export function mail(logs: readonly string[]): string {
  const prose = [
    'Hello\n\nI try to start a kernel by kexec on an A80 board. This is what I got:\n\n',
    '\nWith another kernel, see the attached config, it is the same (zImage of the same tree):\n\n',
    '\nSo the dtb seems to be ok. Any idea? Perhaps I should look at 0x20008000.\n\n',
  ]
  return `${logs.map((log, index) => `${prose[index % prose.length]}${log}`).join('')}\nRegards\n-- \nsomebody\n`
}
