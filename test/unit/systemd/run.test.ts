import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import t from 'tap'
import { run, runUntil } from '../../../systemd/run.js'

t.test('a tool that fails is quoted', async t => {
  await t.rejects(run('trying', ['sh', '-c', 'echo why >&2; exit 3']), {
    code: 'BUILD_TOOL',
    details: { doing: 'trying', tool: 'sh', status: 'exit 3', reason: 'why' },
  })
  t.equal(String(await run('copying', ['cat'], { input: 'text' })), 'text')
})

t.test('a signal ends the tool that runs, with all that it started, and no later tool is started', async t => {
  const [begun, later] = ['begun', 'later'].map(name => join(t.testdirName, name)) as [string, string]
  t.testdir({})
  const stop = new AbortController()
  const interrupted = new Error('interrupted')
  const working = runUntil(stop.signal, async () => {
    try {
      await run('waiting', ['sh', '-c', 'sleep 600 & echo >"$1"; wait', 'sh', begun])
    } catch {
      // As what tries another mirror does.
    }
    await run('going on', ['touch', later])
  })
  while (!existsSync(begun)) await delay(10)
  stop.abort(interrupted)
  // The output of a tool ends when nothing is left that could write to it.
  await t.rejects(working, interrupted)
  t.notOk(existsSync(later))
  await t.rejects(
    runUntil(stop.signal, async () => t.fail('began')),
    interrupted,
  )
})

t.test('work that no signal interrupts has its result, and its errors', async t => {
  const { signal } = new AbortController()
  t.equal(String(await runUntil(signal, () => run('printing', ['echo', 'x']))), 'x\n')
  await t.rejects(
    runUntil(signal, () => run('failing', ['false'])),
    { code: 'BUILD_TOOL' },
  )
})
