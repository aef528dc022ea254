/** Checks of what the target receives: command line, console, device tree. */

import type { Check } from './check.js'
import { silence } from './console-line.js'
import { consoleSupply } from './console-supply.js'
import { hasEarlycon, stdoutPath } from './earlycon.js'

/** `COMMAND_LINE_SIZE`, with the final NUL; the kernel silently truncates a longer line. */
const COMMAND_LINE_SIZE = { zImage: 1024, 'arm64-Image': 2048 } as const

/** U-Boot names the vendor's board first, then the chip: one shared name is enough. */
const shares = (a: readonly string[], b: readonly string[]) => a.some(name => b.includes(name))

export const TARGET_CHECKS: readonly Check[] = [
  {
    check: 'dtb-missing',
    symptom: 'silence after "Bye!": kernels since 3.x find their devices only in the device tree',
    severity: 'warning',
    examine: ({ tree, board }) =>
      tree === null
        ? {
            severity: board === null ? 'warning' : 'fatal',
            message:
              board === null
                ? 'no device tree was given: a board would use that of its running kernel, for which this plan has no room'
                : 'no device tree was given, and the running kernel has none',
            remedy: "send the board's device tree as dtb",
          }
        : null,
  },
  {
    check: 'dtb-running',
    symptom: 'the target runs with a device tree that is not part of the job',
    severity: 'info',
    examine: ({ tree }) =>
      tree?.source === 'running'
        ? { message: 'no device tree was given: using that of the running kernel', remedy: '' }
        : null,
  },
  {
    check: 'board-mismatch',
    symptom: 'silence after the jump: the device tree is for another board',
    severity: 'warning',
    examine: ({ tree, runningBoard }) => {
      if (tree === null || runningBoard === null || tree.source === 'running') return null
      const { model, compatible } = tree
      const known = compatible.length > 0 && runningBoard.compatible.length > 0
      return known && !shares(compatible, runningBoard.compatible)
        ? {
            message: `the device tree is for ${describe(model, compatible)}, but the board is ${describe(runningBoard.model, runningBoard.compatible)}`,
            remedy: 'check that the job was sent to the right board',
          }
        : null
    },
  },
  {
    check: 'psci-added',
    symptom: 'the target runs on one CPU',
    severity: 'info',
    examine: ({ psciAdded }) =>
      psciAdded ? { message: 'the device tree has no /psci: adding that of the running kernel', remedy: '' } : null,
  },
  {
    check: 'last-words',
    symptom: 'the job has no last words after its target died',
    severity: 'info',
    examine: ({ keptMemory }) => {
      const reason = {
        own: 'has a ramoops region of its own',
        taken: 'reserves the memory for them',
        kept: '',
        none: '',
      }[keptMemory]
      return reason === ''
        ? null
        : { message: `the last words of this target cannot be read: its device tree ${reason}`, remedy: '' }
    },
  },
  {
    check: 'console-missing',
    symptom: 'silence after "Bye!" or "Uncompressing Linux... done, booting the kernel."',
    severity: 'warning',
    examine: ({ cmdline, tree }) => {
      const hasConsole = /(?:^|\s)console=\S/.test(cmdline) || (tree !== null && stdoutPath(tree.fdt) !== null)
      return hasConsole
        ? null
        : {
            message:
              'the command line has no console=, and the device tree has no stdout-path: the target will print nothing',
            remedy:
              'add console=, such as console=ttyS0,115200; the option earlycon also shows output from before the console driver starts',
          }
    },
  },
  {
    check: 'console-silent',
    symptom: 'silence after "Starting kernel ...", or characters that nobody can read',
    severity: 'warning',
    examine: ({ cmdline, tree, board }) =>
      board?.consoleLine ? silence(cmdline, tree?.fdt ?? null, board.consoleLine) : null,
  },
  {
    check: 'console-supply',
    symptom: 'silence after "Bye!": the target runs, but its UART waits for a regulator',
    severity: 'warning',
    examine: ({ cmdline, tree }) => {
      const supply = tree === null || hasEarlycon(cmdline) ? null : consoleSupply(tree.fdt, cmdline)
      return supply === null
        ? null
        : {
            message: `the pins of the target's console need a regulator (${supply}): the target prints nothing until it has loaded that regulator's driver, which is usually a module`,
            remedy:
              'set the option earlycon, and send modules and a ramdisk that load the driver, such as axp20x-regulator',
          }
    },
  },
  {
    check: 'earlycon-unknown',
    symptom: 'silence after "Bye!": the kernel died before its console was up',
    severity: 'warning',
    examine: ({ earlyconFailed }) =>
      earlyconFailed
        ? {
            message: 'earlycon was requested, but neither stdout-path nor console= leads to a known UART',
            remedy: 'set earlycon to a value, such as uart8250,mmio32,0x7000000',
          }
        : null,
  },
  {
    check: 'earlycon',
    symptom: 'silence after "Bye!": the kernel died before its console was up',
    severity: 'info',
    examine: ({ cmdline }) => {
      const value = /(?:^|\s)(earlycon(?:=\S+)?)(?=\s|$)/.exec(cmdline)?.[1]
      return hasEarlycon(cmdline) ? { message: `the target prints early messages: ${value}`, remedy: '' } : null
    },
  },
  {
    check: 'cmdline-length',
    symptom: 'arguments at the end of the command line have no effect',
    severity: 'fatal',
    examine: ({ cmdline, kernel }) => {
      const length = Buffer.byteLength(cmdline)
      const limit = COMMAND_LINE_SIZE[kernel.format] - 1
      return length > limit
        ? {
            message: `the command line has ${length} bytes; the kernel truncates it after ${limit} and would lose ${JSON.stringify(cmdline.slice(limit, limit + 40))}`,
            remedy: 'shorten the command line',
          }
        : null
    },
  },
  {
    check: 'cmdline-quotes',
    symptom: 'a shell cut the command line at its first space',
    severity: 'warning',
    examine: ({ cmdline }) => {
      const found = unbalancedQuote(cmdline) ?? (/^'/.test(cmdline.trim()) ? "'" : null)
      return found === null
        ? null
        : {
            message: `the command line has a stray ${found}: ${JSON.stringify(cmdline.slice(0, 60))}`,
            remedy: 'pass the command line on without a shell in between; the kernel knows only double quotes',
          }
    },
  },
  {
    check: 'cmdline-control',
    symptom: 'arguments are not recognised',
    severity: 'warning',
    examine: ({ cmdline }) =>
      /[\n\r\t]/.test(cmdline)
        ? { message: 'the command line contains line breaks or tabs', remedy: 'separate arguments with spaces' }
        : null,
  },
]

function describe(model: string | null, compatible: readonly string[]): string {
  return `${model ?? 'an unnamed board'} (${compatible.join(', ')})`
}

/** A double quote without a closing one: the kernel then reads to the end of the line. */
function unbalancedQuote(cmdline: string): string | null {
  return (cmdline.match(/"/g)?.length ?? 0) % 2 === 1 ? '"' : null
}

/** Whether a logged command line has the quote that is left when a shell cuts the line (`explain` looks for it). */
export function cutByShell(cmdline: string): boolean {
  const text = cmdline.trim()
  return (/^'/.test(text) && !/'$/.test(text.slice(1))) || (/^"/.test(text) && !/"$/.test(text.slice(1)))
}
