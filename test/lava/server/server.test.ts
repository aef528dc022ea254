/** Started by hand with `run.sh` in this folder. */

import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { chmod, cp, mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { createInterface } from 'node:readline'
import t from 'tap'
import { Lab } from '../../board/lab.js'
import { DISPATCHER_ADDRESS } from '../dispatcher.js'
import { exampleJob, serveExampleFiles } from '../job-files.js'
import { PowerSwitch, WiredBoard } from '../wired-board.js'

const JOBS = Number(process.env.JOBS ?? 20)

/** TCP port of the serial line, by the board's name. */
const BOARDS = { 'virt-1': 7011, 'virt-2': 7012 } as const

/** The device dictionary of `virt`, for a board with another name and port. */
async function dictionary(name: string, port: number): Promise<string> {
  const text = await readFile('lava/definitions/devices/virt.jinja2', 'utf8')
  return text
    .replaceAll('board-power virt ', `board-power ${name} `)
    .replace('telnet localhost 7004', `telnet localhost ${port}`)
    .replaceAll('/opt/lab/', '/lab/')
}

t.test(`a LAVA server runs health checks and ${JOBS} jobs on two boards`, async t => {
  const dir = await mkdtemp(join(tmpdir(), 'fauxboot-lava-server-'))
  t.teardown(() => rm(dir, { recursive: true, force: true }))
  for (const folder of ['files', 'lab/devices', 'lab/health-checks'])
    await mkdir(join(dir, folder), { recursive: true })
  const inLab = (path: string): string => join(dir, 'lab', path)
  const lab = await Lab.open(t, 'virt')
  const work = join(dir, 'files')
  await serveExampleFiles({ lab, work })
  const power = await PowerSwitch.start(t)
  for (const [name, port] of Object.entries(BOARDS)) {
    power.connect(name, await WiredBoard.start(t, port, () => lab.switchOn('power-on')))
    await writeFile(inLab(`devices/${name}.jinja2`), await dictionary(name, port))
  }
  await cp('lava/definitions/device-types', inLab('device-types'), { recursive: true })
  const job = await exampleJob({ lab, work }, 'ramdisk')
  await writeFile(inLab('job.yaml'), job)
  await writeFile(inLab('health-checks/fauxboot.yaml'), job)
  await writeFile(inLab('dispatcher.yaml'), `dispatcher_ip: ${DISPATCHER_ADDRESS}\n`)
  await writeFile(inLab('board-power'), power.command)
  await chmod(inLab('board-power'), 0o755)
  await cp('test/lava/server/inside.sh', inLab('inside.sh'))

  const machine = ['test/lava/server/machine.sh', resolve('.cache/lava-server'), inLab('')]
  const inside = ['sh', '/lab/inside.sh', String(JOBS), '/lab/job.yaml']
  const child = spawn('setpriv', ['--pdeathsig', 'KILL', 'sh', ...machine, ...inside], {
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  const said: string[][] = []
  createInterface({ input: child.stdout }).on('line', line => {
    t.comment(line)
    said.push(line.split(' '))
  })
  const [code] = await once(child, 'close')
  t.equal(code, 0, 'the server came up')
  const about = (what: string): string[][] => said.filter(([word]) => word === what)
  t.strictSame(
    about('device').map(words => words.slice(1)),
    Object.keys(BOARDS).map(name => [name, 'Good']),
    'the health checks of both boards pass',
  )
  t.strictSame(
    about('job').map(words => words.slice(2, 4)),
    Array.from({ length: JOBS }, () => ['Finished', 'Complete']),
    'all jobs complete',
  )
  for (const name of Object.keys(BOARDS)) {
    t.ok(
      about('job').some(words => words[4] === name),
      `${name} ran some of them`,
    )
  }
})
