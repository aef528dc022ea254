/** `mw`, `cp`, `cmp`, `base` and `loop`: ranges of memory. */

import { once } from 'node:events'
import { yieldToEventLoop } from '../../../event-loop.js'
import { MEMORY_CHUNK } from '../../hardware/memory.js'
import { readUnit, type Unit, unitBytes, unitOf } from '../../lib/memory-units.js'
import { hex8, parseHex } from '../../lib/numbers.js'
import { type Call, type Command, type Machine, USAGE } from '../../machine/machine.js'
import { based } from '../../machine/state.js'

async function write(machine: Machine, { args, signal }: Call): Promise<number> {
  const [name = '', start, value, count = '1'] = args
  if (start === undefined || value === undefined) return USAGE
  const unit = unitOf(name)
  if (unit === null) return 1
  const address = based(machine.state, parseHex(start))
  const size = parseHex(count) * unit.bytes
  const pattern = Buffer.alloc(Math.min(size, MEMORY_CHUNK), unitBytes(parseHex(value), unit))
  for (let done = 0; done < size; done += MEMORY_CHUNK) {
    machine.memory.write(address + done, pattern.subarray(0, size - done))
    await yieldToEventLoop(signal)
  }
  return 0
}

/** Source, target and count of a command, checked as U-Boot does. */
function twoPlaces(machine: Machine, { args }: Call) {
  const [name = '', first, second, count] = args
  if (first === undefined || second === undefined || count === undefined) return USAGE
  const unit = unitOf(name)
  if (unit === null) return 1
  return {
    unit,
    first: based(machine.state, parseHex(first)),
    second: based(machine.state, parseHex(second)),
    count: parseHex(count),
  }
}

async function copy(machine: Machine, call: Call): Promise<number> {
  const places = twoPlaces(machine, call)
  if (typeof places === 'number') return places
  const { unit, first: source, second: target, count } = places
  if (count === 0) {
    machine.out.write('Zero length ???\n')
    return 1
  }
  const size = count * unit.bytes
  // What overlaps is copied from the end that is not overwritten before it was read.
  const backwards = target > source && target < source + size
  for (let done = 0; done < size; done += MEMORY_CHUNK) {
    const piece = Math.min(MEMORY_CHUNK, size - done)
    const at = backwards ? size - done - piece : done
    machine.memory.write(target + at, machine.memory.read(source + at, piece))
    await yieldToEventLoop(call.signal)
  }
  return 0
}

/** As C prints `%#0*x` with the unit's bytes as width: small, but so it is. */
const shortHex = (value: number, unit: Unit) => `0x${value.toString(16).padStart(unit.bytes - 2, '0')}`

async function compare(machine: Machine, call: Call): Promise<number> {
  const places = twoPlaces(machine, call)
  if (typeof places === 'number') return places
  const { unit, first, second, count } = places
  const { memory, out } = machine
  const say = (address: number, value: number) => `${unit.noun} at 0x${hex8(address)} (${shortHex(value, unit)})`
  const size = count * unit.bytes
  let same = size
  for (let done = 0; done < size && same === size; done += MEMORY_CHUNK) {
    const piece = Math.min(MEMORY_CHUNK, size - done)
    const [one, other] = [memory.read(first + done, piece), memory.read(second + done, piece)]
    if (!one.equals(other)) {
      const differs = one.findIndex((byte, index) => byte !== other[index])
      const at = differs - (differs % unit.bytes)
      same = done + at
      const left = say(first + same, readUnit(one, at, unit))
      out.write(`${left} != ${say(second + same, readUnit(other, at, unit))}\n`)
    }
    await yieldToEventLoop(call.signal)
  }
  out.write(`Total of ${same / unit.bytes} ${unit.noun}(s) were the same\n`)
  return same === size ? 0 : 1
}

function base(machine: Machine, { args }: Call): number {
  const [, address] = args
  if (address !== undefined) machine.state.baseAddress = parseHex(address)
  machine.out.write(`Base Address: 0x${hex8(machine.state.baseAddress)}\n`)
  return 0
}

/** Reading the same memory forever has no visible effect, so it is read once; then only ^C ends the command. */
async function loop(machine: Machine, { args, signal }: Call): Promise<number> {
  const [name = '', start, count] = args
  if (start === undefined || count === undefined) return USAGE
  const unit = unitOf(name)
  if (unit === null) return 1
  for (const _ of machine.memory.chunks(parseHex(start), parseHex(count) * unit.bytes)) await yieldToEventLoop(signal)
  signal.throwIfAborted()
  await once(signal, 'abort')
  throw signal.reason
}

export const memoryFillCommands: readonly Command[] = [
  {
    name: 'base',
    maxArgs: 2,
    repeatable: true,
    summary: 'print or set address offset',
    usage: `
    - print address offset for memory commands
base off
    - set address offset for memory commands to 'off'`,
    run: base,
  },
  {
    name: 'cmp',
    maxArgs: 4,
    repeatable: true,
    summary: 'memory compare',
    usage: '[.b, .w, .l] addr1 addr2 count',
    run: compare,
  },
  {
    name: 'cp',
    maxArgs: 4,
    repeatable: true,
    summary: 'memory copy',
    usage: '[.b, .w, .l] source target count',
    run: copy,
  },
  {
    name: 'loop',
    maxArgs: 3,
    repeatable: true,
    summary: 'infinite loop on address range',
    usage: '[.b, .w, .l] address number_of_objects',
    run: loop,
  },
  {
    name: 'mw',
    maxArgs: 4,
    repeatable: true,
    summary: 'memory write (fill)',
    usage: '[.b, .w, .l] address value [count]',
    run: write,
  },
]
