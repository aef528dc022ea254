/** `npm run endurance`: boot an emulated board many times in a row, and record times and the agent's memory. */

import { mkdir, writeFile } from 'node:fs/promises'
import { join, resolve } from 'node:path'
import { Command, InvalidArgumentError } from 'commander'
import { Interruption } from '../../lava/terminal/terminal.js'
import { loadBoard } from '../../systemd/boards/board.js'
import { type EnduranceResult, enduranceSvg, enduranceText, hasPassed } from './endurance-result.js'
import { bootManyTimes } from './many-boots.js'

const BOOTS_LIMIT = 1000

function count(text: string): number {
  const number = Number(text)
  if (Number.isInteger(number) && number >= 1 && number <= BOOTS_LIMIT) return number
  throw new InvalidArgumentError(`expected a whole number from 1 to ${BOOTS_LIMIT}`)
}

const { boots, board, out, json } = new Command('npm run endurance --')
  .description('boot an emulated board many times in a row; exit code 1 if a boot fails')
  .option('--boots <number>', 'how often the target is booted', count, 50)
  .option('--board <name>', 'a board of systemd/boards that QEMU emulates', 'virt')
  .option('--out <dir>', 'folder for result.txt, result.json, result.svg and console logs', '.tap/endurance')
  .option('--json', 'print the result as JSON instead of text')
  .addHelpText(
    'after',
    `
The board is switched on once. Each boot goes from the first stage's countdown to the target's prompt, runs the checks of
"fauxboot acceptance" there, and reboots the board from the target back to the countdown. The result is written after each
boot. A boot takes about a minute.

Exit codes:
  0        all boots passed
  1        a boot failed, or the board did not come back
  130,143  interrupted; the result has the boots until then

Example: npm run endurance -- --boots 50 --board virt --out endurance`,
  )
  .parse()
  .opts<{ boots: number; board: string; out: string; json?: boolean }>()

const interrupted = new AbortController()
for (const signal of ['SIGINT', 'SIGTERM'] as const) {
  process.once(signal, () => interrupted.abort(new Interruption(signal)))
}

const folder = resolve(out)
await mkdir(folder, { recursive: true })
let result: EnduranceResult | null = null
try {
  await bootManyTimes(await loadBoard(board), {
    boots,
    logFile: number => join(folder, `boot-${number}-console.log`),
    note: line => console.error(line),
    signal: interrupted.signal,
    onResult: async soFar => {
      result = soFar
      await writeFile(join(folder, 'result.json'), `${JSON.stringify(soFar, null, 2)}\n`)
      await writeFile(join(folder, 'result.txt'), enduranceText(soFar))
      await writeFile(join(folder, 'result.svg'), enduranceSvg(soFar))
    },
  })
} catch (thrown) {
  if (!(thrown instanceof Interruption)) throw thrown
  console.error(thrown.message)
  process.exitCode = thrown.exitCode
}
report(result)

function report(result: EnduranceResult | null): void {
  if (result === null || !hasPassed(result)) process.exitCode ??= 1
  if (result === null) return
  console.log(json ? JSON.stringify(result, null, 2) : `${enduranceText(result)}\n${join(folder, 'result.svg')}`)
}
