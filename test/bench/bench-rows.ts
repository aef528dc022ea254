/** The rows of the benchmark: what each measures, and what it needs for that. */

import { loadBoard } from '../../systemd/boards/board.js'
import { type BoardImage, buildBoardImage } from '../../systemd/image/board-image.js'
import { emulatorDtb } from '../../systemd/image/emulator-dtb.js'
import { measureAgentStart } from './agent-start.js'
import { measureBoardStart, measureCardStart } from './board-start.js'
import { measureDecompression } from './decompression.js'
import { measureEcho } from './echo.js'
import { measureEventLoopOnBoard } from './event-loop-on-board.js'
import type { Figure } from './figure.js'
import { measureEventStreams } from './growth/event-streams.js'
import { measureJobSizes } from './growth/job-sizes.js'
import { measureManyBoards } from './growth/many-boards.js'
import { measureHttpOnBoard } from './http-on-board.js'
import { measureJobToJump } from './job-to-jump.js'
import { measureOnBoard } from './memory.js'
import { measurePacedEcho } from './paced-echo.js'
import { measurePlanAndLoad } from './plan-and-load.js'
import { measureTftp } from './tftp.js'
import { measureTftpOnBoard } from './tftp-on-board.js'
import { measureUpload } from './upload.js'

/** What a row may use. */
export interface BenchSetting {
  /** how often it measures */
  readonly runs: number
  /** of the emulated `virt`, and the tree that QEMU makes for it; built when it is asked for */
  board(): Promise<{ readonly image: BoardImage; readonly dtb: string }>
  /** of any board */
  image(name: string): Promise<BoardImage>
}

interface BenchRow {
  readonly name: string
  /** on an idle machine, with 5 runs */
  readonly minutes: number
  readonly about: string
  measure(setting: BenchSetting): Promise<Figure | Figure[]>
}

export async function settingFor(runs: number): Promise<BenchSetting> {
  return {
    runs,
    image: async name => buildBoardImage(await loadBoard(name)),
    async board() {
      const board = await loadBoard('virt')
      return { image: await buildBoardImage(board), dtb: await emulatorDtb(board) }
    },
  }
}

export const BENCH_ROWS: readonly BenchRow[] = [
  {
    name: 'agent start',
    minutes: 1,
    about: 'the agent to its first answer, against an empty Node',
    // What starts a process on this machine is quick, and more easily disturbed.
    measure: ({ runs }) => measureAgentStart(runs * 3),
  },
  {
    name: 'upload',
    minutes: 1,
    about: '256 MiB to the agent with sha256, against curl and sha256sum',
    measure: ({ runs }) => measureUpload(runs),
  },
  {
    name: 'decompression',
    minutes: 1,
    about: "a job's streams against the command-line tools",
    measure: ({ runs }) => measureDecompression(runs),
  },
  {
    name: 'TFTP',
    minutes: 5,
    about: "GET over loopback, with equal options and with each client's own",
    measure: ({ runs }) => measureTftp(runs),
  },
  {
    name: 'TFTP on the board',
    minutes: 4,
    about: 'the same over the emulated network',
    measure: async ({ runs, board }) => measureTftpOnBoard((await board()).image, runs),
  },
  {
    name: 'HTTP on the board',
    minutes: 3,
    about: '256 MiB with sha256, fetched and uploaded, against busybox',
    measure: async ({ board }) => measureHttpOnBoard((await board()).image),
  },
  {
    name: 'power-on',
    minutes: 2,
    about: 'to the first answer, against a getty',
    measure: async ({ runs, board }) => measureBoardStart((await board()).image, runs),
  },
  {
    name: 'power-on of an Allwinner',
    minutes: 6,
    about: 'the same on orangepi-pc, and from the SD card of a Cubieboard4',
    measure: async ({ runs, image }) => [
      ...(await measureBoardStart(await image('orangepi-pc'), Math.min(runs, 3))),
      await measureCardStart(await image('cubieboard4')),
    ],
  },
  {
    name: 'plan and load',
    minutes: 4,
    about: 'against kexec -l',
    measure: async ({ runs, board }) => {
      const { image, dtb } = await board()
      return measurePlanAndLoad(image, dtb, runs)
    },
  },
  {
    name: 'job to jump',
    minutes: 4,
    about: 'against the script that people write: wget three times, kexec -l, kexec -e',
    measure: async ({ board }) => {
      const { image, dtb } = await board()
      return measureJobToJump(image, dtb)
    },
  },
  {
    name: 'memory',
    minutes: 1,
    about: 'of the agent, idle and in a job with 300 MiB',
    measure: async ({ runs, board }) => {
      const { image, dtb } = await board()
      return measureOnBoard(image, dtb, runs)
    },
  },
  {
    name: 'echo',
    minutes: 2,
    about: '10,000 times, each after its prompt, against a real U-Boot and a shell',
    measure: async ({ runs, board }) => [...(await measureEcho((await board()).image)), await measurePacedEcho(runs)],
  },
  {
    name: 'event loop on the board',
    minutes: 2,
    about: 'how long each part of a job blocks it',
    measure: async ({ board }) => {
      const { image, dtb } = await board()
      return measureEventLoopOnBoard(image, dtb)
    },
  },
  { name: 'job sizes', minutes: 1, about: 'a job with 8 to 512 MiB of artifacts', measure: () => measureJobSizes() },
  { name: 'event streams', minutes: 1, about: '1 to 1,000 of them', measure: () => measureEventStreams() },
  { name: 'many boards', minutes: 2, about: '1 to 16 agents fed by one machine', measure: () => measureManyBoards() },
]
