/** `mtest`: patterns written to memory and read back. */

import { yieldToEventLoop } from '../../../event-loop.js'
import { MEMORY_CHUNK } from '../../hardware/memory.js'
import { hex8, wholeHex } from '../../lib/numbers.js'
import { type Call, type Command, type Machine, USAGE } from '../../machine/machine.js'

const WORD_BYTES = 4
/** bytes to test by default */
const DEFAULT_BYTES = 0x1000

/** Words that start with `first` and change by `step`. */
function pattern(first: number, step: number, bytes: number): Buffer {
  const buffer = Buffer.alloc(bytes)
  const words = new Uint32Array(buffer.buffer, buffer.byteOffset, bytes / WORD_BYTES)
  for (let index = 0; index < words.length; index++) words[index] = first + step * index
  return buffer
}

/** One pass. @returns number of words that differ from what was written */
async function pass(
  machine: Machine,
  start: number,
  size: number,
  iteration: number,
  first: number,
  signal: AbortSignal,
) {
  const { memory, out } = machine
  const odd = iteration % 2 === 1
  const step = odd ? -1 : 1
  // Many ones follow many zeros.
  const value = odd ? (first > 0x7fff_ffff ? -first >>> 0 : ~first >>> 0) : first
  out.write(`\rPattern ${hex8(value).toUpperCase()}  Writing...${' '.repeat(12)}${'\b'.repeat(10)}`)
  const piece = (done: number) => pattern(value + (step * done) / WORD_BYTES, step, Math.min(MEMORY_CHUNK, size - done))
  for (let done = 0; done < size; done += MEMORY_CHUNK) {
    memory.write(start + done, piece(done))
    await yieldToEventLoop(signal)
  }
  out.write('Reading...')
  let errors = 0
  for (let done = 0; done < size; done += MEMORY_CHUNK) {
    const expected = piece(done)
    const found = memory.read(start + done, expected.length)
    for (let at = 0; at < expected.length && !found.equals(expected); at += WORD_BYTES) {
      const [is, should] = [found.readUInt32LE(at), expected.readUInt32LE(at)]
      if (is === should) continue
      const [where, one, other] = [start + done + at, is, should].map(number => hex8(number).toUpperCase())
      out.write(`\nMem error @ 0x${where}: found ${one}, expected ${other}\n`)
      errors++
    }
    await yieldToEventLoop(signal)
  }
  return errors
}

async function test(machine: Machine, { args, signal }: Call): Promise<number> {
  const { out, memory } = machine
  const numbers = args.slice(1).map(wholeHex)
  if (numbers.includes(null)) return USAGE
  const [start = memory.ranges[0]?.start ?? 0, end = start + DEFAULT_BYTES, first = 0, limit = 0] = numbers.map(
    number => number ?? 0,
  )
  if (end < start) {
    out.write('Refusing to do empty test\n')
    return USAGE
  }
  out.write(`Testing ${hex8(start)} ... ${hex8(end)}:\n`)
  const size = end - start - ((end - start) % WORD_BYTES)
  let iteration = 0
  let errors = 0
  try {
    for (; limit === 0 || iteration < limit; iteration++) {
      await yieldToEventLoop(signal)
      out.write(`Iteration: ${String(iteration + 1).padStart(6)}\r`)
      errors += await pass(machine, start, size, iteration, first, signal)
    }
  } catch (thrown) {
    // After ^C, the test still reports its progress.
    if (!signal.aborted) throw thrown
  }
  out.write(`\nTested ${iteration} iteration(s) with ${errors} errors.\n`)
  return errors > 0 || signal.aborted ? 1 : 0
}

export const memoryTestCommands: readonly Command[] = [
  {
    name: 'mtest',
    maxArgs: 5,
    repeatable: true,
    summary: 'simple RAM read/write test',
    usage: '[start [end [pattern [iterations]]]]',
    run: test,
  },
]
