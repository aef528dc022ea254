import t, { type Test } from 'tap'
import { DIFFERENCES } from './differences.js'
import { recordedFiles } from './recorded-files.js'
import { recordedMachine } from './recorded-machine.js'
import { type Played, play, readRecording } from './replay.js'
import { type Files, RECORDINGS, surroundings } from './surroundings.js'

/** The share of all exchanges that must be the same. */
const LEAST = 0.9

const shown = (text: string): string => JSON.stringify(text.length > 30000 ? `${text.slice(0, 30000)}...` : text)

async function playRecording(t: Test, name: string, files: Files): Promise<Played[]> {
  const { world, content } = surroundings(name, files)
  const { line, powerOn } = recordedMachine(t, world, content)
  const played: Played[] = []
  for (const exchange of readRecording(name)) {
    // Where nothing was typed, the board had been switched on, or Linux had ended in a reset.
    if (exchange.sent === '') powerOn()
    else if (line.output.endsWith('kernel ...\r\n\r\n')) {
      // That kernel had panicked, and nobody recorded the interrupt.
      powerOn()
      await play(line, { label: '', sent: ' ', out: '' })
    }
    played.push(await play(line, exchange))
  }
  return played
}

t.test('the console answers as the recorded U-Boot did', { timeout: 600_000 }, async t => {
  const files = await recordedFiles(t.testdir())
  const totals = { matched: 0, of: 0 }
  for (const name of RECORDINGS) {
    const played = await playRecording(t, name, files)
    const matched = played.filter(({ matched }) => matched).length
    t.comment(`${name}: matched ${matched} of ${played.length}`)
    for (const { exchange, ours, matched } of played) {
      if (matched) continue
      const why = DIFFERENCES.find(({ fits }) => fits(exchange))?.reason ?? 'NOT EXPLAINED'
      t.comment(`  differs: ${shown(exchange.label || exchange.sent)}: ${why}`)
      if (process.env.REPLAY_VERBOSE) t.comment(`    theirs ${shown(exchange.out)}\n    ours   ${shown(ours)}`)
    }
    totals.matched += matched
    totals.of += played.length
  }
  t.comment(`overall: matched ${totals.matched} of ${totals.of}`)
  t.ok(totals.matched / totals.of >= LEAST, `at least ${LEAST * 100} % are the same`)
})
