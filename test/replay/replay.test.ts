import t, { type Test } from 'tap'
import { DIFFERENCES } from './differences.js'
import { recordedFiles } from './recorded-files.js'
import { type Files, RECORDINGS, recordedLab } from './recorded-lab.js'
import { recordedMachine } from './recorded-machine.js'
import { type Played, play, readRecording } from './replay.js'

const shown = (text: string): string => JSON.stringify(text.length > 30000 ? `${text.slice(0, 30000)}...` : text)

async function playRecording(t: Test, name: string, files: Files): Promise<Played[]> {
  const { world, content } = recordedLab(name, files)
  const { line, powerOn } = recordedMachine(t, world, content)
  const played: Played[] = []
  for (const exchange of readRecording(name)) {
    // Nothing was typed: the board was switched on, or Linux ended in a reset.
    if (exchange.sent === '') powerOn()
    else if (line.output.endsWith('kernel ...\r\n\r\n')) {
      // That kernel panicked, and the recording lacks the key that stopped the countdown.
      powerOn()
      await play(line, { label: '', sent: ' ', out: '' })
    }
    played.push(await play(line, exchange))
  }
  return played
}

t.test(
  'the console answers as the recorded U-Boot did, apart from the listed differences',
  { timeout: 600_000 },
  async t => {
    const files = await recordedFiles(t.testdir())
    const played: Played[] = []
    for (const name of RECORDINGS) {
      const session = await playRecording(t, name, files)
      t.comment(`${name}: ${session.filter(({ matched }) => matched).length} of ${session.length} match`)
      played.push(...session)
    }
    const differing = played.filter(({ matched }) => !matched)
    const counts = new Map(DIFFERENCES.map(({ reason }) => [reason, 0]))
    for (const { exchange, ours } of differing) {
      const reason = DIFFERENCES.find(({ fits }) => fits(exchange))?.reason
      if (reason === undefined)
        t.fail(`${shown(exchange.label || exchange.sent)} differs`, { theirs: exchange.out, ours })
      else counts.set(reason, (counts.get(reason) ?? 0) + 1)
      if (process.env.REPLAY_VERBOSE) t.comment(`theirs ${shown(exchange.out)}\nours   ${shown(ours)}`)
    }
    for (const { reason, count } of DIFFERENCES) t.equal(counts.get(reason), count, reason)
    t.comment(`${played.length - differing.length} of ${played.length} exchanges match`)
  },
)
