/** The boot of the demonstration, typed at the faked U-Boot over the serial line as LAVA types it. */

import { readFile } from 'node:fs/promises'
import { fault } from '../../agent/errors.js'
import { packUImage } from '../../agent/image/uimage.js'
import { unlessAborted } from '../../agent/transfer/abort.js'
import type { Board } from '../../systemd/board.js'
import type { SerialConsole } from '../../systemd/serial-console.js'
import type { Target } from '../boot-job.js'
import { formatBytes } from '../quantities.js'
import { type FileServer, serveFiles } from './file-server.js'
import type { Stopwatch } from './stopwatch.js'

export interface TypedBootParts {
  readonly board: Board
  readonly console: SerialConsole
  readonly target: Target
  readonly stopwatch: Stopwatch
  /** Tell what goes on beside the serial line. */
  readonly note: (line: string) => void
  readonly signal: AbortSignal
}

/** This machine, as the board behind QEMU's user network sees it. */
const SERVER = '10.0.2.2'

/** For each answer, ms: emulation on a busy machine is slow. */
const PATIENCE = { timeoutMs: 600_000 } as const

/** Where LAVA's device types of Allwinner boards have them, bytes from the start of RAM. */
const PLACES = { kernel: 0x200_0000, dtb: 0x300_0000, ramdisk: 0x330_0000 } as const

/** What is typed, and what the answer must have in it. */
type Typed = readonly [line: string, expected?: string]

/** LAVA's lines of a job with `commands: ramdisk`, method `u-boot`, and one more. */
function typedLines({ board, target }: TypedBootParts, server: FileServer): readonly Typed[] {
  const at = (what: keyof typeof PLACES): string => `0x${(Number(board.ramBase) + PLACES[what]).toString(16)}`
  const load = (what: keyof typeof PLACES): Typed => [`tftp ${at(what)} ${what}`, 'Bytes transferred = ']
  return [
    ['setenv autoload no'],
    ['setenv initrd_high 0xffffffff'],
    ['setenv fdt_high 0xffffffff'],
    ['dhcp', 'DHCP client bound'],
    [`setenv serverip ${SERVER}`],
    // A lab's server has port 69, and LAVA does not type this; at 10.0.2.2 that port is QEMU's own.
    [`setenv tftpdstp ${server.port}`],
    load('kernel'),
    load('ramdisk'),
    ['setenv initrd_size ${filesize}'],
    load('dtb'),
    [`setenv bootargs '${target.cmdline}'`],
    [`bootz ${at('kernel')} ${at('ramdisk')} ${at('dtb')}`, 'Starting kernel ...'],
  ]
}

/** The target's files by the names they are asked for; the ramdisk has the header that LAVA's `mkimage` gives it. */
async function targetFiles({ kernel, ramdisk = '', dtb = '' }: Target): Promise<Map<string, Uint8Array>> {
  const header = { type: 'ramdisk', arch: 'arm', compression: 'none', load: 0, entry: 0, name: '' } as const
  return new Map([
    ['kernel', await readFile(kernel)],
    ['ramdisk', packUImage({ ...header, time: Math.floor(Date.now() / 1000) }, await readFile(ramdisk))],
    ['dtb', await readFile(dtb)],
  ])
}

/**
 * From power-on to the jump.
 *
 * @throws CONSOLE_TIMEOUT, CONSOLE_ENDED, INTERNAL when the board answers something else; the signal's reason
 */
export async function bootTyped(parts: TypedBootParts): Promise<void> {
  const { console, target, stopwatch, note, signal } = parts
  const waitFor = (pattern: RegExp | string): Promise<RegExpExecArray> =>
    unlessAborted(console.waitFor(pattern, PATIENCE), signal)
  const files = await targetFiles(target)
  const server = await serveFiles(files, note)
  try {
    note(`a TFTP server has its files at 127.0.0.1:${server.port}, which is ${SERVER} for the board`)
    await waitFor('Hit any key to stop autoboot')
    stopwatch.lap('power-on to countdown')
    console.send('\n')
    await waitFor(/=> $/)
    for (const [line, expected = ''] of typedLines(parts, server)) {
      const booting = line.startsWith('bootz')
      if (booting) stopwatch.lap('settings and TFTP', formatBytes(sizeOf(files)))
      console.send(`${line}\n`)
      const [answer] = await waitFor(booting ? /[\s\S]*(?:Starting kernel \.\.\.|\n=> $)/ : /[\s\S]*=> $/)
      if (!answer.includes(expected))
        throw fault('INTERNAL', { doing: `typing ${line}`, reason: JSON.stringify(answer) })
    }
    stopwatch.lap('bootz to jump')
  } finally {
    server.close()
  }
}

function sizeOf(files: ReadonlyMap<string, Uint8Array>): number {
  return [...files.values()].reduce((sum, { length }) => sum + length, 0)
}
