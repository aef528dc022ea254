/**
 * Reads the debug output of kexec-tools (`kexec --debug -l ...`) on 32-bit ARM as people paste it into mails: several runs
 * in one text, quoted, cut, incomplete, and among prose. Versions 2.0.18 to 2.0.32 differ only in spaces, which are ignored.
 */

import { formatMove, type Move, parseMove } from '../../agent/kexec/layout/decompressor.js'
import type { Range } from '../../agent/kexec/layout/ranges.js'
import { logLines } from './log-lines.js'

/** A segment of the table that kexec-tools prints before it loads. A field is null if its line is missing. */
interface LoggedSegment {
  readonly mem: number | null
  readonly memsz: number | null
  readonly bufsz: number | null
}

/** An area from a `Kernel:`, `Initrd:` or `DT :` line. */
interface LoggedArea {
  readonly address: number
  readonly size: number
}

/** Messages on the console after the load. */
type Sign = 'starting' | 'bye' | 'uncompressing' | 'booting'

/** One run of kexec-tools. Anything that its log does not show is null or empty. */
export interface LoggedRun {
  /** the command, if it precedes the output */
  command: string | null
  /** command line of the target, as the target printed it */
  cmdline: string | null
  kernelFileSize: number | null
  /** `MEMORY RANGES` was printed, with or without ranges after it */
  rangesShown: boolean
  readonly ram: Range[]
  header: { readonly magic: number; readonly start: number; readonly end: number } | null
  size: number | null
  fileSize: number | null
  requires: number | null
  readonly tags: { readonly offset: number; readonly id: number; readonly byteSize: number }[]
  sizes: { readonly edata: number; readonly bss: number; readonly total: number } | null
  resultingSpace: number | null
  kernel: LoggedArea | null
  initrd: LoggedArea | null
  dt: LoggedArea | null
  entry: number | null
  flags: number | null
  segmentCount: number | null
  readonly segments: LoggedSegment[]
  /** bytes of the free area that was not found */
  notFound: number | null
  truncated: { readonly file: number; readonly header: number } | null
  /** the error of the system call, as text */
  failed: string | null
  move: { readonly line: string; readonly move: Move } | null
  readonly signs: Set<Sign>
}

function emptyRun(): LoggedRun {
  return {
    command: null,
    cmdline: null,
    kernelFileSize: null,
    rangesShown: false,
    ram: [],
    header: null,
    size: null,
    fileSize: null,
    requires: null,
    tags: [],
    sizes: null,
    resultingSpace: null,
    kernel: null,
    initrd: null,
    dt: null,
    entry: null,
    flags: null,
    segmentCount: null,
    segments: [],
    notFound: null,
    truncated: null,
    failed: null,
    move: null,
    signs: new Set(),
  }
}

/** The parts of the output, in order. A line of an earlier part starts another run. */
const PART = { files: 0, image: 1, places: 2, load: 3, result: 4 } as const

interface LineRule {
  readonly part: number
  readonly pattern: RegExp
  /** the line may appear more than once in a run */
  readonly repeats?: boolean
  /** the line appears once for each item and field, which are its first two groups */
  readonly itemized?: boolean
  take(run: LoggedRun, fields: readonly string[]): void
}

/** No number in a log has more than sixteen digits. */
const number = (field: string | undefined) => Number(`0x${(field ?? '0').slice(-16)}`)
const area = (address: string | undefined, size: string | undefined): LoggedArea => ({
  address: number(address),
  size: number(size),
})

/** A message of the kernel may have cut the line, and removed spaces. */
const RULES: readonly LineRule[] = [
  {
    part: PART.files,
    pattern: /kernel:\s*0x[0-9a-f]+\s*kernel_size:\s*0x([0-9a-f]+)/,
    take: (run, [size]) => {
      run.kernelFileSize = number(size)
    },
  },
  {
    part: PART.files,
    pattern: /MEMORY\s*RANGES/,
    take: run => {
      run.rangesShown = true
    },
  },
  {
    part: PART.files,
    pattern: /\b([0-9a-f]{16})-([0-9a-f]{16})\s*\((\d+)\)/,
    repeats: true,
    take: (run, [first, last, type]) => {
      const range = { start: number(first), end: number(last) + 1 }
      // Type 0 is RAM. No such board has addresses above 2^53.
      if (type === '0' && range.start < range.end && Number.isSafeInteger(range.end)) run.ram.push(range)
    },
  },
  {
    part: PART.image,
    pattern: /zImage\s*header:\s*0x([0-9a-f]+)\s*0x([0-9a-f]+)\s*0x([0-9a-f]+)/,
    take: (run, [magic, start, end]) => {
      run.header = { magic: number(magic), start: number(start), end: number(end) }
    },
  },
  {
    part: PART.image,
    pattern: /zImage\s*size\s*0x([0-9a-f]+),\s*file\s*size\s*0x([0-9a-f]+)/,
    take: (run, [size, fileSize]) => {
      run.size = number(size)
      run.fileSize = number(fileSize)
    },
  },
  {
    part: PART.image,
    pattern: /zImage\s*is\s*truncated\s*-\s*file\s*0x([0-9a-f]+)\s*vs\s*header\s*0x([0-9a-f]+)/,
    take: (run, [file, header]) => {
      run.truncated = { file: number(file), header: number(header) }
    },
  },
  {
    part: PART.image,
    pattern: /zImage\s*requires\s*0x([0-9a-f]+)\s*bytes/,
    take: (run, [requires]) => {
      run.requires = number(requires)
    },
  },
  {
    part: PART.image,
    pattern: /offset\s*0x([0-9a-f]+)\s*tag\s*0x([0-9a-f]+)\s*size\s*(\d+)/,
    repeats: true,
    take: (run, [offset, id, byteSize]) => {
      run.tags.push({ offset: number(offset), id: number(id), byteSize: Number(byteSize) })
    },
  },
  {
    part: PART.image,
    pattern: /text\+data\s*0x([0-9a-f]+)\s*bss\s*0x([0-9a-f]+)\s*total\s*0x([0-9a-f]+)/,
    take: (run, [edata, bss, total]) => {
      run.sizes = { edata: number(edata), bss: number(bss), total: number(total) }
    },
  },
  {
    part: PART.image,
    pattern: /Resulting\s*kernel\s*space:\s*0x([0-9a-f]+)/,
    take: (run, [space]) => {
      run.resultingSpace = number(space)
    },
  },
  {
    part: PART.places,
    pattern: /Kernel:\s*address=0x([0-9a-f]+)\s*size=0x([0-9a-f]+)/,
    take: (run, [address, size]) => {
      run.kernel = area(address, size)
    },
  },
  {
    part: PART.places,
    pattern: /Initrd:\s*address=0x([0-9a-f]+)\s*size=0x([0-9a-f]+)/,
    take: (run, [address, size]) => {
      run.initrd = area(address, size)
    },
  },
  {
    part: PART.places,
    pattern: /DT\s*:\s*address=0x([0-9a-f]+)\s*size=0x([0-9a-f]+)/,
    take: (run, [address, size]) => {
      run.dt = area(address, size)
    },
  },
  {
    part: PART.load,
    pattern: /kexec_load:\s*entry\s*=\s*0x([0-9a-f]+)\s*flags\s*=\s*(?:0x)?([0-9a-f]+)/,
    take: (run, [entry, flags]) => {
      run.entry = number(entry)
      run.flags = number(flags)
    },
  },
  {
    part: PART.load,
    pattern: /nr_segments\s*=\s*(\d+)/,
    take: (run, [count]) => {
      run.segmentCount = Number(count)
    },
  },
  {
    part: PART.load,
    pattern: /segment\[(\d{1,2})\]\.(bufsz|memsz|mem)\s*=\s*0x([0-9a-f]+)/,
    itemized: true,
    take: (run, [index, field = '', value]) => {
      const at = Number(index)
      while (run.segments.length <= at) run.segments.push({ mem: null, memsz: null, bufsz: null })
      run.segments.splice(at, 1, { ...(run.segments[at] ?? NOTHING), [field]: number(value) })
    },
  },
  {
    part: PART.result,
    pattern: /Could\s*not\s*find\s*a\s*free\s*area\s*of\s*memory\s*of\s*0x([0-9a-f]+)\s*bytes/,
    take: (run, [size]) => {
      run.notFound = number(size)
    },
  },
  {
    part: PART.result,
    pattern: /kexec_(?:file_)?load\s*failed:\s*(\S.*)$/,
    take: (run, [reason = '']) => {
      run.failed = reason.trim()
    },
  },
]

const NOTHING: LoggedSegment = { mem: null, memsz: null, bufsz: null }

/** Console messages after the load. They may be messages of the kernel, and never start a run. */
const SIGNS: readonly (readonly [RegExp, Sign])[] = [
  [/Starting new kernel/, 'starting'],
  [/\bBye!/, 'bye'],
  [/Uncompressing Linux/, 'uncompressing'],
  [/Booting Linux on physical CPU/, 'booting'],
]

/** Each line that a rule matches contains one of these; most lines of a large log do not. */
const WORTH_A_LOOK =
  /0x|MEMORY|[0-9a-f]{16}-|nr_segments|load\s*failed|kexec\s|new kernel|Bye!|Uncompressing|Booting|command line/

/** The command, possibly after a prompt, and with the path of the program. */
const COMMAND = /^(?:.{0,80}?[#$%>] ?)?\s*(?:sudo\s+)?((?:\/\S*\/)?kexec\s+-.*)$/
const LOADS = /\s(?:-[a-z]*l\b|--load\b|--load=|-p\b|-s\b)/
const TARGET_CMDLINE = /Kernel command line:\s*(.*)$/

/** Read all runs of a text. */
export function parseKexecToolsLog(text: string): LoggedRun[] {
  const reader = new LogReader()
  for (const line of logLines(text)) {
    if (WORTH_A_LOOK.test(line.text)) reader.take(line.text, line.fromKernel)
  }
  return reader.runs
}

class LogReader {
  readonly runs: LoggedRun[] = []
  #part: number = PART.files
  /** the lines seen in this run: a repeated one starts another run */
  readonly #seen = new Set<string>()
  /** the command before the next run */
  #command: string | null = null

  take(line: string, fromKernel: boolean): void {
    if (fromKernel || !this.#takeOutput(line)) this.#takeConsole(line)
  }

  /** A line of kexec-tools itself. */
  #takeOutput(line: string): boolean {
    const command = COMMAND.exec(line)?.[1]
    if (command !== undefined && LOADS.test(command)) {
      this.#command = command.trim()
      return true
    }
    for (const [index, rule] of RULES.entries()) {
      const fields = rule.pattern.exec(line)
      if (fields === null) continue
      const [, item = '', field = ''] = fields
      const run = this.#runFor(rule, rule.itemized ? `${index} ${item} ${field}` : `${index}`)
      if (run !== null) rule.take(run, fields.slice(1))
      return true
    }
    return false
  }

  /** The run that a line belongs to; null for the table that is printed again after a failed call. */
  #runFor(rule: LineRule, key: string): LoggedRun | null {
    const last = this.runs.at(-1)
    const again = !rule.repeats && this.#seen.has(key)
    if (last !== undefined && last.failed !== null && rule.part === PART.load) return null
    const current = last === undefined || again || rule.part < this.#part ? this.#start() : last
    this.#part = rule.part
    this.#seen.add(key)
    return current
  }

  #start(): LoggedRun {
    const run = { ...emptyRun(), command: this.#command }
    this.#command = null
    this.#part = PART.files
    this.#seen.clear()
    this.runs.push(run)
    return run
  }

  /** Messages of the old kernel, the decompressor and the new kernel. */
  #takeConsole(line: string): void {
    const move = line.includes('C:') ? parseMove(line) : null
    if (move !== null) {
      const last = this.runs.at(-1)
      const run = last === undefined || last.move !== null ? this.#start() : last
      run.move = { line: formatMove(move), move }
      return
    }
    const cmdline = TARGET_CMDLINE.exec(line)?.[1]
    if (cmdline !== undefined) this.#takeCmdline(cmdline)
    const run = this.runs.at(-1)
    const sign = SIGNS.find(([pattern]) => pattern.test(line))?.[1]
    if (sign !== undefined && run !== undefined) run.signs.add(sign)
  }

  /** The first command line after a load is the target's. Without a run, a command line counts only if it was cut. */
  #takeCmdline(cmdline: string): void {
    const last = this.runs.at(-1)
    const loaded = last !== undefined && last.cmdline === null && (this.#part >= PART.load || last.move !== null)
    const run = loaded ? last : /^['"]/.test(cmdline) ? this.#start() : undefined
    if (run !== undefined) run.cmdline = cmdline.trim()
  }
}
