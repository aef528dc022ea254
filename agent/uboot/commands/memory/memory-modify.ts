/** `mm` and `nm`: memory, shown and changed unit by unit. */

import { readUnit, unitBytes, unitHex, unitOf } from '../../lib/memory-units.js'
import { hex8, parseHex } from '../../lib/numbers.js'
import { type Call, type Command, type Machine, USAGE } from '../../machine/machine.js'
import { based } from '../../machine/state.js'

/**
 * Ask for values until one is no number.
 *
 * @param advance whether the address moves on with each
 */
async function modify(machine: Machine, { args, repeated }: Call, advance: boolean): Promise<number> {
  const { memory, out, input } = machine
  const [name = '', start] = args
  if (start === undefined) return USAGE
  const last = machine.state.modify
  const unit = repeated ? last.unit : unitOf(name)
  if (unit === null) return 1
  let address = repeated ? last.address : based(machine.state, parseHex(start))
  for (;;) {
    machine.state.modify = { address, unit }
    out.write(`${hex8(address)}: ${unitHex(readUnit(memory.read(address, unit.bytes), 0, unit), unit)}`)
    const typed = await input.readLine(' ? ')
    if (typed !== '' && typed !== '-') {
      if (typed === null || !/^(0[xX])?[0-9a-fA-F]/.test(typed)) return 0
      memory.write(address, unitBytes(parseHex(typed), unit))
    }
    if (advance) address = (address + (typed === '-' ? 2 ** 32 - unit.bytes : unit.bytes)) % 2 ** 32
  }
}

export const memoryModifyCommands: readonly Command[] = [
  {
    name: 'mm',
    maxArgs: 2,
    repeatable: true,
    summary: 'memory modify (auto-incrementing address)',
    usage: '[.b, .w, .l] address',
    run: (machine, call) => modify(machine, call, true),
  },
  {
    name: 'nm',
    maxArgs: 2,
    repeatable: true,
    summary: 'memory modify (constant address)',
    usage: '[.b, .w, .l] address',
    run: (machine, call) => modify(machine, call, false),
  },
]
