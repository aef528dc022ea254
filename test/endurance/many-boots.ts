/** Many boots of one emulated board in a row, by `fauxboot acceptance`, with the agent's memory in each. */

import { join } from 'node:path'
import { runAcceptance } from '../../lava/acceptance/acceptance.js'
import { COUNTDOWN } from '../../lava/acceptance/phase-clock.js'
import type { Round } from '../../lava/acceptance/round.js'
import { BoardClient } from '../../lava/client/board-client.js'
import type { BootWatcher, Target } from '../../lava/client/boot-job.js'
import { runBoardSession } from '../../lava/monitor/board-session.js'
import type { Board } from '../../systemd/boards/board.js'
import { emulatorDtb } from '../../systemd/image/emulator-dtb.js'
import { QemuBoard } from '../../systemd/qemu/qemu.js'
import { debianKernel } from '../../systemd/target/debian-kernel.js'
import { targetRamdisk } from '../../systemd/target/target-ramdisk.js'
import { remoteShellOverlay } from '../../systemd/target/test-overlay.js'
import { UNWATCHED } from '../bench/unwatched.js'
import { bridgeConsole } from '../board/console-bridge.js'
import { PATIENCE, TOKEN, testBoard } from '../board/lab.js'
import { RemoteShell } from '../board/remote-shell.js'
import { AgentMemoryWatch } from './agent-memory.js'
import type { EnduranceBoot, EnduranceResult } from './endurance-result.js'

/** Emulation on a busy machine is slow: for a boot with its checks, silence after the jump, and the agent's return. */
const LIMITS = { timeoutMs: 1_200_000, silenceMs: 300_000, waitSeconds: 600 } as const

export interface ManyBootsOptions {
  readonly boots: number
  readonly logFile: (boot: number) => string
  readonly note: (line: string) => void
  readonly signal: AbortSignal
  /** called after each boot with all boots until then */
  readonly onResult: (result: EnduranceResult) => Promise<void>
}

/**
 * Switch a board on, boot it many times, switch it off. What the board does wrong is in the result.
 *
 * @throws BOARD_DATA when it cannot be emulated, BUILD_TOOL, CONSOLE_SILENT before the first boot, the signal's reason
 */
export async function bootManyTimes(board: Board, options: ManyBootsOptions): Promise<void> {
  const { boots: wanted, note, signal, onResult } = options
  const target = await targetOf(board)
  const settings = await testBoard(board, { extraInitrd: [remoteShellOverlay()] })
  const [started, since] = [new Date().toISOString(), performance.now()]
  const qemu = await QemuBoard.start(settings)
  const ends: (() => unknown)[] = [() => qemu.stop()]
  try {
    await qemu.console.waitFor(COUNTDOWN, PATIENCE)
    const powerOn = (performance.now() - since) / 1000
    note(`power-on to countdown: ${powerOn.toFixed(1)} s`)
    await qemu.waitForAgent(PATIENCE)
    const { port } = await bridgeConsole({ teardown: end => void ends.unshift(end) }, qemu)
    const shell = await RemoteShell.open(qemu)
    const boots: EnduranceBoot[] = []
    let watch: AgentMemoryWatch | null = null
    const watcher: BootWatcher = {
      ...UNWATCHED,
      uploads() {
        watch = new AgentMemoryWatch(shell)
      },
    }
    await runAcceptance({
      ...LIMITS,
      ...{ version: '', boots: wanted, keepOn: true, target, watcher, signal, logFile: options.logFile },
      ...{ until: /login:/, login: { user: 'root' }, rebootCommand: 'reboot -f', runSession: runBoardSession },
      client: new BoardClient(new URL(qemu.url), { token: TOKEN }),
      console: `telnet://127.0.0.1:${port}`,
      onOutcome: (boot, { name, result, reason }) => {
        if (result === 'fail') note(`boot ${boot} of ${wanted}: ${name} failed: ${reason}`)
      },
      onRound: async (number, { round }) => {
        const boot = bootOf(round, watch)
        watch = null
        boots.push(boot)
        note(`boot ${number} of ${wanted}: ${sentence(boot)}`)
        await onResult({ started, board: board.name, wanted, powerOn, boots })
      },
    })
  } finally {
    for (const end of ends) await end()
  }
}

async function targetOf(board: Board): Promise<Target> {
  const { kernel, dtbs } = await debianKernel('trixie')
  return {
    kernel,
    ramdisk: await targetRamdisk({ loads: board.modules, withModules: true }),
    dtb: board.dtb === undefined ? await emulatorDtb(board) : join(dtbs, board.dtb),
    cmdline: `console=${board.console.tty},${board.console.baud}`,
    name: 'endurance',
    options: {},
  }
}

function bootOf({ checks, phases, seconds }: Round, watch: AgentMemoryWatch | null): EnduranceBoot {
  const passed = checks.every(({ result }) => result !== 'fail')
  return { passed, seconds, phases, memory: watch?.stop() ?? { idle: null, peak: null } }
}

function sentence({ passed, seconds, memory: { idle, peak } }: EnduranceBoot): string {
  const mib = (value: number | null): string => (value === null ? 'unknown' : `${value.toFixed(1)} MiB`)
  return `${passed ? 'passed' : 'failed'} in ${seconds.toFixed(1)} s; agent ${mib(idle)}, at its peak ${mib(peak)}`
}
