/** Checks of what the target is told: command line, console, device tree. */

import type { Check } from './check.js'
import { hasEarlycon, stdoutPath } from './earlycon.js'

/** `COMMAND_LINE_SIZE`, the NUL at its end included; the kernel cuts what is longer without a word. */
const COMMAND_LINE_SIZE = { zImage: 1024, 'arm64-Image': 2048 } as const

/** U-Boot names the vendor's board first, then the chip: one shared name is enough. */
const shares = (a: readonly string[], b: readonly string[]) => a.some(name => b.includes(name))

export const TARGET_CHECKS: readonly Check[] = [
  {
    check: 'dtb-missing',
    symptom: 'silence after "Bye!": kernels since 3.x find their devices in the device tree only',
    severity: 'warning',
    examine: ({ tree, board }) =>
      tree === null
        ? {
            severity: board === null ? 'warning' : 'fatal',
            message:
              board === null
                ? 'no device tree is given: on a board that of the running kernel will be used, here there is none, and the plan has no room for it'
                : 'no device tree is given, and the running kernel has none',
            remedy: "send the board's device tree as dtb",
          }
        : null,
  },
  {
    check: 'dtb-running',
    symptom: 'the target runs with a device tree that nobody sent',
    severity: 'info',
    examine: ({ tree }) =>
      tree?.source === 'running'
        ? { message: 'no device tree is given: that of the running kernel is used', remedy: '' }
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
            message: `the device tree is for ${describe(model, compatible)}, the board is ${describe(runningBoard.model, runningBoard.compatible)}`,
            remedy: 'check that the job went to the right board',
          }
        : null
    },
  },
  {
    check: 'console-missing',
    symptom: 'silence after "Bye!" or "Uncompressing Linux... done, booting the kernel."',
    severity: 'warning',
    examine: ({ cmdline, tree }) => {
      const told = /(?:^|\s)console=\S/.test(cmdline) || (tree !== null && stdoutPath(tree.fdt) !== null)
      return told
        ? null
        : {
            message:
              'the command line has no console=, and the device tree has no stdout-path: the target will not be heard',
            remedy: 'add console=, such as console=ttyS0,115200; the option earlycon makes an early death heard',
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
            message: 'earlycon was asked for, but neither stdout-path nor the UART of console= tells which one',
            remedy: 'give the value: earlycon set to uart8250,mmio32,0x7000000 or the like',
          }
        : null,
  },
  {
    check: 'earlycon',
    symptom: 'silence after "Bye!": the kernel died before its console was up',
    severity: 'info',
    examine: ({ cmdline }) => {
      const value = /(?:^|\s)(earlycon(?:=\S+)?)(?=\s|$)/.exec(cmdline)?.[1]
      return hasEarlycon(cmdline) ? { message: `the target speaks early: ${value}`, remedy: '' } : null
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
            message: `the command line has ${length} bytes; the kernel cuts it after ${limit}: ${JSON.stringify(cmdline.slice(limit, limit + 40))} would be lost`,
            remedy: 'shorten it',
          }
        : null
    },
  },
  {
    check: 'cmdline-quotes',
    symptom: 'the command line was cut at its first blank by a shell',
    severity: 'warning',
    examine: ({ cmdline }) => {
      const found = unbalancedQuote(cmdline) ?? (/^'/.test(cmdline.trim()) ? "'" : null)
      return found === null
        ? null
        : {
            message: `the command line has a stray ${found}: ${JSON.stringify(cmdline.slice(0, 60))}`,
            remedy:
              'hand the command line over as it is, without a shell in between; the kernel knows double quotes only',
          }
    },
  },
  {
    check: 'cmdline-control',
    symptom: 'arguments are not recognised',
    severity: 'warning',
    examine: ({ cmdline }) =>
      /[\n\r\t]/.test(cmdline)
        ? { message: 'the command line has line breaks or tabs in it', remedy: 'separate arguments by blanks' }
        : null,
  },
]

function describe(model: string | null, compatible: readonly string[]): string {
  return `${model ?? 'an unnamed board'} (${compatible.join(', ')})`
}

/** A double quote without its partner: the kernel reads on to the end of the line. */
function unbalancedQuote(cmdline: string): string | null {
  return (cmdline.match(/"/g)?.length ?? 0) % 2 === 1 ? '"' : null
}

/** What `explain` looks for in a command line that a log shows: a quote that a shell left behind when it cut the line. */
export function cutByShell(cmdline: string): boolean {
  const text = cmdline.trim()
  return (/^'/.test(text) && !/'$/.test(text.slice(1))) || (/^"/.test(text) && !/"$/.test(text.slice(1)))
}
