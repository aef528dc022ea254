/** `md` and `strings`: memory, shown. */

import { yieldToEventLoop } from '../../../event-loop.js'
import { unlessAborted } from '../../../transfer/abort.js'
import { readUnit, type Unit, unitHex, unitOf } from '../../lib/memory-units.js'
import { hex8, parseHex } from '../../lib/numbers.js'
import { type Call, type Command, type Machine, USAGE } from '../../machine/machine.js'
import { based } from '../../machine/state.js'

const LINE_BYTES = 16
/** Bytes that are read before other work gets a turn. */
const BLOCK_BYTES = 4096
/** Bytes of memory that `md` prints at once, as four times as many characters: what is printed is still sent after ^C. */
const SHOWN_BYTES = 256

/** Let others have a turn, and the line send what was printed. @throws the reason of the signal */
async function rest({ out }: Machine, signal: AbortSignal): Promise<void> {
  await yieldToEventLoop(signal)
  const room = out.room()
  if (room !== null) await unlessAborted(room, signal)
}

/** A line of up to 16 bytes: address, units, characters. */
export function memoryLine(address: number, bytes: Buffer, unit: Unit): string {
  let units = ''
  for (let at = 0; at < bytes.length; at += unit.bytes) units += ` ${unitHex(readUnit(bytes, at, unit), unit)}`
  const width = (LINE_BYTES / unit.bytes) * (2 * unit.bytes + 1)
  const text = bytes.toString('latin1').replace(/[^ -~]/g, '.')
  return `${hex8(address)}:${units.padEnd(width)}  ${text}\n`
}

async function display(machine: Machine, { args, repeated, signal }: Call): Promise<number> {
  const [name = '', start, count] = args
  if (start === undefined) return USAGE
  const last = machine.state.display
  const unit = repeated ? last.unit : unitOf(name)
  if (unit === null) return 1
  const address = repeated ? last.address : based(machine.state, parseHex(start))
  const length = repeated || count === undefined ? last.length : parseHex(count)
  const size = length * unit.bytes
  for (let done = 0; done < size; done += SHOWN_BYTES) {
    const block = machine.memory.read(address + done, Math.min(SHOWN_BYTES, size - done))
    let text = ''
    for (let at = 0; at < block.length; at += LINE_BYTES)
      text += memoryLine(address + done + at, block.subarray(at, at + LINE_BYTES), unit)
    machine.out.write(text)
    await rest(machine, signal)
  }
  machine.state.display = { address: (address + size) % 2 ** 32, unit, length }
  return 0
}

/** The bytes from `address` to the next NUL or to the end of DRAM. */
async function untilNul({ memory }: Machine, address: number, signal: AbortSignal): Promise<Buffer> {
  const pieces: Buffer[] = []
  for (let at = address; ; at += BLOCK_BYTES) {
    const end = memory.ranges.find(range => at >= range.start && at < range.end)?.end ?? at + 1
    const block = memory.read(at, Math.min(BLOCK_BYTES, end - at))
    const nul = block.indexOf(0)
    pieces.push(nul === -1 ? block : block.subarray(0, nul))
    if (nul !== -1) return Buffer.concat(pieces)
    await yieldToEventLoop(signal)
  }
}

async function strings(machine: Machine, { args, repeated, signal }: Call): Promise<number> {
  const [, start, count] = args
  if (start === undefined) return USAGE
  const first = parseHex(start)
  const last = repeated ? machine.state.strings : null
  const range = last ?? { start: first, end: count === undefined ? 0xffff_ffff : first + parseHex(count) }
  let address = range.start
  do {
    const text = await untilNul(machine, address, signal)
    machine.out.write(`${text.toString('latin1')}\n`)
    address += text.length + 1
    await rest(machine, signal)
  } while (address < range.end && machine.memory.read(address, 1)[0] !== 0)
  machine.state.strings = { start: address, end: address + range.end - range.start }
  return 0
}

export const memoryDisplayCommands: readonly Command[] = [
  {
    name: 'md',
    maxArgs: 3,
    repeatable: true,
    summary: 'memory display',
    usage: '[.b, .w, .l] address [# of objects]',
    run: display,
  },
  {
    name: 'strings',
    maxArgs: 3,
    repeatable: true,
    summary: 'display strings',
    usage: `<addr> [byte count]
    - display strings at <addr> for at least [byte count] or first double NUL`,
    run: strings,
  },
]
