/** `bdinfo` and `coninfo`: what U-Boot knows of its board. */

import { parseFdt } from '../../../image/fdt/fdt.js'
import { findNode, propString } from '../../../image/fdt/fdt-query.js'
import type { BoardFacts } from '../../board/board-facts.js'
import { hex8, parseHex } from '../../lib/numbers.js'
import type { Command, Machine } from '../../machine/machine.js'

const label = (name: string) => name.padEnd(12)
const text = (name: string, value: string) => `${label(name)}= ${value}\n`
const number = (name: string, value: number) => text(name, `0x${hex8(value)}`)

/** How far below the end of DRAM a U-Boot of this version keeps its parts, bytes. */
const BELOW_THE_END = {
  code: 0x91_d000,
  translation: 0x1_0000,
  interruptStack: 0x1a7_e010,
  stack: 0x1a7_e020,
  fdt: 0x1a5_d190,
  // from, to
  reserved: [
    [0x2a8_8000, 0x2a7_f000, 'no-notify, no-overwrite'],
    [0x2a7_e020, 0, 'no-overwrite'],
  ],
} as const

function regions(kind: string, list: readonly (readonly [start: number, end: number, flags: string])[]): string {
  const lines = list.map(([start, end, flags], index) => {
    const last = `0x${(end - 1).toString(16)}`
    return ` ${kind}[${index}]\t[0x${start.toString(16)}-${last}], 0x${(end - start).toString(16)} bytes, flags: ${flags}\n`
  })
  return ` ${kind}.count = 0x${list.length.toString(16)}\n${lines.join('')}`
}

/** The node of the console's device, by its name: `serial@7000000`. Null where the board's tree does not say. */
function serialName({ controlFdt }: BoardFacts): string | null {
  if (controlFdt === null) return null
  const fdt = parseFdt(controlFdt, 'control tree')
  const chosen = findNode(fdt, '/chosen')
  const [path = ''] = (chosen && propString(chosen, 'stdout-path'))?.split(':') ?? []
  return findNode(fdt, path)?.name || null
}

async function boardInfo({ out, board, env, network }: Machine): Promise<number> {
  const top = board.dram.at(-1)?.end ?? 0
  const [ethernet] = await network.devices()
  const reserved = BELOW_THE_END.reserved.map(([from, to, flags]) => [top - from, top - to, flags] as const)
  const fdt = env.get('fdtcontroladdr')
  const [, serialAddress = ''] = serialName(board)?.split('@') ?? []
  const parts = [
    number('boot_params', 0),
    ...board.dram.flatMap(({ start, end }, index) => [
      number('DRAM bank', index),
      number('-> start', start),
      number('-> size', end - start),
    ]),
    number('flashstart', 0),
    number('flashsize', 0),
    number('flashoffset', 0),
    text('baudrate', `${env.get('baudrate') ?? board.baudrate} bps`),
    number('relocaddr', top - BELOW_THE_END.code),
    number('reloc off', top - BELOW_THE_END.code),
    text('Build', '32-bit'),
    ...(ethernet === undefined
      ? []
      : [text('current eth', ethernet.name), text('ethaddr', env.get('ethaddr') ?? '(not set)')]),
    text('IP addr', env.get('ipaddr') ?? '<NULL>'),
    number('fdt_blob', fdt === undefined ? top - BELOW_THE_END.fdt : parseHex(fdt)),
    'lmb_dump_all:\n',
    regions(
      'memory',
      board.dram.map(({ start, end }) => [start, end, 'none']),
    ),
    regions('reserved', reserved),
    text('devicetree', 'board'),
    number('serial addr', parseHex(serialAddress)),
    number(' width', 4),
    number(' shift', 2),
    number(' offset', 0),
    number(' clock', 0),
    number('arch_number', 0),
    number('TLB addr', top - BELOW_THE_END.translation),
    number('irq_sp', top - BELOW_THE_END.interruptStack),
    number('sp start', top - BELOW_THE_END.stack),
    'Early malloc usage: 1030 / 2000\n',
  ]
  out.write(parts.join(''))
  return 0
}

function consoleInfo({ out, env, board }: Machine): number {
  const device = serialName(board)
  out.write(`List of available devices\n${device === null ? '' : `|-- ${device} (IO)\n`}|-- serial (IO)\n`)
  for (const stream of ['stdin', 'stdout', 'stderr']) {
    const devices = env.get(stream)?.split(',') ?? ['serial']
    if (devices.includes('serial')) out.write(`|   |-- ${stream}\n`)
  }
  out.write('|-- nulldev (IO)\n')
  return 0
}

export const bdinfoCommands: readonly Command[] = [
  {
    name: 'bdinfo',
    maxArgs: 2,
    repeatable: true,
    summary: 'print Board Info structure',
    usage: '\n  - print all Board Info structure',
    run: boardInfo,
  },
  {
    name: 'coninfo',
    maxArgs: 3,
    repeatable: true,
    summary: 'print console devices and information',
    usage: '',
    run: consoleInfo,
  },
]
