/** Why a board stays silent after kexec: a table of checks of one run in a kexec-tools log. */

import type { Check, Remark } from '../../agent/kexec/checks/check.js'
import { cutByShell } from '../../agent/kexec/checks/target.js'
import { formatRange, formatSize, hex, lengthOf } from '../../agent/kexec/layout/ranges.js'
import { areasOf, type Case, type Run, safeImageSize } from './run.js'

/** Bytes of the header that is stripped from an image mistaken for a uImage. */
const UIMAGE_HEADER = 64

/** What the errors of `kexec_load(2)` mean on 32-bit ARM, by the error text that kexec prints. */
const LOAD_ERRORS: readonly (readonly [pattern: RegExp, meaning: string, remedy: string])[] = [
  [
    /Function not implemented/i,
    'ENOSYS: the running kernel has no CONFIG_KEXEC, or kexec_file_load was called, which 32-bit ARM does not have',
    'build the first kernel with CONFIG_KEXEC=y; do not use kexec -s',
  ],
  [
    /Invalid argument/i,
    'EINVAL: the kernel cannot stop its secondary CPUs, a segment lies outside RAM, the segments take more than half of RAM, or the kernel does not know a flag',
    'boot the first kernel with HOTPLUG_CPU and PSCI or MCPM, or with nr_cpus=1; use a smaller ramdisk; omit -d',
  ],
  [
    /Operation not permitted/i,
    'EPERM: no CAP_SYS_BOOT, or kexec_load_disabled is 1',
    'run kexec as root; if kexec_load_disabled is 1, restart the board',
  ],
  [
    /Cannot assign requested address/i,
    'EADDRNOTAVAIL: a segment is not page aligned, or no memory is reserved for a crash kernel',
    'omit -p, or boot the first kernel with crashkernel=',
  ],
  [/Cannot allocate memory/i, 'ENOMEM: no memory for the segments', 'use a smaller ramdisk, or free memory first'],
  [/Device or resource busy/i, 'EBUSY: another load is in progress', 'try again'],
]

const caseText = ({ textOffset }: Case, { cases }: Run) =>
  cases.length > 1 ? `if the kernel has TEXT_OFFSET ${hex(textOffset)}` : `with TEXT_OFFSET ${hex(textOffset)}`

function deaths(run: Run, name: 'initrd' | 'dtb'): Remark[] {
  const size = safeImageSize(run)
  return run.cases.flatMap(one => {
    const victim = one.victims.find(each => each.name === name)
    if (victim === undefined) return []
    const { certain, hit, range } = victim
    const fate = certain
      ? 'is overwritten by the decompressor'
      : 'may be overwritten by the decompressor (its constants are estimated)'
    return [
      {
        severity: certain ? ('fatal' as const) : ('warning' as const),
        message: `${caseText(one, run)}, the ${name} at ${formatRange(range)} ${fate}: ${formatSize(lengthOf(hit))} of it, ${formatRange(hit)}`,
        remedy: `try kexec -l --image-size=${hex(size ?? 0)}, which moves initrd and dtb out of reach; fauxboot places the zImage so that it never moves`,
        ranges: [range, one.prediction.workspace],
      },
    ]
  })
}

/** Parts of the debug output, by their names there. */
const PARTS: readonly (readonly [name: string, shown: (run: Run) => boolean])[] = [
  ['MEMORY RANGES', ({ log }) => log.rangesShown || log.ram.length > 0],
  ['zImage header', ({ log }) => log.header !== null],
  ['Decompressed kernel sizes', ({ log, isZImage }) => log.sizes !== null || !isZImage],
  ['Kernel: address', ({ log }) => log.kernel !== null],
  ['segment[n]', ({ log }) => log.segments.length > 0],
]

/** Whether the run reached the system call, and the call succeeded. */
const wasLoaded = ({ log }: Run) => log.segments.length > 0 && log.failed === null && log.notFound === null

export const EXPLAIN_CHECKS: readonly Check<Run>[] = [
  {
    check: 'garbage-header',
    symptom: 'zImage header: 0x00000000 ...',
    severity: 'fatal',
    examine: ({ garbage, size, log }) => {
      if (!garbage) return null
      const whole = size === null ? '' : `, which left ${hex(size)} of ${hex(size + UIMAGE_HEADER)} bytes`
      return {
        message: `the zImage header has the magic ${hex(log.header?.magic ?? 0)} instead of 0x016f2818: kexec mistook the image for a uImage and stripped its first ${UIMAGE_HEADER} bytes${whole}`,
        remedy:
          'use kexec -l without -s: kexec_file_load does not recognise a zImage, and 32-bit ARM does not have that call',
      }
    },
  },
  {
    check: 'raw-image',
    symptom: 'a kernel that starts only by luck',
    severity: 'warning',
    examine: ({ isZImage, garbage, log }) =>
      isZImage || garbage
        ? null
        : {
            message: `the kernel is not a zImage: ${hex(log.header?.magic ?? 0)} is code, so it is a raw Image. kexec-tools guesses its size, and it runs where it is loaded, 0x8000 above the start of RAM`,
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
            message: `the zImage has ${hex(log.truncated.file)} bytes; its header states ${hex(log.truncated.header)}`,
            remedy: 'download it again, and compare digests',
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
        ? 'the log shows no RAM at all: kexec-tools has no memory ranges if it is used with -s, or if /proc/iomem shows zeros to users other than root'
        : limited
          ? 'RAM has room for it, so --mem-min or --mem-max excludes that memory'
          : 'RAM has no free area of that size'
      return {
        message: `kexec-tools found no contiguous ${formatSize(log.notFound)} (${hex(log.notFound)} bytes): ${reason}`,
        remedy: nothing ? 'use kexec -l without -s, as root' : 'omit --mem-min and --mem-max, or use smaller files',
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
        remedy: known?.[2] ?? 'run it again with strace -e kexec_load, and check dmesg',
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
            message: `flags ${hex(log.flags)} include KEXEC_DEBUG (0x10), which kexec-tools 2.0.32 sets for -d; a kernel that does not know this flag returns EINVAL`,
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
            message: `the log does not show TEXT_OFFSET${tagHasTextOffset ? ', although the zImage has it in its tag' : ''}: single-platform kernels use 0x8000, multi-platform kernels 0x208000`,
            remedy: 'run fauxboot plan --kernel on the zImage, which reads TEXT_OFFSET from it',
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
          'check that the device tree has a memory node (fdtget -l DTB /), or pass the running one with --dtb=/sys/firmware/fdt; add console= and earlycon',
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
            message: `the target's command line is ${cmdline}: it starts with a quotation mark and ends at its first space, because the quotes went through an unquoted shell expansion`,
            remedy: 'pass the command line as one argument, --append="$APPEND", or use --reuse-cmdline',
          }
        : null,
  },
  {
    check: 'kexec-file',
    symptom: 'Function not implemented',
    severity: 'warning',
    examine: ({ log: { command } }) =>
      command !== null && /\s(?:-s|-[a-z]*s[a-z]*|--kexec-file-syscall)(?=\s|$)/.test(command)
        ? { message: '-s requests kexec_file_load, which 32-bit ARM does not have', remedy: 'omit -s' }
        : null,
  },
  {
    check: 'file-trailing',
    symptom: 'the device tree is ignored',
    severity: 'warning',
    examine: ({ log: { fileSize, size } }) =>
      fileSize !== null && size !== null && fileSize > size
        ? {
            message: `${fileSize - size} bytes follow the zImage; if they are a device tree, it overrides the one that is passed`,
            remedy: 'truncate the file to the size of the zImage',
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
              'kexec-tools would compute another table from these sizes and ranges: the log is incomplete, or does not show all options',
            remedy: 'provide the whole command, and all lines from "MEMORY RANGES" on',
          },
  },
  {
    check: 'image-size',
    symptom: '',
    severity: 'info',
    examine: ({ imageSize, log, reproduced }) =>
      imageSize !== null && reproduced
        ? {
            message: `--image-size=${hex(imageSize)} was used${log.command === null ? ', according to the kernel area' : ''}`,
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
            message: `the sizes identify a kernel that was measured: ${known.name}, TEXT_OFFSET ${hex(known.textOffset)}`,
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
            message: `the zImage in this log cannot have printed ${log.move?.line}`,
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
            message: 'there is no C: line, which would show where the decompressor moved itself',
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
            message: `the log shows only the move of a decompressor, ${log.move?.line}: its zImage has ${hex(sizeBounds.least)} to ${hex(sizeBounds.most)} bytes`,
            remedy: 'provide the output of kexec --debug -l for it',
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
            remedy: 'run kexec with --debug, and provide everything it prints',
          }
    },
  },
]
