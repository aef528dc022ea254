import { readFileSync } from 'node:fs'
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import t from 'tap'
import { fauxboot } from '../../capture.js'
import { definition, labFixture, NODE } from '../../kernelci/lab-fixture.js'

t.test('--check-config tells the boards of settings that are fine', async t => {
  const { configFile } = await labFixture(t)
  const { code, stdout } = await fauxboot(['pull', '--config', configFile, '--check-config'])
  t.equal(code, 0)
  t.match(stdout, 'fine; fauxboot may edit nodes of pull-lab-test; boards: board-1 (test-board)')
})

t.test('--check-config refuses a token that may not edit nodes of the runtime', async t => {
  const { server, configFile } = await labFixture(t)
  const check = ['pull', '--config', configFile, '--check-config']
  for (const group of ['node:edit:any', 'runtime:pull-lab-test:node-admin']) {
    server.user = { username: 'admin', groups: [{ name: group }] }
    t.equal((await fauxboot(check)).code, 0, group)
  }
  server.user = { username: 'admin', is_superuser: true, groups: [] }
  t.equal((await fauxboot(check)).code, 0)
  server.user = { username: 'guest', groups: [{ name: 'runtime:other:node-editor' }] }
  const { code, stderr } = await fauxboot(check)
  t.equal(code, 1)
  t.match(stderr, /the token of guest may not edit nodes of pull-lab-test; .*runtime:pull-lab-test:node-editor/)
  server.user = { detail: 'nobody' }
  t.match((await fauxboot(check)).stderr, /whoami: the API answered 200: no user/)
})

t.test('--check-config names the file, the path and the value of what is wrong', async t => {
  const { configFile } = await labFixture(t)
  await writeFile(configFile, readFileSync(configFile, 'utf8').replace('tcp://127.0.0.1:1', '7'))
  const { code, stderr } = await fauxboot(['pull', '--config', configFile, '--check-config'])
  t.equal(code, 1)
  t.match(stderr, /lab\.yaml: boards\[0\]\.console must be the URL of a console .*, found 7; lava/m)
})

t.test('--check-config misses a token at once', async t => {
  const { configFile } = await labFixture(t)
  await writeFile(configFile, readFileSync(configFile, 'utf8').replace('api.token', 'other.token'))
  const { code, stderr } = await fauxboot(['pull', '--config', configFile, '--check-config'])
  t.equal(code, 1)
  t.match(stderr, /other\.token: no such file/)
})

t.test('--check-config misses the folder for NFS', async t => {
  const { configFile } = await labFixture(t)
  const settings = readFileSync(configFile, 'utf8')
  await writeFile(configFile, `${settings}\nnfs: { root: /no/such/folder, address: 10.0.0.1 }\n`)
  const { code, stderr } = await fauxboot(['pull', '--config', configFile, '--check-config'])
  t.equal(code, 2)
  t.match(stderr, /NFS folder \/no\/such\/folder: (.*no such file|only root may)/)
})

t.test('--dry-run lists the jobs that are free, and changes nothing', async t => {
  const { server, configFile } = await labFixture(t)
  server.addJob('j1', definition(server))
  server.addJob('j2', definition(server))
  server.change('j2', { data: { ...server.data('j2'), job_id: 'other-lab:1' } })
  const { code, stderr } = await fauxboot(['pull', '--config', configFile, '--dry-run'])
  t.equal(code, 0)
  t.match(stderr, /j1: would run on a test-board: http/)
  t.notMatch(stderr, /j2/)
  t.notOk(server.requests.some(request => /^(PUT|PATCH|POST)/.test(request)))
})

t.test('a job on a board whose console is not there is incomplete: exit 2, and ERROR in KCIDB', async t => {
  const { server, configFile } = await labFixture(t)
  server.addJob(NODE, definition(server))
  const { code, stdout } = await fauxboot(['pull', '--config', configFile, '--once', '--kcidb', '-'])
  t.equal(code, 2)
  t.match(server.data(NODE), { error_code: 'Infrastructure', error_msg: /127\.0\.0\.1:1/ })
  t.match(JSON.parse(stdout), {
    version: { major: 5, minor: 3 },
    tests: [
      {
        ...{
          id: `maestro:${NODE}.boot`,
          build_id: 'maestro:kbuild1',
          origin: 'maestro',
          path: 'boot',
          status: 'ERROR',
        },
        environment: { compatible: ['test-board'], comment: 'board-1' },
      },
    ],
  })
})

t.test('--job runs a file without the API', async t => {
  const { server, configFile } = await labFixture(t)
  const job = join(configFile, '..', 'job.json')
  await writeFile(job, JSON.stringify(definition(server)))
  const dry = await fauxboot(['pull', '--config', configFile, '--job', job, '--dry-run'])
  t.equal(dry.code, 0)
  t.match(dry.stderr, /board-1 66c0ffee00112233445566aa: test boot-test-66c0ffee: boot, 600 s/)
  const { code, stdout } = await fauxboot(['pull', '--config', configFile, '--job', job, '--json'])
  t.equal(code, 2)
  const lines = stdout
    .trim()
    .split('\n')
    .map(line => JSON.parse(line))
  t.match(lines.at(-1), { board: 'board-1', job: NODE, result: 'incomplete', error: /127\.0\.0\.1:1/ })
  t.notOk(server.requests.some(request => request.includes('/latest/')))
})

t.test('a job file of a platform that no board has is a usage error that lists the boards', async t => {
  const { server, configFile } = await labFixture(t)
  const job = join(configFile, '..', 'job.json')
  await writeFile(job, JSON.stringify(definition(server, { environment: { platform: 'qemu-arm' } })))
  const { code, stderr } = await fauxboot(['pull', '--config', configFile, '--job', job])
  t.equal(code, 1)
  t.match(stderr, /no board of platform qemu-arm .*there are board-1 \(test-board\)/)
})

t.test('a token that the API does not take ends a single poll with its words', async t => {
  const { configFile } = await labFixture(t)
  await writeFile(join(configFile, '..', 'api.token'), 'wrong')
  const { code, stderr } = await fauxboot(['pull', '--config', configFile, '--once'])
  t.equal(code, 2)
  t.match(stderr, /the API answered 401: Unauthorized/)
})
