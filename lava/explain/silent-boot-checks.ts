/** What a log of kexec-tools tells of why a board stays silent: a table of checks over one run. */

import type { Check, Remark } from '../../agent/kexec/checks/check.js'
import { cutByShell } from '../../agent/kexec/checks/target.js'
import { formatRange, formatSize, hex, lengthOf } from '../../agent/kexec/layout/ranges.js'
import { areasOf, type Case, type Run, safeImageSize } from './run.js'

/** 64 bytes: the header that is cut off an image taken for a uImage. */
const UIMAGE_HEADER = 64

/** What the errors of `kexec_load(2)` mean on 32-bit ARM, by the text that people see. */
const LOAD_ERRORS: readonly (readonly [pattern: RegExp, meaning: string, remedy: string])[] = [
  [
    /Function not implemented/i,
    'ENOSYS: the running kernel has no CONFIG_KEXEC, or kexec_file_load was called, which 32-bit ARM does not have',
    'build the first kernel with CONFIG_KEXEC=y; do not use kexec -s',
  ],
  [
    /Invalid argument/i,
    'EINVAL: no way to stop a secondary CPU, a segment outside RAM, more than half of RAM, or a flag that the kernel does not know',
    'check HOTPLUG_CPU and PSCI or MCPM of the first kernel (or start it with nr_cpus=1), the size of the ramdisk, and leave out -d',
  ],
  [
    /Operation not permitted/i,
    'EPERM: no CAP_SYS_BOOT, or kexec_load_disabled is 1',
    'run kexec as root; kexec_load_disabled stays set until the next start',
  ],
  [
    /Cannot assign requested address/i,
    'EADDRNOTAVAIL: a segment that is not on whole pages, or no memory reserved for a crash kernel',
    'leave out -p, or start the first kernel with crashkernel=',
  ],
  [/Cannot allocate memory/i, 'ENOMEM: no memory for the segments', 'use a smaller ramdisk, or free memory first'],
  [/Device or resource busy/i, 'EBUSY: another load is under way', 'try again'],
]

const caseText = ({ textOffset }: Case, { cases }: Run) =>
  cases.length > 1 ? `if the kernel has TEXT_OFFSET ${hex(textOffset)}` : `with TEXT_OFFSET ${hex(textOffset)}`

function deaths(run: Run, name: 'initrd' | 'dtb'): Remark[] {
  const size = safeImageSize(run)
  return run.cases.flatMap(one => {
    const victim = one.victims.find(each => each.name === name)
    if (victim === undefined) return []
    const { certain, hit, range } = victim
    const fate = certain ? 'dies' : 'may die (within the bounds of what was seen of decompressors)'
    return [
      {
        severity: certain ? ('fatal' as const) : ('warning' as const),
        message: `${caseText(one, run)}, the ${name} at ${formatRange(range)} ${fate}: ${formatSize(lengthOf(hit))} of it are overwritten, ${formatRange(hit)}`,
        remedy: `try kexec -l --image-size=${hex(size ?? 0)}, which moves initrd and dtb out of reach; fauxboot places the zImage so that it never moves`,
        ranges: [range, one.prediction.workspace],
      },
    ]
  })
}

/** Parts of the debug output, as they are called there. */
const PARTS: readonly (readonly [name: string, shown: (run: Run) => boolean])[] = [
  ['MEMORY RANGES', ({ log }) => log.rangesShown || log.ram.length > 0],
  ['zImage header', ({ log }) => log.header !== null],
  ['Decompressed kernel sizes', ({ log, isZImage }) => log.sizes !== null || !isZImage],
  ['Kernel: address', ({ log }) => log.kernel !== null],
  ['segment[n]', ({ log }) => log.segments.length > 0],
]

/** The run came to the call, and the call did not fail. */
const wasLoaded = ({ log }: Run) => log.segments.length > 0 && log.failed === null && log.notFound === null

export const EXPLAIN_CHECKS: readonly Check<Run>[] = [
  {
    check: 'garbage-header',
    symptom: 'zImage header: 0x00000000 ...',
    severity: 'fatal',
    examine: ({ garbage, size, log }) => {
      if (!garbage) return null
      const whole = size === null ? '' : `: ${hex(size)} bytes were left of ${hex(size + UIMAGE_HEADER)}`
      return {
        message: `the words of the zImage header are not a zImage's (${hex(log.header?.magic ?? 0)} in place of 0x016f2818). The image was taken for a uImage, and its first ${UIMAGE_HEADER} bytes were stripped${whole}`,
        remedy:
          'use kexec -l without -s: the way through kexec_file_load tells a zImage wrongly, and 32-bit ARM has no such call',
      }
    },
  },
  {
    check: 'raw-image',
    symptom: 'a kernel that starts only by chance',
    severity: 'warning',
    examine: ({ isZImage, garbage, log }) =>
      isZImage || garbage
        ? null
        : {
            message: `the kernel is not a zImage: ${hex(log.header?.magic ?? 0)} is code, so it is a raw Image. It runs where it is put, 0x8000 above the start of RAM, and its size is guessed`,
            remedy: 'use the zImage',
          },
  },
  {
    check: 'truncated',
    symptom: 'zImage is truncated',
    severity: 'fatal',
    examine: ({ log }) =>
      log.truncated === null
        ? null
        : {
            message: `the zImage has ${hex(log.truncated.file)} bytes; its header says ${hex(log.truncated.header)}`,
            remedy: 'fetch it again, and compare digests',
          },
  },
  {
    check: 'no-hole',
    symptom: 'Could not find a free area of memory',
    severity: 'fatal',
    examine: ({ log, layout }) => {
      if (log.notFound === null) return null
      const nothing = log.ram.length === 0
      const limited = layout !== null && layout.notFound !== log.notFound
      const reason = nothing
        ? 'the log shows no RAM at all: kexec-tools had read no memory ranges, as it happens on its way through kexec_file_load, or where /proc/iomem shows zeros'
        : limited
          ? 'RAM has room for it, so --mem-min or --mem-max keeps it out'
          : 'RAM has no such hole'
      return {
        message: `kexec-tools found no ${formatSize(log.notFound)} (${hex(log.notFound)} bytes) in one piece: ${reason}`,
        remedy: nothing
          ? 'use kexec -l without -s, as root'
          : 'leave out --mem-min and --mem-max, or use smaller files',
      }
    },
  },
  {
    check: 'load-failed',
    symptom: 'kexec_load failed',
    severity: 'fatal',
    examine: ({ log: { failed } }) => {
      if (failed === null) return null
      const known = LOAD_ERRORS.find(([pattern]) => pattern.test(failed))
      return {
        message: `kexec_load failed: ${known === undefined ? failed.slice(0, 80) : known[1]}`,
        remedy: known?.[2] ?? 'run it again with strace -e kexec_load, and look at dmesg',
      }
    },
  },
  {
    check: 'debug-flag',
    symptom: 'kexec_load failed: Invalid argument',
    severity: 'warning',
    examine: ({ log }) =>
      log.flags !== null && (log.flags & 0x10) !== 0
        ? {
            message: `flags ${hex(log.flags)} hold KEXEC_DEBUG (0x10), which kexec-tools 2.0.32 sets for -d: kernels that do not know it answer EINVAL`,
            remedy: 'load without -d',
          }
        : null,
  },
  {
    check: 'initrd-overwritten',
    symptom: 'ramdisk: "invalid magic", "uncompression error"',
    severity: 'fatal',
    examine: run => deaths(run, 'initrd'),
  },
  {
    check: 'dtb-overwritten',
    symptom: 'silence after "Bye!"',
    severity: 'fatal',
    examine: run => deaths(run, 'dtb'),
  },
  {
    check: 'nothing-overwritten',
    symptom: '',
    severity: 'info',
    examine: run =>
      run.cases
        .filter(one => one.victims.length === 0)
        .map(one => ({ message: `${caseText(one, run)}, neither initrd nor dtb is overwritten`, remedy: '' })),
  },
  {
    check: 'text-offset-unknown',
    symptom: 'ramdisk or device tree overwritten by the decompressor',
    severity: 'info',
    examine: ({ cases, tagHasTextOffset }) =>
      cases.length > 1
        ? {
            message: `the log does not tell TEXT_OFFSET${tagHasTextOffset ? ', although the tag of the zImage has it' : ''}: kernels for one platform have 0x8000, those for many 0x208000`,
            remedy: 'run fauxboot plan --kernel on the zImage: it reads TEXT_OFFSET from it',
          }
        : null,
  },
  {
    check: 'memory-unknown',
    symptom: 'silence after "Bye!" or "Uncompressing Linux"',
    severity: 'warning',
    examine: run => {
      if (!wasLoaded(run) || run.log.signs.has('booting')) return null
      const silent = run.log.signs.has('uncompressing') ? 'Uncompressing Linux' : 'Bye!'
      return {
        message: `the log does not show the device tree. kexec-tools adds no /memory node: if there is none, the kernel dies silently after "${silent}"`,
        remedy:
          'look for memory in the device tree (fdtget DTB / -l), or pass the running one: --dtb=/sys/firmware/fdt; add console= and earlycon',
      }
    },
  },
  {
    check: 'dtb-missing',
    symptom: 'silence after "Bye!"',
    severity: 'warning',
    examine: run =>
      wasLoaded(run) && areasOf(run.log).dtb === null
        ? { message: 'no device tree was loaded', remedy: 'pass one with --dtb' }
        : null,
  },
  {
    check: 'cmdline-cut',
    symptom: 'arguments have no effect: no console, no root',
    severity: 'fatal',
    examine: ({ log: { cmdline } }) =>
      cmdline !== null && cutByShell(cmdline)
        ? {
            message: `the target got the command line ${cmdline}, with a quotation mark and cut at its first blank: quotes went through an unquoted shell expansion`,
            remedy: 'hand the command line over as one argument, --append="$APPEND", or use --reuse-cmdline',
          }
        : null,
  },
  {
    check: 'kexec-file',
    symptom: 'Function not implemented',
    severity: 'warning',
    examine: ({ log: { command } }) =>
      command !== null && /\s(?:-s|-[a-z]*s[a-z]*|--kexec-file-syscall)(?=\s|$)/.test(command)
        ? { message: '-s asks for kexec_file_load, which 32-bit ARM does not have', remedy: 'leave out -s' }
        : null,
  },
  {
    check: 'file-trailing',
    symptom: 'the device tree is ignored',
    severity: 'warning',
    examine: ({ log: { fileSize, size } }) =>
      fileSize !== null && size !== null && fileSize > size
        ? {
            message: `${fileSize - size} bytes follow the zImage: if they are a device tree, it overrides the one that is passed`,
            remedy: 'cut the file to the size of the zImage',
          }
        : null,
  },
  {
    check: 'not-reproduced',
    symptom: '',
    severity: 'warning',
    examine: ({ layout, reproduced, log }) =>
      layout === null || reproduced || log.notFound !== null
        ? null
        : {
            message:
              'the table is not what kexec-tools makes of these sizes and ranges: the log is incomplete, or options were used that it does not show',
            remedy: 'show the whole command, and all lines from "MEMORY RANGES" on',
          },
  },
  {
    check: 'image-size',
    symptom: '',
    severity: 'info',
    examine: ({ imageSize, log, reproduced }) =>
      imageSize !== null && reproduced
        ? {
            message: `--image-size=${hex(imageSize)} was used${log.command === null ? ', as the kernel area tells' : ''}`,
            remedy: '',
          }
        : null,
  },
  {
    check: 'known-zimage',
    symptom: '',
    severity: 'info',
    examine: ({ known }) =>
      known === null
        ? null
        : {
            message: `the sizes are those of a kernel that was measured: ${known.name}, TEXT_OFFSET ${hex(known.textOffset)}`,
            remedy: '',
          },
  },
  {
    check: 'c-line-strange',
    symptom: '',
    severity: 'warning',
    examine: ({ strangeMove, log }) =>
      strangeMove
        ? {
            message: `the zImage of this log cannot have printed ${log.move?.line}`,
            remedy: 'check that the line belongs to this run',
          }
        : null,
  },
  {
    check: 'c-line-missing',
    symptom: '',
    severity: 'info',
    examine: run =>
      wasLoaded(run) && run.log.move === null && run.isZImage && run.known === null
        ? {
            message: 'there is no C: line, which would tell where the decompressor went',
            remedy: 'build the kernel with CONFIG_DEBUG_LL, and its decompressor with -DDEBUG',
          }
        : null,
  },
  {
    check: 'c-line-only',
    symptom: '',
    severity: 'info',
    examine: ({ sizeBounds, log }) =>
      sizeBounds === null
        ? null
        : {
            message: `only the move of a decompressor is here, ${log.move?.line}: its zImage has ${hex(sizeBounds.least)} to ${hex(sizeBounds.most)} bytes`,
            remedy: 'show the output of kexec --debug -l for it',
          },
  },
  {
    check: 'log-incomplete',
    symptom: '',
    severity: 'info',
    examine: run => {
      const stopped = run.log.notFound !== null || run.log.truncated !== null
      const missing = PARTS.filter(([, shown]) => !shown(run)).map(([name]) => name)
      return missing.length === 0 || stopped
        ? null
        : {
            message: `missing from the log: ${missing.join(', ')}`,
            remedy: 'run kexec with --debug and show everything it prints',
          }
    },
  },
]
