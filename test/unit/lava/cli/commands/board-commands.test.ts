import { join } from 'node:path'
import t, { type Test } from 'tap'
import { Job } from '../../../../../agent/boot/jobs/job-record.js'
import { buildZImage } from '../../../agent/image/kernel/zimage-builder.js'
import { startAgent } from '../../agent.js'
import { fauxboot } from '../../capture.js'
import { serve } from '../../stand-in.js'

const KERNEL = Buffer.from(buildZImage())

/** A board with a job that was planned. */
async function boardWithPlan(t: Test) {
  const agent = await startAgent(t)
  const kernel = join(t.testdir({ zImage: KERNEL }), 'zImage')
  const argv = ['--kernel', kernel, '--name', 'a dry run', '--append', 'console=ttyS0', '--dry-run', '--json']
  const { stdout } = await fauxboot(['boot', '--board', agent.board, ...argv])
  const { id }: { id: string } = JSON.parse(stdout)
  const command = (...argv: string[]) => fauxboot([argv[0] ?? '', '--board', agent.board, ...argv.slice(1)])
  return { ...agent, id, command }
}

/** A board with a job that waits for a server which does not answer. */
async function boardWithJob(t: Test) {
  const agent = await startAgent(t)
  const asked = new Promise<string>(resolve => {
    void serve(t, () => resolve(agent.boot.list()[0]?.id ?? '')).then(({ href }) => {
      const request = { kernel: { url: `${href}zImage` }, overlays: [], cmdline: '', options: OPTIONS }
      void agent.boot.submit(request, 'http')
    })
  })
  const id = await asked
  return { ...agent, id, command: (...argv: string[]) => fauxboot([...argv, '--board', agent.board]) }
}

const OPTIONS = { dryRun: true, force: false, queue: false }

const NOBODY = 'fauxboot: there is no job nobody; `fauxboot status` lists the jobs\n'

t.test('status lists the jobs', async t => {
  const { id, command } = await boardWithPlan(t)
  const { code, stdout } = await command('status')
  t.equal(code, 0)
  const [header, row] = stdout.trimEnd().split('\n')
  t.match(header, /^ID +STATE +CREATED +NAME +KERNEL$/)
  t.match(row, new RegExp(`^${id} +planned +\\S+Z +a dry run +zImage-[0-9a-f]{16}$`))
  const json = await command('status', '--json')
  t.match(JSON.parse(json.stdout), [{ id, state: 'planned', name: 'a dry run' }])
})

t.test('status shows one job', async t => {
  const { id, command } = await boardWithPlan(t)
  const { code, stdout } = await command('status', id)
  t.equal(code, 0)
  for (const line of [/^state +planned$/m, /^cmdline +console=ttyS0$/m, /^times +queued /m, /^kernel +16\.0 KiB /m]) {
    t.match(stdout, line)
  }
  t.match(JSON.parse((await command('status', id, '--json')).stdout), { id, state: 'planned' })
})

t.test('status shows a job under way, and why one failed', async t => {
  const { id, boot, command } = await boardWithJob(t)
  const running = (await command('status', id)).stdout
  t.match(running, /^state +fetching$/m)
  t.match(running, /^kernel +0 bytes +http:/m)
  await boot.cancel(id)
  t.match((await command('status', id)).stdout, /^error +job \S+ was cancelled while fetching \(JOB_CANCELLED\)$/m)
})

t.test('status and log show the last words of a target', async t => {
  const jobs = (['sysrq triggered crash', null] as const).map((panic, index) => {
    const request = { kernel: { artifact: 'zImage' }, overlays: [], cmdline: '', options: OPTIONS }
    const job = Job.create(`job${index}`, index + 1, request, 'http', Date.now)
    job.enter('booting')
    job.noteLastWords(panic === null ? [] : ['[ 1.0] last'], panic)
    return [`state/${job.id}.json`, JSON.stringify(job.record())] as const
  })
  const { board } = await startAgent(t, Object.fromEntries(jobs))
  const show = async (...argv: string[]) => (await fauxboot([argv[0] ?? '', '--board', board, ...argv.slice(1)])).stdout
  const words = /^last words +1 message, then a panic: sysrq triggered crash; see fauxboot log job0$/m
  t.match(await show('status', 'job0'), words)
  t.match(await show('status', 'job1'), /^last words +none$/m)
  t.match(await show('log', 'job0'), /^\S+Z target: \[ 1\.0\] last\n/m)
  t.match(JSON.parse(await show('status', 'job1', '--json')), { lastWords: { lines: 0, panic: null } })
})

t.test('log prints the log of a job', async t => {
  const { id, command } = await boardWithPlan(t)
  const { code, stdout } = await command('log', id)
  t.equal(code, 0)
  t.match(stdout, /^\S+Z fetching\n/m)
  t.match(stdout, /^\S+Z planned\n$/m)
  const json = (await command('log', id, '--json')).stdout.trimEnd().split('\n')
  t.match(JSON.parse(json.at(-1) ?? ''), { type: 'state', state: 'planned' })
})

t.test('log follows a job to its end', async t => {
  const { id, boot, command } = await boardWithJob(t)
  const following = command('log', '--follow', id)
  t.match(await command('cancel', id), { code: 0, stdout: `job ${id} is cancelled\n` })
  const { code, stdout } = await following
  t.equal(code, 0)
  t.match(stdout, /^\S+Z fetching$/m)
  t.match(stdout, /^\S+Z cancelled: job \S+ was cancelled while fetching\n$/m)
  t.equal(boot.get(id).state, 'cancelled')
})

t.test('cancel tells of a job in JSON, and of one that has ended by an error', async t => {
  const { id, command } = await boardWithJob(t)
  t.match(JSON.parse((await command('cancel', id, '--json')).stdout), { id, state: 'cancelled' })
  t.same(await command('cancel', id), {
    code: 1,
    stdout: '',
    stderr: `fauxboot: job ${id} has ended: it is cancelled; \`fauxboot log ${id}\` says how\n`,
  })
})

t.test('an unknown job is an error of every command', async t => {
  const { board } = await startAgent(t)
  for (const argv of [['status'], ['log'], ['log', '--follow'], ['cancel']]) {
    const result = await fauxboot([...argv, 'nobody', '--board', board])
    t.same(result, { code: 1, stdout: '', stderr: NOBODY }, argv.join(' '))
  }
})

t.test('artifacts are listed and removed', async t => {
  const { board, command } = await boardWithPlan(t)
  const { code, stdout } = await command('artifacts')
  t.equal(code, 0)
  const [header, row = ''] = stdout.trimEnd().split('\n')
  t.match(header, /^NAME +SIZE +SHA256 +USED BY$/)
  t.match(row, /^zImage-[0-9a-f]{16} +16\.0 KiB +[0-9a-f]{12}$/)
  const [name = ''] = row.split(' ')
  const json = await fauxboot(['artifacts', 'list', '--json', '--board', board])
  t.match(JSON.parse(json.stdout), [{ name, size: KERNEL.length, complete: true }])
  const removed = await fauxboot(['artifacts', 'rm', name, '--board', board])
  t.same(removed, { code: 0, stdout: `removed ${name}\n`, stderr: '' })
  t.equal((await fauxboot(['artifacts', 'list', '--board', board])).stdout, 'no artifacts\n')
  const again = await fauxboot(['artifacts', 'rm', name, '--board', board, '--json'])
  t.equal(again.code, 1)
  t.match(JSON.parse(again.stderr), { code: 'ARTIFACT_UNKNOWN', details: { name } })
})

t.test('an upload that is not finished is listed with what is here of it', async t => {
  const { board, boot } = await startAgent(t)
  const part = async function* () {
    yield KERNEL.subarray(0, 1024)
  }
  await boot.artifacts.receive('part', part(), { range: { first: 0, last: 1023, total: KERNEL.length } })
  const { stdout } = await fauxboot(['artifacts', '--board', board])
  t.match(stdout, /^part +1\.0 KiB of 16\.0 KiB +incomplete$/m)
})

t.test('board tells what it is, how it is, and what stands in the way', async t => {
  const { id, command } = await boardWithJob(t)
  const { code, stdout } = await command('board')
  t.equal(code, 0)
  for (const line of [
    /^model +Test board$/m,
    /^memory +878\.9 MiB available of 1\.0 GiB$/m,
    /^RAM +0x40000000-0x7fffffff$/m,
    /^artifacts +1 \(0 bytes\), room for /m,
    /^start +kernel 3\.5 s \+ systemd 2\.4 s \+ Node 1\.1 s \+ countdown 0\.5 s \+ HTTP 0\.8 s, the countdown after 7\.5 s$/m,
    /^kexec +nothing is loaded$/m,
    new RegExp(`^job +${id}$`, 'm'),
  ]) {
    t.match(stdout, line)
  }
  t.match(JSON.parse((await command('board', '--json')).stdout), { model: 'Test board', owner: id })
})

t.test('a board that wants a token gets it from the file', async t => {
  const dir = t.testdir({ token: 'secret\n', wrong: 'guess\n' })
  const { board } = await startAgent(t, {}, ['--token-file', join(dir, 'token')])
  const cancel = (...argv: string[]) => fauxboot(['cancel', 'nobody', '--board', board, ...argv])
  t.match(await cancel(), { code: 1, stderr: /^fauxboot: a bearer token is required/ })
  t.match(await cancel('--token-file', join(dir, 'wrong')), { code: 1, stderr: /token/ })
  t.match(await cancel('--token-file', join(dir, 'token')), { code: 1, stderr: NOBODY })
})
