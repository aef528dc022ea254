/** GPIO lines as the commands see them, and those of the first stage's kernel. */

import { type CommandRunner, systemRunner } from './command-runner.js'

export type GpioAction = 'input' | 'set' | 'clear' | 'toggle'

/** A line and how it is. */
export interface GpioLine {
  readonly name: string
  readonly direction: 'input' | 'output'
  readonly value: 0 | 1
}

export interface Gpio {
  /**
   * Read or drive a line.
   *
   * @param line its name: `PB4`, `0-12`
   * @returns its value after the action; null if there is no such line
   * @throws the reason of `signal`
   */
  drive(line: string, action: GpioAction, signal: AbortSignal): Promise<0 | 1 | null>
  /**
   * How lines are, without changing them.
   *
   * @param name of a line or of a bank: `PB4`, `PB`; null: all, where there is a list of them
   * @throws the reason of `signal`
   */
  lines(name: string | null, signal: AbortSignal): Promise<readonly GpioLine[]>
}

/** A name that no program takes for an option. */
const isName = (line: string): boolean => /^[\w.:-]{1,64}$/.test(line) && !line.startsWith('-')

/** A machine without GPIO. */
export const NO_GPIO: Gpio = { drive: async () => null, lines: async () => [] }

/** Lines by name, through libgpiod's tools, version 2. An image without these tools has no lines. */
export class LinuxGpio implements Gpio {
  constructor(private readonly runner: CommandRunner = systemRunner) {}

  /** Only a named line: reading all of a board would take seconds, and some belong to drivers that mind. */
  async lines(name: string | null, signal: AbortSignal): Promise<readonly GpioLine[]> {
    if (name === null || !isName(name)) return []
    const info = await this.runner.run('gpioinfo', [name], { signal })
    const [direction] = /\b(?:input|output)\b/.exec(info.stdout) ?? []
    const read = await this.runner.run('gpioget', ['--as-is', '--numeric', name], { signal })
    const value = Number.parseInt(read.stdout, 10)
    if (direction === undefined || read.status !== 0 || (value !== 0 && value !== 1)) return []
    return [{ name, direction: direction === 'output' ? 'output' : 'input', value }]
  }

  async drive(line: string, action: GpioAction, signal: AbortSignal): Promise<0 | 1 | null> {
    if (!isName(line)) return null
    const before = await this.runner.run('gpioget', ['--numeric', line], { signal })
    const value = Number.parseInt(before.stdout, 10)
    if (before.status !== 0 || (value !== 0 && value !== 1)) return null
    if (action === 'input') return value
    const toggled = value === 0 ? 1 : 0
    const wanted = ({ set: 1, clear: 0, toggle: toggled } as const)[action]
    // Without -t 0 gpioset would wait. The boards keep a line's level after its release.
    const done = await this.runner.run('gpioset', ['-t', '0', `${line}=${wanted}`], { signal })
    return done.status === 0 ? wanted : null
  }
}
