/** The agent, started from a snapshot of this machine's Node. */

import { execFile, spawnSync } from 'node:child_process'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { gzipSync } from 'node:zlib'
import t, { type Test } from 'tap'
import { bundledAgent } from './agent-process.js'
import { temporaryDirectory } from './boot/fixture.js'
import { KERNEL } from './http/agent-fixture.js'

const { file: AGENT, start } = await bundledAgent(t)

/** Make a snapshot of the agent, as the image builder does. */
async function snapshotOf(t: Test, flags: readonly string[] = []): Promise<string> {
  const blob = join(await temporaryDirectory(t), 'agent.snapshot')
  const maker = AGENT.replace(/\.cjs$/, '.snapshot.cjs')
  await promisify(execFile)(process.execPath, [...flags, '--snapshot-blob', blob, '--build-snapshot', maker])
  return blob
}

t.test('the agent starts from a snapshot, and what is loaded late is there', async t => {
  const blob = await snapshotOf(t)
  const { child, url, lines, ended } = await start(t, { node: ['--snapshot-blob', blob] })
  t.match(lines.at(-1), { msg: 'ready', startedFrom: 'snapshot' })
  const form = new FormData()
  form.append('job', JSON.stringify({ cmdline: 'quiet', options: { dryRun: true } }))
  form.append('kernel', new Blob([new Uint8Array(gzipSync(KERNEL))]))
  const answer = await fetch(`${url}/v1/jobs`, { method: 'POST', body: form })
  const { id } = (await answer.json()) as { id: string }
  await (await fetch(`${url}/v1/jobs/${id}/events`)).text()
  t.match(await (await fetch(`${url}/v1/jobs/${id}/log`)).text(), `${KERNEL.length} bytes`)
  t.equal((await fetch(`${url}/docs/static/swagger-ui.css`)).status, 200)
  child.kill('SIGTERM')
  t.equal(await ended, 0)
})

t.test(
  'a snapshot of other flags or of another bundle ends with 14, which systemd takes for a start without it',
  async t => {
    const blob = await snapshotOf(t)
    const run = (node: readonly string[], agent: string) =>
      spawnSync(process.execPath, [...node, '--snapshot-blob', blob, agent, '--version'], { encoding: 'utf8' })
    t.match(run([], AGENT), { status: 0, stdout: /^\d/ })
    t.match(run(['--stack-size=900'], AGENT), { status: 14, stderr: 'Failed to load the startup snapshot' })
    const other = join(await temporaryDirectory(t), 'fauxboot-agent.cjs')
    writeFileSync(other, '// another build')
    t.match(run([], other), { status: 14, stderr: /^fauxboot-agent: the snapshot holds another bundle than that of / })
  },
)
