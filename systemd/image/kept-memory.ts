/**
 * Memory that outlives a reset, for the last words of targets: the first stage's device tree reserves it, so that no kernel
 * uses it. `agent/kexec/layout/kept-memory.ts` reads what this writes.
 */

import { readFile, writeFile } from 'node:fs/promises'
import { basename, join } from 'node:path'
import { fault } from '../../agent/errors.js'
import { type FdtNode, parseFdt, writeFdt } from '../../agent/image/fdt/fdt.js'
import {
  cellsOf,
  encodeCells,
  encodeNumber,
  encodeString,
  ensureNode,
  setProperty,
} from '../../agent/image/fdt/fdt-query.js'
import type { Board } from '../boards/board.js'
import { cached, contentKey } from '../cache.js'

/** Bytes for the note about the job: without its plan, a job has a few KiB. */
const JOB_SIZE = 0x10000
/** A dump of a panic has 10 KiB of text, compressed; a board without compression needs all of it. */
const RECORD_SIZE = 0x10000
/** Some 1500 messages. */
const CONSOLE_SIZE = 0x20000

/**
 * Reserve a board's region in its device tree. Cached.
 *
 * @param dtb path of the board's device tree; the result has the same name
 * @throws BUILD_INPUT if the board's data names no region
 */
export async function dtbWithKeptMemory(board: Board, dtb: string): Promise<string> {
  if (board.ramoops === undefined) {
    throw fault('BUILD_INPUT', {
      doing: 'reserving memory for last words',
      reason: `${board.name}.json names no region; add ramoops, or leave out the setting lastWords`,
    })
  }
  const tree = withKeptMemory(await readFile(dtb), board.ramoops)
  const dir = await cached('kept-memory', contentKey([basename(dtb), tree]), async making => {
    await writeFile(join(making, basename(dtb)), tree)
  })
  return join(dir, basename(dtb))
}

/**
 * A device tree with the two nodes: `fauxboot,job` at the start of the region, `ramoops` in the rest.
 *
 * @param region hexadecimal, in multiples of 64 KiB
 * @throws FORMAT_* for a file that is no device tree
 */
export function withKeptMemory(dtb: Uint8Array, region: NonNullable<Board['ramoops']>): Uint8Array {
  const fdt = parseFdt(dtb, 'device tree')
  const { addressCells, sizeCells } = cellsOf(fdt.root)
  const start = Number(region.address)
  const end = start + Number(region.size)
  const reserved = (name: string, compatible: string, from: number, to: number): FdtNode => ({
    name: `${name}@${from.toString(16)}`,
    properties: new Map([
      ['compatible', encodeString(compatible)],
      ['reg', new Uint8Array(Buffer.concat([encodeNumber(from, addressCells), encodeNumber(to - from, sizeCells)]))],
      ['no-map', new Uint8Array()],
    ]),
    children: [],
  })
  const ramoops = reserved('ramoops', 'ramoops', start + JOB_SIZE, end)
  setProperty(ramoops, 'record-size', encodeCells([RECORD_SIZE]))
  setProperty(ramoops, 'console-size', encodeCells([CONSOLE_SIZE]))
  const parent = ensureNode(fdt, '/reserved-memory')
  setProperty(parent, '#address-cells', encodeCells([addressCells]))
  setProperty(parent, '#size-cells', encodeCells([sizeCells]))
  setProperty(parent, 'ranges', new Uint8Array())
  parent.children.push(reserved('fauxboot-job', 'fauxboot,job', start, start + JOB_SIZE), ramoops)
  return writeFdt(fdt)
}
