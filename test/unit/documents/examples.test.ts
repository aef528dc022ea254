import { execFile } from 'node:child_process'
import { writeFileSync } from 'node:fs'
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { promisify, stripVTControlCharacters } from 'node:util'
import t, { type Test } from 'tap'
import { parse } from 'yaml'
import type { JobView } from '../../../agent/boot/jobs/job.js'
import { loadConfig } from '../../../agent/config.js'
import { TftpServer } from '../../../agent/transfer/tftp/server/server.js'
import { parsePullConfig } from '../../../lava/kernelci/pull-config.js'
import { needs } from '../../peer.js'
import { statesOf } from '../agent/boot/board-fixture.js'
import { boardWithCard } from '../agent/boot/card/card-fixture.js'
import { KERNEL, startAgent } from '../agent/http/agent-fixture.js'
import { cpio } from '../agent/kexec/images.js'
import { treeFile } from '../agent/kexec/trees.js'
import { startPush } from '../agent/tftp/push-fixture.js'
import { fauxboot } from '../lava/capture.js'
import { blockOf, INLINE, textOf } from './document.js'

/** ECMA-48 section 8.3.41: EL, the whole line. */
const ERASED = '\x1b[2K'
const TOKEN = 'secret'
const RAMDISK = cpio()
const DTB = treeFile({ memory: [[0x4000_0000, 0x4000_0000]] })

/** A folder with these files, which ends with the test. */
function folderOf(t: Test, files: Readonly<Record<string, Uint8Array | string>>): string {
  const folder = t.testdir()
  for (const [name, content] of Object.entries(files)) writeFileSync(join(folder, name), content)
  return folder
}

/** Let a shell run lines in a folder. @returns standard output */
async function shell(cwd: string, lines: string): Promise<string> {
  const env = { ...process.env, TOKEN }
  const { stdout } = await promisify(execFile)('/bin/sh', ['-eu', '-c', lines], { cwd, env })
  return stdout
}

/** The code of the first column of a table of calls, as method and path. */
function callsOf(file: string): { method: string; path: string }[] {
  const rows = textOf(file)
    .split('\n')
    .filter(line => /^\| `(GET|POST|PUT|DELETE) /.test(line))
  return rows.flatMap(row => {
    let method = ''
    return [...(row.split(' | ')[0] ?? '').matchAll(/`(?:([A-Z]+) )?(\/[^`]*)`/g)].map(([, verb, path = '']) => {
      method = verb ?? method
      return { method, path }
    })
  })
}

t.test('the request of agent/http/README.md boots a kernel, in the states that it names', needs('curl'), async t => {
  const files = { zImage: KERNEL, 'rootfs.cpio.gz': RAMDISK, 'a80.dtb': DTB, token: TOKEN }
  const folder = folderOf(t, files)
  const agent = await startAgent(t, { http: { tokenFile: join(folder, 'token') } })
  const request = blockOf('agent/http/README.md', 'curl -F').replace('http://a80:8080', agent.url)
  const job: JobView = JSON.parse(await shell(folder, request.replace('curl', 'curl -sS --fail-with-body')))
  const states = await statesOf(agent.boot, job.id)
  const [, passed = ''] = /A job passes through ([^.]+)\./.exec(textOf('agent/http/README.md')) ?? []
  t.same(
    states,
    [...passed.matchAll(/`(\w+)`/g)].map(([, state]) => state),
  )
  t.match(agent.boot.get(job.id).request, { cmdline: 'console=ttyS0,115200n8' })
})

t.test('every call of agent/http/README.md is one of the agent, and every call of the agent is there', async t => {
  const agent = await startAgent(t, { firstStage: () => boardWithCard(t).firstStage })
  const calls = callsOf('agent/http/README.md')
  // The console is no route: console.test.ts opens it.
  for (const { method, path } of calls.filter(({ path }) => path !== '/v1/console')) {
    const answer = await agent.fetch(path, { method })
    const text = answer.ok ? '' : await answer.text()
    t.notMatch(text, /HTTP_ROUTE/, `${method} ${path}`)
  }
  const { body } = await agent.json<{ paths: Record<string, Record<string, unknown>> }>('/docs/json')
  const told = new Set(calls.map(({ method, path }) => `${method} ${path}`))
  for (const [path, methods] of Object.entries(body.paths)) {
    const shown = path.replace('{id}', 'ID').replace('{name}', 'NAME')
    for (const method of Object.keys(methods)) t.ok(told.has(`${method.toUpperCase()} ${shown}`), `${method} ${shown}`)
  }
})

t.test('the lines of agent/tftp/README.md push a job, and read what became of it', needs('curl'), async t => {
  const push = await startPush(t)
  const [, description = ''] = /at least `(\{[^`]+\})`/.exec(textOf('agent/tftp/README.md')) ?? []
  const lines = blockOf('agent/tftp/README.md', 'for file in kernel')
    .replaceAll('tftp://a80/', `tftp://127.0.0.1:${push.jobs.port}/`)
    .replaceAll('curl', 'curl -sS')
  const files = { kernel: KERNEL, ramdisk: RAMDISK, dtb: DTB, 'job.json': description }
  const status: JobView = JSON.parse(await shell(folderOf(t, files), lines))
  t.match(status, { name: 'nightly', request: { cmdline: '...', ramdisk: { artifact: 'nightly.ramdisk' } } })
  t.equal((await push.ended('nightly')).states.at(-1), 'booting')
})

/** A line as a terminal shows it in the end: without what was erased. */
const withoutRedraws = (line: string): string =>
  stripVTControlCharacters(line.split(ERASED).at(-1) ?? '').replaceAll('\r', '')

/** A line of a console as it is on every machine: without what depends on the time, the machine or the files. */
const constant = (line: string): string =>
  withoutRedraws(line)
    .replace(/\(\w{3} \d\d \d{4} - [^)]*\)/, '(DATE)')
    .replace(/address \S+ \(\d+ ms\)/, 'address ANY')
    .replace(/^Bytes transferred = .*/, 'Bytes transferred = ANY')
    .trimEnd()

/** Whether lines are among others in the same order; `...` stands for any number of lines, and no other gap is allowed. */
function shows(actual: readonly string[], expected: readonly string[]): string | null {
  let at = actual.indexOf(expected[0] ?? '')
  let gap = false
  for (const line of expected) {
    if (line === '...') {
      gap = true
      continue
    }
    const found = gap ? actual.indexOf(line, at) : at
    if (found < 0 || actual[found] !== line) return `expected ${line}, found ${actual.slice(at, at + 3).join(' / ')}`
    at = found + 1
    gap = false
  }
  return null
}

t.test('the console of agent/uboot/README.md answers as it is shown', async t => {
  const files = new Map<string, Uint8Array>([
    ['zImage', KERNEL],
    ['board.dtb', DTB],
    ['rootfs.cpio.gz', RAMDISK],
  ])
  const server = await TftpServer.listen({
    address: '127.0.0.1',
    port: 0,
    read: name => {
      const bytes = files.get(name)
      if (bytes === undefined) return { refused: 1, text: 'File not found' }
      return { size: bytes.length, read: async (offset, size) => bytes.subarray(offset, offset + size) }
    },
  })
  t.teardown(() => server.close())
  // The simulated board has no device tree, which would name its model.
  const transcript = blockOf('agent/uboot/README.md', 'U-Boot 2026.10')
    .split('\n')
    .filter(line => !line.startsWith('Model: '))
  const typed = transcript.filter(line => line.startsWith('=> ')).map(line => line.slice(3))
  const argv = ['console', '--boot-delay', '0', '--server', `127.0.0.1:${server.port}`]
  const { stdout } = await fauxboot(argv, { stdin: ['', ...typed, ''].join('\n') })
  t.equal(shows(stdout.split('\n').map(constant), transcript.map(constant)), null, stdout)
})

t.test('settings in the documents are settings of the agent', async t => {
  const snippets = INLINE.filter(({ file, text }) => /README|settings/.test(file) && /^\{ "/.test(text))
  t.ok(snippets.length >= 3)
  for (const { file, text } of snippets) {
    const config = join(t.testdir({ 'agent.json': text }), 'agent.json')
    t.doesNotThrow(() => loadConfig({}, ['--config', config]), `${file}: ${text}`)
  }
})

t.test('a setting is the same as a flag, in the environment and in the file, as agent/settings.md shows', async t => {
  const [flag, variable, file] = INLINE.filter(quote => quote.file === 'agent/settings.md')
    .map(({ text }) => text)
    .filter(text => /^--|^FAUXBOOT_\w+=|^\{/.test(text))
  const config = join(t.testdir({ 'agent.json': file ?? '' }), 'agent.json')
  const [name = '', value = ''] = (variable ?? '').split('=')
  const expected = { retries: 2 }
  t.match(loadConfig({}, (flag ?? '').split(' ')).boot.fetch, expected)
  t.match(loadConfig({ [name]: value }, []).boot.fetch, expected)
  t.match(loadConfig({}, ['--config', config]).boot.fetch, expected)
})

t.test('the setting nfs of lava/kernelci/README.md is one of a pull lab', async t => {
  const block = blockOf('lava/kernelci/README.md', 'nfs: {')
  const settings = `${await readFile('lava/kernelci/lab.yaml', 'utf8')}\n${block}\n`
  t.same(parsePullConfig(settings, 'lab.yaml').nfs, parse(block).nfs)
})

t.test('the settings of ser2net in lava/README.md are YAML, and connect the line of the device dictionary', async t => {
  const { connection } = parse(blockOf('lava/README.md', 'connection: &cubieboard4'))
  const [, port] = /,tcp,(\d+)$/.exec(connection.accepter) ?? []
  t.match(await readFile('lava/definitions/devices/cubieboard4.jinja2', 'utf8'), new RegExp(`telnet \\S+ ${port}\\b`))
})
