/** Reads and checks the boards' data: each JSON file in systemd/boards describes one board. */

import { readdir, readFile } from 'node:fs/promises'
import { basename, join } from 'node:path'
import Type, { type Static } from 'typebox'
import { fault } from '../../agent/errors.js'
import { checkValue } from '../../lava/schema/schema-check.js'
import { BOARDS_DIR } from '../paths.js'

const Address = Type.String({
  pattern: '^0x[0-9a-f]{1,8}$',
  description: 'address or size, hexadecimal',
})
const Blocks = Type.String({
  pattern: '^0x[1-9a-f][0-9a-f]{0,3}0000$',
  description: 'address or size, hexadecimal, a multiple of 64 KiB',
})
const Name = Type.String({ pattern: '^[a-z0-9][a-z0-9-]*$' })
const strict = { additionalProperties: false } as const

const SdSchema = Type.Object(
  {
    /** the real boot loader: Debian's package, and the file's path in it */
    bootloader: Type.Object(
      {
        package: Name,
        path: Type.String({ pattern: '^[^/]' }),
        /** the boot loader reads the card whatever the card-detect pin reports */
        ignoreCardDetect: Type.Optional(Type.Literal(true)),
      },
      strict,
    ),
    /** offset on the card at which the SoC's boot ROM reads the boot loader, bytes */
    bootloaderOffset: Type.Integer({ minimum: 512, maximum: 1024 * 1024 }),
    /** kernel modules that the card's controller needs; they load only while an update is written */
    modules: Type.Array(Type.String({ pattern: '^[A-Za-z0-9_]+$' }), { minItems: 1, uniqueItems: true }),
    /** replaces the boot loader's whole built-in environment */
    environment: Type.Object(
      {
        file: Type.String({ pattern: '^[A-Za-z0-9._-]+$' }),
        size: Address,
        /** variables of this board: the addresses to which the boot loader loads kernel, dtb and ramdisk */
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
    /** value of `-cpu`; by default, the machine's own */
    cpu: Type.Optional(Type.String({ minLength: 1 })),
    cpus: Type.Integer({ minimum: 1, maximum: 8 }),
    memoryMiB: Type.Integer({ minimum: 128, maximum: 3072 }),
    /** network device; by default, the machine's own */
    nic: Type.Optional(Type.String({ minLength: 1 })),
    /** number of the machine's UART that is the console */
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
    /** targets get `earlycon`: the console's UART appears late, and only after a driver that is usually a module */
    earlycon: Type.Optional(Type.Literal(true)),
    /** more words for the command line of the first stage's kernel */
    cmdline: Type.Optional(Type.Array(Type.String({ pattern: '^[^\\s"]+$' }))),
    /** file in Debian's kernel package; without it, the emulator makes the device tree */
    dtb: Type.Optional(Type.String({ pattern: '^[A-Za-z0-9._-]+\\.dtb$' })),
    /** RAM that no boot loader and no kernel uses, for the last words of targets; multiples of 64 KiB */
    ramoops: Type.Optional(Type.Object({ address: Blocks, size: Blocks }, strict)),
    /** kernel modules of the first stage, in the order in which they load; their dependencies are added */
    modules: Type.Array(Type.String({ pattern: '^[A-Za-z0-9_]+$' }), {
      uniqueItems: true,
    }),
    /** how QEMU emulates the board, if it can */
    qemu: Type.Optional(QemuSchema),
    /** how the board boots from an SD card, if it does */
    sd: Type.Optional(SdSchema),
  },
  strict,
)

/** The note about the job, the console, and two dumps, of 64 KiB each but for the console. */
const SMALLEST_RAMOOPS = 0x50000

export type Board = Static<typeof BoardSchema>
export type SdCard = Static<typeof SdSchema>

/**
 * Check the content of a board's file.
 *
 * @param value the file's JSON
 * @param file its name, for errors; it must match the board's name
 * @throws BOARD_DATA with the place in the file and what is expected there
 */
export function parseBoard(value: unknown, file: string): Board {
  const board = checkValue(BoardSchema, value, ({ where, reason, found }) =>
    fault('BOARD_DATA', {
      file,
      where: where || 'the board',
      reason: found === 'nothing' ? reason : `${reason}, found ${found}`,
    }),
  )
  if (board.name !== basename(file, '.json')) {
    throw fault('BOARD_DATA', {
      file,
      where: 'name',
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
    throw fault('BOARD_DATA', { file, where: 'sd', reason: 'is needed by a machine that starts from its SD card' })
  }
  if (board.ramoops !== undefined && Number(board.ramoops.size) < SMALLEST_RAMOOPS) {
    throw fault('BOARD_DATA', {
      file,
      where: 'ramoops.size',
      reason: `must be 0x${SMALLEST_RAMOOPS.toString(16)} or more`,
    })
  }
  if (board.sd !== undefined && board.dtb === undefined) {
    throw fault('BOARD_DATA', {
      file,
      where: 'dtb',
      reason: 'is needed to boot from an SD card',
    })
  }
  return board
}

/** Names of all boards, sorted. */
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
 * @throws BOARD_UNKNOWN; BOARD_DATA if its file is wrong
 */
export async function loadBoard(name: string, dir = BOARDS_DIR): Promise<Board> {
  const names = await boardNames(dir)
  const file = join(dir, `${name}.json`)
  if (!names.includes(name)) throw fault('BOARD_UNKNOWN', { name, known: names.join(', ') })
  const text = await readFile(file, 'utf8')
  let value: unknown
  try {
    value = JSON.parse(text)
  } catch (cause) {
    throw fault('BOARD_DATA', { file, where: 'the text', reason: `is not JSON: ${String(cause)}` }, cause)
  }
  return parseBoard(value, file)
}
