/** `fauxboot doctor`: what this machine lacks. */

import { type Command, Option } from 'commander'
import { examine, type Finding, installLine, PURPOSES, type Purpose, type Verdict } from '../../doctor/checks.js'
import { thisMachine } from '../../doctor/machine-probe.js'
import type { Style, Terminal } from '../../terminal/terminal.js'

interface DoctorOptions {
  readonly for?: Purpose
  readonly json?: boolean
}

export function define(command: Command, terminal: Terminal): void {
  command
    .addOption(new Option('--for <purpose>', 'only what this needs').choices(Object.keys(PURPOSES)))
    .option('--json', 'print JSON')
    .addHelpText(
      'after',
      `
Purposes:
${Object.entries(PURPOSES)
  .map(([name, what]) => `  ${name.padEnd(9)}${what}`)
  .join('\n')}

Exit codes: 0, nothing is lacking; 1, something is. It changes nothing.

Examples:
  fauxboot doctor
  fauxboot doctor --for image`,
    )
    .action((options: DoctorOptions) => doctor(options, terminal))
}

const STYLES: Readonly<Record<Verdict, Style>> = { ok: 'green', lacks: 'red', note: 'yellow' }
const WIDTH = 7

function line({ verdict, what, purposes, fix }: Finding, terminal: Terminal): string {
  const head = `${terminal.styled(STYLES[verdict], verdict.padEnd(WIDTH))}${what} (${purposes.join(', ')})`
  return fix === '' ? head : `${head}\n${' '.repeat(WIDTH)}${fix}`
}

async function doctor({ for: purpose, json }: DoctorOptions, terminal: Terminal): Promise<void> {
  const findings = await examine(thisMachine, purpose ?? null)
  const lacking = findings.filter(({ verdict }) => verdict === 'lacks')
  terminal.exitCode = lacking.length === 0 ? 0 : 1
  if (json) return terminal.printJson(findings)
  for (const found of findings) terminal.print(line(found, terminal))
  const all = installLine(findings)
  if (lacking.length === 0) terminal.print('\nNothing is lacking.')
  else if (all !== null) terminal.print(`\nAll missing packages at once:\n  ${all}`)
}
