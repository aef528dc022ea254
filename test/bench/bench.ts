/** `npm run bench [-- --runs N] [--only NAME]`: print what fauxboot takes, each figure beside its peer's in the same run. */

import { mkdirSync, statSync, writeFileSync } from 'node:fs'
import { cpus, release } from 'node:os'
import { dirname } from 'node:path'
import { Command, InvalidArgumentError, Option } from 'commander'
import { loadBoard } from '../../systemd/boards/board.js'
import { type BoardImage, buildBoardImage } from '../../systemd/image/board-image.js'
import { emulatorDtb } from '../../systemd/image/emulator-dtb.js'
import { ratioChart } from '../chart/ratio-chart.js'
import { measureAgentStart } from './agent-start.js'
import { measureBoardStart } from './board-start.js'
import { measureEcho } from './echo.js'
import { type Figure, ratioRow, renderFigures } from './figure.js'
import { measureOnBoard } from './memory.js'
import { measurePlanAndLoad } from './plan-and-load.js'
import { measureTftp } from './tftp.js'
import { measureTftpOnBoard } from './tftp-on-board.js'
import { measureUpload } from './upload.js'

interface Setting {
  readonly image: BoardImage
  readonly dtb: string
  readonly runs: number
}

const MEASUREMENTS: Readonly<Record<string, (setting: Setting) => Promise<Figure | Figure[]>>> = {
  // What starts a process on this machine is quick, and more easily disturbed.
  'agent start': ({ runs }) => measureAgentStart(runs * 3),
  upload: ({ runs }) => measureUpload(runs),
  TFTP: ({ runs }) => measureTftp(runs),
  'TFTP on the board': ({ image, runs }) => measureTftpOnBoard(image, runs),
  'power-on': ({ image, runs }) => measureBoardStart(image, runs),
  'plan and load': ({ image, dtb, runs }) => measurePlanAndLoad(image, dtb, runs),
  memory: ({ image, dtb, runs }) => measureOnBoard(image, dtb, runs),
  echo: ({ image }) => measureEcho(image),
}

function count(text: string): number {
  const number = Number(text)
  if (!Number.isInteger(number) || number < 1) throw new InvalidArgumentError('expected a whole number from 1 on')
  return number
}

const { runs, only, svg } = new Command('npm run bench --')
  .description("print what fauxboot takes, each figure beside its peer's in the same run")
  .option('--runs <count>', 'how often each is measured', count, 5)
  .addOption(new Option('--only <name>', 'one measurement').choices(Object.keys(MEASUREMENTS)))
  .option('--svg <file>', 'draw each ratio, with the spread of the runs', '.tap/bench/bench.svg')
  .addHelpText('after', "\nExample: npm run bench -- --runs 3 --only 'plan and load'")
  .parse()
  .opts<{ runs: number; only?: string; svg: string }>()

const board = await loadBoard('virt')
const image = await buildBoardImage(board)
const dtb = await emulatorDtb(board)

const figures: Figure[] = []
for (const [name, measure] of Object.entries(MEASUREMENTS)) {
  if (only !== undefined && only !== name) continue
  process.stderr.write(`measuring: ${name}\n`)
  figures.push(...[await measure({ image, dtb, runs })].flat())
}
console.log(renderFigures(figures))
const machine = `Node ${process.version} on ${cpus().length} cores (${cpus()[0]?.model}), Linux ${release()}`
mkdirSync(dirname(svg), { recursive: true })
writeFileSync(svg, ratioChart(`fauxboot and its peers: ${machine}`, figures.map(ratioRow)))
const mebibytes = (path: string): string => `${(statSync(path).size / 2 ** 20).toFixed(1)} MiB`
console.log(`\nImage for ${board.name}: kernel ${mebibytes(image.kernel)}, initramfs ${mebibytes(image.initramfs)}.`)
console.log(`Measured with ${machine}.`)
console.log(`${svg}: the ratios`)
