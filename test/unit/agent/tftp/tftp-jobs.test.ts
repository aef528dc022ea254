import { readdir } from 'node:fs/promises'
import t from 'tap'
import { TftpJobs } from '../../../../agent/tftp/tftp-jobs.js'
import { fetchTftp, putTftp } from '../../../../agent/transfer/tftp/client/client.js'
import { errorPacket, requestPacket } from '../../../../agent/transfer/tftp/packets.js'
import { DTB, openBoard, statesOf } from '../boot/board-fixture.js'
import { body, failure, MIB } from '../boot/fixture.js'
import { cpio, zImage } from '../kexec/images.js'
import { SimulatedNetwork } from '../transfer/tftp/tftp-simulation.js'
import { heldPlanning, PlainClient, pushTo, startPush } from './push-fixture.js'

const KERNEL = zImage()
const RAMDISK = cpio()
const DRY = JSON.stringify({ cmdline: 'console=ttyAMA0', options: { dryRun: true } })

const namesOf = async ({ board }: Awaited<ReturnType<typeof startPush>>): Promise<string[]> =>
  (await board.boot.artifacts.list()).map(({ name }) => name)

const NO_JOB = '1 there is no job a; `fauxboot status` lists the jobs'

t.test('a kernel, a ramdisk and a device tree are pushed, and job.json boots them', async t => {
  const push = await startPush(t)
  await push.put('nightly/kernel', KERNEL)
  await push.put('nightly/ramdisk', RAMDISK)
  await push.put('nightly/dtb', DTB)
  t.same(await namesOf(push), ['nightly.dtb', 'nightly.kernel', 'nightly.ramdisk'])
  await push.put('nightly/job.json', '{"cmdline":"console=ttyAMA0"}')
  const { id, states } = await push.ended('nightly')
  t.ok(states.includes('booting'))
  t.match(push.board.boot.get(id), {
    name: 'nightly',
    origin: 'tftp',
    request: {
      kernel: { artifact: 'nightly.kernel' },
      ramdisk: { artifact: 'nightly.ramdisk' },
      dtb: { artifact: 'nightly.dtb' },
      cmdline: 'console=ttyAMA0',
    },
  })
})

t.test('a job is followed by what can be read under its name', async t => {
  const { gate, host } = heldPlanning()
  const push = await startPush(t, { host })
  t.equal(await push.refused(push.get('a/status.json')), NO_JOB)
  await push.put('a/kernel', KERNEL)
  await push.put('a/job.json', DRY)
  await gate.entered
  const { id, state } = JSON.parse(await push.get('a/status.json'))
  t.equal(state, 'planning')
  t.equal(
    await push.refused(push.get('a/plan.json')),
    `1 job ${id} has no plan: it is planning; \`fauxboot log ${id}\` says how far it came`,
  )
  gate.open()
  await push.ended('a')
  t.match(JSON.parse(await push.get('a/status.json')), { id, state: 'planned', error: null })
  t.match(await push.get('a/log'), /planned\n$/)
  t.same(JSON.parse(await push.get('a/plan.json')), JSON.parse(JSON.stringify(push.board.boot.plan(id))))
  t.match(await push.get('a/plan.svg'), /^<svg/)
})

t.test('overlays are applied in the order of their numbers, and modules come along', async t => {
  const push = await startPush(t)
  for (const role of ['kernel', 'ramdisk', 'overlay10', 'overlay2', 'modules']) await push.put(`a/${role}`, KERNEL)
  const overlays = [{ artifact: 'a.overlay2' }, { artifact: 'a.overlay10' }]
  await push.put('a/job.json', DRY)
  const json = await push.ended('a')
  t.match(push.board.boot.get(json.id).request, { overlays, modules: { artifact: 'a.modules' } })
  for (const role of ['kernel', 'overlay10', 'overlay2']) await push.put(`a/${role}`, KERNEL)
  await push.put('a/boot.scr', 'bootz kernel')
  const script = await push.ended('a')
  t.match(push.board.boot.get(script.id).request, { overlays, modules: undefined, ramdisk: undefined })
})

const lava = (kernel: string): string => `
job_name: a80
actions:
- deploy:
    to: tftp
    kernel: { url: ${kernel}, type: zimage }
    ramdisk: { url: ramdisk, compression: gz }
    dtbo: [{ url: overlay0 }]
- boot: { method: u-boot, commands: ramdisk }
`

t.test('a LAVA job names what was pushed where it has no URL', async t => {
  const push = await startPush(t)
  for (const role of ['kernel', 'ramdisk', 'overlay0', 'dtb']) await push.put(`a/${role}`, KERNEL)
  t.match(
    await push.refused(push.put('a/job.yaml', lava('zImage'))),
    /^0 .*actions\[0\].deploy.kernel.url is neither a URL nor one of the files that are here: dtb, kernel, overlay0, ramdisk/,
  )
  t.match(await push.refused(push.put('a/job.yaml', lava('ftp://x/y'))), /^0 .* must be an http or https URL/)
  await push.put('a/job.yaml', lava('kernel'))
  const { id } = await push.ended('a')
  const { request } = push.board.boot.get(id)
  t.match(request, {
    name: 'a',
    kernel: { artifact: 'a.kernel' },
    ramdisk: { artifact: 'a.ramdisk' },
    overlays: [{ artifact: 'a.overlay0' }],
    cmdline: 'console=ttyS0,115200n8 root=/dev/ram0 ip=dhcp',
  })
  t.equal(request.dtb, undefined, 'the job does not name it')
})

t.test('a boot script boots what it names of what was pushed', async t => {
  const push = await startPush(t)
  await push.put('a/kernel', KERNEL)
  const script = 'setenv bootargs console=ttyAMA0\nbootz ${kernel_addr_r} ${ramdisk_addr_r}\n'
  t.match(
    await push.refused(push.put('a/boot.scr', script)),
    /^0 .*boot.scr boots a ramdisk, but no ramdisk was pushed/,
  )
  await push.put('a/ramdisk', RAMDISK)
  await push.put('a/boot.scr', script)
  const { id, states } = await push.ended('a')
  t.ok(states.includes('booting'))
  t.match(push.board.boot.get(id).request, { ramdisk: { artifact: 'a.ramdisk' }, cmdline: 'console=ttyAMA0' })
})

t.test('a client that knows no options pushes and reads too', async t => {
  const push = await startPush(t)
  await push.put('a/kernel', KERNEL)
  const client = await PlainClient.open(t, push)
  t.same(await client.request('write', 'a/job.json'), { op: 'ack', block: 0 })
  t.same(await client.data(1, Buffer.from(DRY)), { op: 'ack', block: 1 })
  await push.ended('a')
  const reader = await PlainClient.open(t, push)
  const first = await reader.request('read', 'a/plan.json')
  t.match(first, { op: 'data', block: 1 })
  t.match(await reader.ack(1), { op: 'data', block: 2 })
})

t.test('files go with their job when it ends, and what is in use cannot be pushed', async t => {
  const { gate, host } = heldPlanning()
  const push = await startPush(t, { host })
  await push.put('a/kernel', KERNEL)
  await push.put('b/kernel', KERNEL)
  await push.put('a/job.json', DRY)
  await gate.entered
  const { id } = JSON.parse(await push.get('a/status.json'))
  for (const file of ['kernel', 'ramdisk', 'job.json', 'boot.scr']) {
    t.equal(
      await push.refused(push.put(`a/${file}`, KERNEL)),
      `2 artifact a/${file} is in use by job ${id}; finish that first, or cancel it`,
    )
  }
  t.equal(
    await push.refused(push.put('b/job.json', DRY)),
    `2 the board is busy with job ${id}; wait, cancel it, or set options.queue`,
  )
  gate.open()
  await push.ended('a')
  await push.put('b/job.json', DRY)
  t.same((await push.ended('b')).states.at(-1), 'planned', 'what was refused lost nothing')
  await push.put('a/ramdisk', RAMDISK)
  t.same(await namesOf(push), ['a.ramdisk'])
  t.match(await push.refused(push.put('a/job.json', DRY)), /^0 the job is not valid: kernel needs a url or an artifact/)
})

t.test('a description that is wrong starts nothing, and the files stay for the next one', async t => {
  const push = await startPush(t)
  await push.put('a/kernel', KERNEL)
  t.match(await push.refused(push.put('a/job.json', '{')), /^0 the job is not valid: job.json is not JSON/)
  t.match(await push.refused(push.put('a/job.json', '{}')), /^0 the job is not valid: cmdline must be a text/)
  t.match(await push.refused(push.put('a/job.yaml', 'a: [')), /^0 the job is not valid: the job cannot be read as YAML/)
  t.match(await push.refused(push.put('a/boot.scr', 'reset')), /^0 .*boot.scr line 1 has the command "reset"/)
  t.match(push.lines.at(-1), /^warn TFTP: a push failed .*"name":"a\/boot.scr","peer":"127.0.0.1".*line 1/)
  t.same(push.board.boot.list(), [])
  await push.put('a/job.json', DRY)
  t.equal((await push.ended('a')).states.at(-1), 'planned')
})

t.test('names that are none are refused, and logged', async t => {
  const push = await startPush(t)
  t.match(await push.refused(push.put('../kernel', KERNEL)), /^2 '..\/kernel' cannot be written; NAME\/FILE can/)
  t.match(await push.refused(push.get('a/kernel')), /^1 there is no 'a\/kernel' to read; NAME\/FILE is there/)
  t.match(push.lines.at(-1), /^warn TFTP: refused .*"peer":"127.0.0.1"/)
  t.match(await push.refused(push.put(`${'a'.repeat(300)}/kernel`, KERNEL)), /^2 names have 255 characters at most/)
  t.same(await namesOf(push), [])
})

t.test('mode netascii is refused: it would change a kernel', async t => {
  const push = await startPush(t)
  const client = await PlainClient.open(t, push)
  const request = Buffer.from('\0\u0002a/kernel\0netascii\0', 'latin1')
  t.match(await client.say(request), { op: 'error', number: 4, text: /only mode octet is served/ })
  t.match(push.lines.at(-1), /warn TFTP: refused .*octet/)
})

t.test('a file that does not fit is refused as soon as its size is known', async t => {
  const memory = async () => ({ total: 128 * MIB, available: 64 * MIB + 100_000 })
  const push = await startPush(t, { host: { memory } })
  const size = 200_000
  const read: number[] = []
  function* pieces() {
    read.push(1)
    yield Buffer.alloc(size)
  }
  const put = putTftp({ server: '127.0.0.1', port: push.jobs.port, file: 'a/kernel' }, pieces(), size)
  t.match(await push.refused(put), /^3 artifact a.kernel: 200000 bytes exceed the limit of 50000 bytes/)
  t.same(read, [], 'not a byte was sent')
  t.same(await readdir(push.board.config.artifactDir), [])
})

t.test('a file that does not fit is refused while it comes when its size is not told', async t => {
  const memory = async () => ({ total: 128 * MIB, available: 64 * MIB + 2000 })
  const push = await startPush(t, { host: { memory } })
  const client = await PlainClient.open(t, push)
  t.same(await client.request('write', 'a/kernel'), { op: 'ack', block: 0 })
  let answer = await client.data(1, Buffer.alloc(512))
  for (let block = 2; answer?.op === 'ack' && block < 65_536; block++)
    answer = await client.data(block, Buffer.alloc(512))
  t.match(answer, { op: 'error', number: 3, text: /^artifact a.kernel: \d+ bytes exceed the limit/ })
  await push.put('b/dtb', 'small')
  t.same(await readdir(push.board.config.artifactDir), ['b.dtb'])
})

t.test('a description that is too long is refused, its size told or not', async t => {
  const push = await startPush(t, { config: { descriptionLimit: 1000 } })
  const long = Buffer.alloc(1001, 0x20)
  const expected = 'a/job.json: 1001 bytes exceed the limit of 1000 bytes; see the setting jobBodyLimit'
  t.equal(await push.refused(push.put('a/job.json', long)), `3 ${expected}`)
  const client = await PlainClient.open(t, push)
  await client.request('write', 'a/job.json')
  await client.data(1, long.subarray(0, 512))
  t.same(await client.data(2, long.subarray(512)), { op: 'error', number: 3, text: expected })
})

t.test('a push that breaks off leaves nothing, and what was there before is gone', async t => {
  const push = await startPush(t)
  await push.put('a/kernel', KERNEL)
  const client = await PlainClient.open(t, push)
  t.same(await client.request('write', 'a/kernel'), { op: 'ack', block: 0 })
  t.same(await client.data(1, Buffer.alloc(512)), { op: 'ack', block: 1 })
  t.match(await push.refused(push.put('a/kernel', KERNEL)), '2 artifact a.kernel is being uploaded')
  const logged = push.logged(/a push failed .*"name":"a\/kernel".*enough/)
  client.tell(errorPacket(0, 'enough'))
  await logged
  await push.put('b/kernel', KERNEL)
  t.same(await readdir(push.board.config.artifactDir), ['b.kernel'])
})

t.test('a part that cannot be removed is logged, and later pushes go on', async t => {
  const push = await startPush(t)
  const { artifacts } = push.board.boot
  const deleteUnused = artifacts.deleteUnused.bind(artifacts)
  artifacts.deleteUnused = async name => {
    artifacts.deleteUnused = deleteUnused
    throw new Error(`cannot remove ${name}`)
  }
  const client = await PlainClient.open(t, push)
  t.same(await client.request('write', 'a/kernel'), { op: 'ack', block: 0 })
  const logged = push.logged(/^error .*could not be removed .*cannot remove a\.kernel/)
  client.tell(errorPacket(0, 'enough'))
  await logged
  await push.put('b/kernel', KERNEL)
  t.same(await namesOf(push), ['b.kernel'])
})

t.test('a push that ends before the size that was told leaves nothing', async t => {
  const push = await startPush(t)
  const client = await PlainClient.open(t, push)
  const options = new Map([['tsize', '1000']])
  t.same(await client.say(requestPacket('write', 'a/kernel', options)), { op: 'options', options })
  t.match(await client.data(1, Buffer.alloc(100)), { op: 'error', number: 0, text: /before byte 1000/ })
  await push.put('b/kernel', KERNEL)
  t.same(await readdir(push.board.config.artifactDir), ['b.kernel'])
})

t.test('an empty file takes away what was pushed under its name', async t => {
  const push = await startPush(t)
  await push.put('a/kernel', KERNEL)
  await push.put('a/dtb', DTB)
  await push.put('a/dtb', '')
  t.same(await namesOf(push), ['a.kernel'])
})

t.test('only peers of the listed networks are served, of IPv4 and of IPv6', async t => {
  const { boot } = await openBoard(t)
  const network = new SimulatedNetwork()
  const lines: string[] = []
  const log = {
    info: () => undefined,
    error: () => undefined,
    warn: (fields: object) => lines.push(JSON.stringify(fields)),
  }
  const listen = { host: '10.0.0.1', port: 69 }
  const serve = (host: string, peers: string[]) =>
    TftpJobs.open(
      {
        config: { listen, peers, descriptionLimit: 1000, lab: { console: '', kernelArgs: '' } },
        boot,
        log,
        network,
      },
      { host, port: 69 },
    )
  const answer = async (server: string): Promise<string> => {
    const error = await failure(network.run(fetchTftp({ server, file: 'a/log', network }, () => undefined)))
    return `${error.details.number} ${error.details.text}`
  }
  await serve('10.0.0.1', [])
  t.equal(await answer('10.0.0.1'), '2 10.0.0.2 may not push jobs here; list its network in tftpPeers')
  t.match(lines, [/"name":"a\/log","peer":"10.0.0.2"/])
  await serve('10.0.0.3', ['10.0.0.0/30'])
  t.equal(await answer('10.0.0.3'), NO_JOB)
  await serve('fd00::1', ['10.0.0.0/30'])
  t.match(await answer('fd00::1'), /^2 fd00::2 may not push/)
  await serve('fd00::3', ['fd00::/64'])
  t.equal(await answer('fd00::3'), NO_JOB)
})

t.test('another life of the agent knows the jobs that were pushed, and the files that wait', async t => {
  const push = await startPush(t)
  await push.put('a/kernel', KERNEL)
  await push.put('a/job.json', DRY)
  const { id } = await push.ended('a')
  await push.put('b/kernel', KERNEL)
  push.jobs.close()
  await push.board.boot.close()
  const again = await pushTo(t, await push.board.restart())
  t.equal(JSON.parse(await again.get('a/status.json')).id, id)
  await again.put('b/job.json', DRY)
  t.equal((await again.ended('b')).states.at(-1), 'planned')
})

t.test('jobs that came in another way are not read here', async t => {
  const push = await startPush(t)
  await push.board.boot.artifacts.receive('k', body(KERNEL))
  const { id } = await push.board.boot.submit(
    {
      name: 'a',
      kernel: { artifact: 'k' },
      overlays: [],
      cmdline: '',
      options: { dryRun: true, force: false, queue: false },
    },
    'http',
  )
  await statesOf(push.board.boot, id)
  t.equal(await push.refused(push.get('a/log')), NO_JOB)
})

t.test('a server that is closed tells the clients whose transfers run', async t => {
  const push = await startPush(t)
  const client = await PlainClient.open(t, push)
  await client.request('write', 'a/kernel')
  const told = client.next()
  push.jobs.close()
  t.match(await told, { op: 'error', text: 'the TFTP server: it was stopped' })
  t.equal(push.jobs.port, 0)
})
