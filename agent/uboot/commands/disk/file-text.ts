/** Files of disks, shown without loading them: `cat` and `xxd`. */

import { yieldToEventLoop } from '../../../event-loop.js'
import { unlessAborted } from '../../../transfer/abort.js'
import { mountable } from '../../disk/device-partition.js'
import { UNITS } from '../../lib/memory-units.js'
import { type Call, type Command, type Machine, USAGE } from '../../machine/machine.js'
import { memoryLine } from '../memory/memory-display.js'

/** Most bytes that are shown. At 115,200 bit/s, `xxd` takes half an hour for them. */
const LONGEST = 4 * 1024 * 1024
/** Bytes that are printed before the line may send them. */
const BLOCK = 4096
const LINE_BYTES = 16

/** Print bytes piece by piece. */
async function show(machine: Machine, { signal }: Call, bytes: Buffer, text: (piece: Buffer, at: number) => string) {
  for (let at = 0; at < bytes.length; at += BLOCK) {
    machine.out.write(text(bytes.subarray(at, at + BLOCK), at))
    await yieldToEventLoop(signal)
    const room = machine.out.room()
    if (room !== null) await unlessAborted(room, signal)
  }
}

function hexText(piece: Buffer, start: number): string {
  let text = ''
  for (let at = 0; at < piece.length; at += LINE_BYTES)
    text += memoryLine(start + at, piece.subarray(at, at + LINE_BYTES), UNITS.b)
  return text
}

/** How a file is shown. */
interface Form {
  text(piece: Buffer, at: number): string
  /** where the shown part of the file ends */
  end(bytes: Buffer): number
}

/** `cat` stops at the first NUL, as any text of C does. */
const TEXT: Form = {
  text: piece => piece.toString('latin1'),
  end: bytes => (bytes.includes(0) ? bytes.indexOf(0) : bytes.length),
}
const HEX: Form = { text: hexText, end: bytes => bytes.length }

async function print(machine: Machine, call: Call, { text, end }: Form): Promise<number> {
  const { out, storage } = machine
  const [, kind, device, path] = call.args
  if (kind === undefined || device === undefined || path === undefined) return USAGE
  const place = await mountable(machine, kind, device, 'any')
  if (place === null) return 1
  const number = place.partition?.number ?? 0
  const size = await storage.size(place.device, number, path)
  if (size === null || size > LONGEST) {
    const what = size === null ? 'File does not exist' : 'File is too large'
    out.write(`${what}: ifname=${kind} dev=${device} file=${path}\n`)
    return 1
  }
  const pieces: Uint8Array[] = []
  const sink = (chunk: Uint8Array): void => void pieces.push(chunk)
  await storage.read(place.device, number, path, { offset: 0, length: size }, sink, call.signal)
  const bytes = Buffer.concat(pieces)
  await show(machine, call, bytes.subarray(0, end(bytes)), text)
  return 0
}

export const fileTextCommands: readonly Command[] = [
  {
    name: 'cat',
    maxArgs: 4,
    repeatable: true,
    summary: 'Print file to standard output',
    usage: "<interface> <dev[:part]> <file>\n  - Print file from 'dev' on 'interface' to standard output\n",
    run: (machine, call) => print(machine, call, TEXT),
  },
  {
    name: 'xxd',
    maxArgs: 4,
    repeatable: true,
    summary: 'Print file as hexdump to standard output',
    usage: "<interface> <dev[:part]> <file>\n  - Print file from 'dev' on 'interface' as hexdump to standard output\n",
    run: (machine, call) => print(machine, call, HEX),
  },
]
