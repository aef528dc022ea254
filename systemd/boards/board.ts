/** Boards as data: each file of systemd/boards is one board. */

import { readdir, readFile } from 'node:fs/promises'
import { basename, join } from 'node:path'
import Type, { type Static } from 'typebox'
import { Value } from 'typebox/value'
import { fault } from '../../agent/errors.js'
import { BOARDS_DIR } from '../paths.js'

const Address = Type.String({
  pattern: '^0x[0-9a-f]{1,8}$',
  description: 'address or size, hexadecimal',
})
const Name = Type.String({ pattern: '^[a-z0-9][a-z0-9-]*$' })
const strict = { additionalProperties: false } as const

const SdSchema = Type.Object(
  {
    /** where Debian keeps the real boot loader */
    bootloader: Type.Object({ package: Name, path: Type.String({ pattern: '^[^/]' }) }, strict),
    /** where the SoC's boot ROM looks for it on the card, in bytes */
    bootloaderOffset: Type.Integer({ minimum: 512, maximum: 1024 * 1024 }),
    /** replaces the boot loader's whole built-in environment */
    environment: Type.Object(
      {
        file: Type.String({ pattern: '^[A-Za-z0-9._-]+$' }),
        size: Address,
        /** the board's own: addresses where the boot loader puts kernel, dtb and ramdisk */
        variables: Type.Record(Type.String({ pattern: '^[A-Za-z0-9_]+$' }), Type.String({ pattern: '^[^\\n]*$' })),
      },
      strict,
    ),
  },
  strict,
)

const QemuSchema = Type.Object(
  {
    /** folder of systemd/qemu with a machine of our own, for which QEMU is built; Debian's QEMU without it */
    build: Type.Optional(Type.Literal('cubieboard4')),
    /** value of `-M` */
    machine: Type.String({ minLength: 1 }),
    /** value of `-cpu`; the machine's own without it */
    cpu: Type.Optional(Type.String({ minLength: 1 })),
    cpus: Type.Integer({ minimum: 1, maximum: 8 }),
    memoryMiB: Type.Integer({ minimum: 128, maximum: 3072 }),
    /** device of the network link; the machine's own without it */
    nic: Type.Optional(Type.String({ minLength: 1 })),
    /** which of the machine's UARTs is the console */
    serial: Type.Integer({ minimum: 0, maximum: 7 }),
    /** the machine starts from its SD card: QEMU loads no kernel into it */
    sdOnly: Type.Optional(Type.Literal(true)),
  },
  strict,
)

const BoardSchema = Type.Object(
  {
    /** same as the file's name */
    name: Name,
    title: Type.String({ minLength: 1 }),
    /** first address of RAM */
    ramBase: Address,
    console: Type.Object(
      {
        tty: Type.String({ pattern: '^tty[A-Za-z]+[0-9]+$' }),
        baud: Type.Integer({ minimum: 1200, maximum: 4_000_000 }),
      },
      strict,
    ),
    /** file of Debian's kernel package; without it the device tree comes from the emulator */
    dtb: Type.Optional(Type.String({ pattern: '^[A-Za-z0-9._-]+\\.dtb$' })),
    /** kernel modules of the first stage; what they depend on comes along */
    modules: Type.Array(Type.String({ pattern: '^[A-Za-z0-9_]+$' }), {
      uniqueItems: true,
    }),
    /** how QEMU emulates it, if it does */
    qemu: Type.Optional(QemuSchema),
    /** how it boots from an SD card */
    sd: Type.Optional(SdSchema),
  },
  strict,
)

export type Board = Static<typeof BoardSchema>
export type SdCard = Static<typeof SdSchema>

/**
 * Check what a board's file says.
 *
 * @param value the file's JSON
 * @param file its name, for the error; the board must have the same
 * @throws BOARD_DATA naming the place in the file, and what is expected there
 */
export function parseBoard(value: unknown, file: string): Board {
  for (const error of Value.Errors(BoardSchema, value)) {
    const extra = error.keyword === 'additionalProperties' ? `: ${String(error.params.additionalProperties)}` : ''
    // typebox reports the property itself first, as a schema that is false: the line about its owner says more.
    if (error.keyword === 'boolean') continue
    throw fault('BOARD_DATA', {
      file,
      where: error.instancePath || 'the board',
      reason: `${error.message}${extra}`,
    })
  }
  const board = Value.Parse(BoardSchema, value)
  if (board.name !== basename(file, '.json')) {
    throw fault('BOARD_DATA', {
      file,
      where: '/name',
      reason: `is ${board.name}, but must be that of the file`,
    })
  }
  if (board.qemu === undefined && board.sd === undefined) {
    throw fault('BOARD_DATA', {
      file,
      where: 'the board',
      reason: 'needs qemu or sd, or it cannot boot',
    })
  }
  if (board.qemu?.sdOnly && board.sd === undefined) {
    throw fault('BOARD_DATA', { file, where: '/sd', reason: 'is needed by a machine that starts from its SD card' })
  }
  if (board.sd !== undefined && board.dtb === undefined) {
    throw fault('BOARD_DATA', {
      file,
      where: '/dtb',
      reason: 'is needed to boot from an SD card',
    })
  }
  return board
}

/** Names of the boards that there are. */
export async function boardNames(dir = BOARDS_DIR): Promise<string[]> {
  const files = await readdir(dir)
  return files
    .filter(file => file.endsWith('.json'))
    .map(file => basename(file, '.json'))
    .sort()
}

/**
 * Read a board's data.
 *
 * @param name of the board
 * @param dir folder of the data files
 * @throws BOARD_DATA when there is no such board or its file is wrong
 */
export async function loadBoard(name: string, dir = BOARDS_DIR): Promise<Board> {
  const names = await boardNames(dir)
  const file = join(dir, `${name}.json`)
  if (!names.includes(name)) {
    throw fault('BOARD_DATA', {
      file,
      where: 'the board',
      reason: `is unknown; there are: ${names.join(', ')}`,
    })
  }
  const text = await readFile(file, 'utf8')
  let value: unknown
  try {
    value = JSON.parse(text)
  } catch (cause) {
    throw fault('BOARD_DATA', { file, where: 'the text', reason: `is not JSON: ${String(cause)}` }, cause)
  }
  return parseBoard(value, file)
}
