/**
 * `npm run bench [-- --runs N] [--only NAME]`: print what fauxboot takes, each figure beside its peer's in the same run.
 * NAME is one of the measurements below.
 */

import { statSync } from 'node:fs'
import { cpus, release } from 'node:os'
import { parseArgs } from 'node:util'
import { emulatorDtb } from '../../lava/demo/target.js'
import { loadBoard } from '../../systemd/board.js'
import { buildBoardImage } from '../../systemd/board-image.js'
import { measureAgentStart } from './agent-start.js'
import { measureBoardStart } from './board-start.js'
import { measureEcho } from './echo.js'
import { type Figure, renderFigures } from './figure.js'
import { measureOnBoard } from './memory.js'
import { measurePlanAndLoad } from './plan-and-load.js'
import { measureTftp } from './tftp.js'
import { measureTftpOnBoard } from './tftp-on-board.js'
import { measureUpload } from './upload.js'

const { values } = parseArgs({ options: { runs: { type: 'string', default: '5' }, only: { type: 'string' } } })
const runs = Number(values.runs)
/** What starts a process on this machine is quick, and more easily disturbed. */
const localRuns = runs * 3

const board = await loadBoard('virt')
const image = await buildBoardImage(board)
const dtb = await emulatorDtb(board)

const measurements: readonly (readonly [string, () => Promise<Figure | Figure[]>])[] = [
  ['agent start', () => measureAgentStart(localRuns)],
  ['upload', () => measureUpload(runs)],
  ['TFTP', () => measureTftp(runs)],
  ['TFTP on the board', () => measureTftpOnBoard(image, runs)],
  ['power-on', () => measureBoardStart(image, runs)],
  ['plan and load', () => measurePlanAndLoad(image, dtb, runs)],
  ['memory', () => measureOnBoard(image, dtb, runs)],
  ['echo', () => measureEcho(image)],
]

const figures: Figure[] = []
const chosen = measurements.filter(([name]) => values.only === undefined || values.only === name)
if (chosen.length === 0) throw new Error(`--only: one of ${measurements.map(([name]) => name).join(', ')}`)
for (const [name, measure] of chosen) {
  process.stderr.write(`measuring: ${name}\n`)
  figures.push(...[await measure()].flat())
}
console.log(renderFigures(figures))
const mebibytes = (path: string): string => `${(statSync(path).size / 2 ** 20).toFixed(1)} MiB`
console.log(`\nImage for ${board.name}: kernel ${mebibytes(image.kernel)}, initramfs ${mebibytes(image.initramfs)}.`)
console.log(
  `Measured with Node ${process.version} on ${cpus().length} cores (${cpus()[0]?.model}), Linux ${release()}.`,
)
