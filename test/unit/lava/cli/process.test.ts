import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { extname, join } from 'node:path'
import t from 'tap'
import { answer, serve } from '../stand-in.js'

/** The command as a process of its own. */
function start(...argv: string[]) {
  const program = join(import.meta.dirname, `../../../../lava/cli/fauxboot${extname(import.meta.filename)}`)
  const child = spawn(process.execPath, [...process.execArgv, program, ...argv], { stdio: ['ignore', 'pipe', 'pipe'] })
  child.stdout.setEncoding('utf8')
  child.stderr.setEncoding('utf8')
  return { child, ended: once(child, 'exit') }
}

t.test(
  'Ctrl-C cancels the job that was submitted and ends with 130; a second one does not wait for the board',
  async t => {
    for (const patient of [true, false]) {
      const calls: string[] = []
      const url = await serve(t, ({ method, path }, response) => {
        calls.push(`${method} ${path}`)
        if (method === 'POST') answer(response, { id: 'j1', state: 'queued' }, 201)
        else if (method === 'GET' || !patient) child.kill('SIGINT')
        else answer(response, { id: 'j1', state: 'cancelled' })
      })
      const { child, ended } = start('boot', '--board', url.href, '--kernel', 'http://server/zImage')
      t.same(await ended, [130, null])
      t.same(calls, ['POST /v1/jobs', 'GET /v1/jobs/j1/events', 'DELETE /v1/jobs/j1'])
    }
  },
)

t.test('a log that nobody reads any more ends, and is no error', async t => {
  const line = `data: ${JSON.stringify({ seq: 1, time: 'now', type: 'log', level: 'info', message: 'x'.repeat(1000) })}\n\n`
  const url = await serve(t, (_, response) => {
    const more = () => {
      while (response.write(line));
    }
    response.on('drain', more)
    more()
  })
  const { child, ended } = start('log', '--follow', '--board', url.href, 'j1')
  await once(child.stdout, 'data')
  child.stdout.destroy()
  t.same(await ended, [0, null])
})
