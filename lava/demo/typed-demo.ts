/** The boot of the demonstration, typed at the fake U-Boot over the serial line as LAVA types it. */

import { unlessAborted } from '../../agent/transfer/abort.js'
import type { Board } from '../../systemd/boards/board.js'
import type { SerialConsole } from '../../systemd/qemu/serial-console.js'
import type { Target } from '../client/boot-job.js'
import { ConsoleExpect } from '../console/expect.js'
import { bootServedFiles } from '../monitor/boot-methods.js'
import { ConsoleText } from '../monitor/console-text.js'
import { serveWithNpmTftp } from './npm-tftp-server.js'
import type { Stopwatch } from './stopwatch.js'

export interface TypedDemoParts {
  readonly board: Board
  readonly console: SerialConsole
  readonly target: Target
  readonly stopwatch: Stopwatch
  /** Report progress beside the serial line. */
  readonly note: (line: string) => void
  readonly signal: AbortSignal
}

/** This machine's loopback, as the board sees it through QEMU's user network. */
const SERVER = '10.0.2.2'

/** For the countdown, seconds: emulation on a busy machine is slow. */
const WAIT_SECONDS = 600

/** Where LAVA's device types of Allwinner boards have them, bytes from the start of RAM. */
const PLACES = { kernel: 0x200_0000, dtb: 0x300_0000, ramdisk: 0x330_0000 } as const

/**
 * From power-on to the jump.
 *
 * @throws CONSOLE_SILENT, BOOT_TYPED, CLI_FILE; the signal's reason
 */
export async function bootTyped({ board, console, target, stopwatch, note, signal }: TypedDemoParts): Promise<void> {
  const at = (what: keyof typeof PLACES): string => `0x${(Number(board.ramBase) + PLACES[what]).toString(16)}`
  const { kernel, ramdisk, dtb, cmdline } = target
  const places = { kernel: at('kernel'), ramdisk: at('ramdisk'), dtb: at('dtb') }
  const watcher = {
    prompted: () => stopwatch.lap('power-on to countdown'),
    booting: () => stopwatch.lap('settings and TFTP'),
  }
  const expect = new ConsoleExpect({ name: board.name, send: async text => console.send(text) })
  const text = new ConsoleText({ onText: said => expect.receive(said), onLine: () => undefined })
  const hear = (said: string): void => text.receive(Buffer.from(said))
  console.on('data', hear)
  try {
    const method = bootServedFiles({
      boot: { files: { kernel, ramdisk, dtb }, places, cmdline },
      ...{ address: SERVER, serve: serveWithNpmTftp, waitSeconds: WAIT_SECONDS, watcher },
    })
    const nothing = (): void => undefined
    const driven = method({
      expect,
      poweredAt: performance.now(),
      bootLoaderReached: nothing,
      handedOver: nothing,
      note,
      signal,
    })
    await unlessAborted(driven, signal)
    stopwatch.lap('bootz to jump')
  } finally {
    console.off('data', hear)
    expect.end(signal.reason)
  }
}
