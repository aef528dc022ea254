import { readdir, readFile } from 'node:fs/promises'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import { gzipSync } from 'node:zlib'
import t, { type Test } from 'tap'
import { pack } from 'tar-stream'
import type { Boot } from '../../../../agent/boot/boot.js'
import type { JobRequest } from '../../../../agent/boot/jobs/job.js'
import { parseFdt, writeFdt } from '../../../../agent/image/fdt/fdt.js'
import { encodeString, findNode, propString } from '../../../../agent/image/fdt/fdt-query.js'
import { readCpio } from '../image/cpio/read-cpio.js'
import { cpio, zImage } from '../kexec/images.js'
import { node, tree } from '../kexec/trees.js'
import { DTB, eventsOf, jobOf, openBoard, statesOf } from './board-fixture.js'
import { body, failure, sha256 } from './fixture.js'

const KERNEL = zImage()
const RAMDISK = cpio()
const FILES: Readonly<Record<string, Uint8Array>> = { '/zImage': KERNEL, '/rootfs.cpio': RAMDISK, '/board.dtb': DTB }

async function serveFiles(t: Test, files = FILES): Promise<string> {
  const server = createServer((request, response) => {
    const file = files[request.url ?? '']
    if (file === undefined) response.writeHead(404).end()
    else response.writeHead(200, { 'content-length': file.length }).end(file)
  })
  await new Promise<void>(resolve => server.listen({ port: 0, host: '127.0.0.1' }, resolve))
  t.teardown(() => server.close())
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`
}

async function store(boot: Boot, files: Readonly<Record<string, Uint8Array>>): Promise<void> {
  for (const [name, bytes] of Object.entries(files)) await boot.artifacts.receive(name, body(bytes))
}

/** Submit, and wait for the end. */
async function run(boot: Boot, request: JobRequest): Promise<string> {
  const { id } = await boot.submit(request, 'http')
  await eventsOf(boot, id)
  return id
}

t.test('a job of URLs goes through its states into the target', async t => {
  const { boot, kexec, config, logged } = await openBoard(t)
  const origin = await serveFiles(t)
  const job = await boot.submit(
    jobOf({
      name: 'first',
      kernel: { url: `${origin}/zImage`, sha256: sha256(KERNEL), size: KERNEL.length },
      ramdisk: `${origin}/rootfs.cpio`,
      dtb: `${origin}/board.dtb`,
    }),
    'http',
  )
  t.match(job, { name: 'first', origin: 'http', error: null, request: { cmdline: 'console=ttyAMA0' } })
  const events = await eventsOf(boot, job.id)
  t.same(
    events.flatMap(event => (event.type === 'state' ? [event.state] : [])),
    ['queued', 'fetching', 'verifying', 'planning', 'loaded', 'booting'],
  )
  t.same(
    events.map(({ seq }) => seq),
    events.map((_, index) => index + 1),
  )
  t.ok(
    events.some(event => event.type === 'finding'),
    'findings are events',
  )
  t.same(
    ['kernel', 'ramdisk', 'dtb']
      .map(role => events.findLast(event => event.type === 'progress' && event.role === role))
      .map(event => (event?.type === 'progress' ? [event.received, event.size] : [])),
    [KERNEL, RAMDISK, DTB].map(({ length }) => [length, length]),
  )

  const image = await kexec.jumped
  t.same(
    kexec.calls.map(({ method }) => method),
    ['unload', 'load', 'loaded', 'sync', 'linkDown', 'jump'],
  )
  t.match(kexec.calls[4], { ifname: 'eth0' }, 'the link that is up goes down, just before the jump')
  const [kernel, ramdisk, dtb] = image.segments.map(({ buffer }) => buffer)
  t.ok(Buffer.from(KERNEL).equals(kernel ?? Buffer.alloc(0)))
  t.ok(Buffer.from(RAMDISK).equals(ramdisk ?? Buffer.alloc(0)))
  const chosen = findNode(parseFdt(dtb ?? Buffer.alloc(0)), '/chosen')
  t.equal(chosen && propString(chosen, 'bootargs'), 'console=ttyAMA0')
  t.equal(chosen && propString(chosen, 'fauxboot,job'), job.id)

  const view = boot.get(job.id)
  t.equal(view.state, 'booting')
  t.same(
    view.artifacts.map(({ role, received, size, sha256 }) => [role, received, size, sha256]),
    [
      ['kernel', KERNEL],
      ['ramdisk', RAMDISK],
      ['dtb', DTB],
    ].map(([role, bytes]) => {
      const file = Buffer.from(bytes as Uint8Array)
      return [role, file.length, file.length, sha256(file)]
    }),
  )
  t.equal(view.artifacts[0]?.source, `${origin}/zImage`)
  t.same(Object.keys(view.durations), ['queued', 'fetching', 'verifying', 'planning', 'loaded'])
  t.match(boot.plan(job.id), { arch: 'arm', survivable: true })
  t.match(boot.log(job.id), /fetching\n.*kernel: fetching http.*\n(.*\n)*.* booting\n$/)
  const saved = JSON.parse(await readFile(join(config.stateDir, `${job.id}.json`), 'utf8'))
  t.equal(saved.view.state, 'booting', 'what the next first stage will read')
  t.same(logged, ['info job taken', 'info jumping into the target'])
  t.match(boot.metrics(), {
    jobsSubmitted: 1,
    jobsEnded: { booting: 1 },
    jobsFailed: {},
    jobsQueued: 0,
    jobsActive: 1,
    fetchedBytes: KERNEL.length + RAMDISK.length + DTB.length,
    followers: 0,
  })
})

t.test('a job of uploads boots; artifacts that have a name stay', async t => {
  const { boot, kexec, config } = await openBoard(t)
  await store(boot, { zImage: KERNEL })
  const { name } = await boot.artifacts.receiveForJob('ramdisk', body(RAMDISK))
  const request = {
    ...jobOf({ kernel: { artifact: 'zImage' }, options: { dryRun: true } }),
    ramdisk: { artifact: name },
  }
  const id = await run(boot, request)
  t.equal(boot.get(id).state, 'planned')
  t.same(await readdir(config.artifactDir), ['zImage'], 'the files of the job went with it')
  t.match(await boot.artifacts.get('zImage'), { usedBy: null })
  t.same(kexec.calls, [], 'a dry run loads nothing')
  t.match(boot.plan(id), { survivable: true })
  t.same(await statesOf(boot, id), ['queued', 'fetching', 'verifying', 'planning', 'planned'])
})

t.test('an upload is a file of the job from the moment it is submitted, even if that is refused', async t => {
  const { boot, config } = await openBoard(t)
  const { name } = await boot.artifacts.receiveForJob('kernel', body(KERNEL))
  const request = {
    ...jobOf({ kernel: { artifact: 'x' }, ramdisk: { artifact: 'unknown' } }),
    kernel: { artifact: name },
  }
  t.match(await failure(boot.submit(request, 'http')), { code: 'ARTIFACT_UNKNOWN', details: { name: 'unknown' } })
  t.same(await readdir(config.artifactDir), [])
  t.same(boot.list(), [])
})

t.test('an artifact cannot be changed while a job uses or awaits it', async t => {
  const { boot } = await openBoard(t)
  await store(boot, { zImage: KERNEL })
  const { id } = await boot.submit(jobOf({ kernel: { artifact: 'zImage' } }), 'http')
  t.match(await failure(boot.artifacts.delete('zImage')), { code: 'ARTIFACT_BUSY', message: new RegExp(id) })
})

t.test('what is wrong with a file ends the job, with nothing loaded and the board free for the next', async t => {
  const broken = KERNEL.slice(0, 1000)
  const { boot, kexec, config } = await openBoard(t)
  const origin = await serveFiles(t, { ...FILES, '/broken': broken, '/noise': Buffer.alloc(5000, 'noise') })
  const url = (path: string, more: object = {}) => ({ url: origin + path, ...more })
  const good = url('/zImage')
  const wrong: [Record<string, unknown>, string, RegExp][] = [
    [{ kernel: url('/none') }, 'FETCH_STATUS', /none: the server answered 404 Not Found/],
    [{ kernel: url('/zImage', { sha256: '0'.repeat(64) }) }, 'VERIFY_SHA256', /kernel: expected sha256 0000/],
    [{ kernel: url('/zImage', { size: 5 }) }, 'VERIFY_SIZE', /kernel: expected 5 bytes, found 1048576/],
    [{ kernel: url('/broken') }, 'FORMAT_TRUNCATED', /kernel is truncated/],
    [{ kernel: url('/noise') }, 'FORMAT_UNSUPPORTED', /kernel/],
    [{ kernel: url('/zImage', { compression: 'gzip' }) }, 'DECOMPRESS_FAILED', /kernel cannot be decompressed as gzip/],
    [{ kernel: good, dtb: url('/noise') }, 'FORMAT_MAGIC', /dtb has the wrong magic/],
    [{ kernel: good, overlays: [url('/noise')] }, 'FORMAT_MAGIC', /overlay0 has the wrong magic/],
    [{ kernel: good, modules: url('/noise') }, 'FORMAT_VALUE', /expected a tar or cpio archive/],
    [{ kernel: good, ramdisk: url('/rootfs.cpio', { compression: 'gzip' }) }, 'DECOMPRESS_FAILED', /ramdisk/],
  ]
  for (const [fields, code, message] of wrong) {
    const id = await run(boot, jobOf(fields))
    t.match(boot.get(id), { state: 'failed', error: { code, message } })
    t.same(await readdir(config.artifactDir), [])
    t.match((await eventsOf(boot, id)).at(-1), { type: 'state', state: 'failed', error: { code } })
  }
  t.equal(kexec.calls.length, 0)
  t.match(boot.metrics().jobsFailed, { VERIFY_SHA256: 1, FORMAT_MAGIC: 2 })
  const id = await run(boot, jobOf({ kernel: good }))
  t.equal(boot.get(id).state, 'booting', 'the board is still bootable')
})

t.test('a file above the limit is refused, and the limit is that of the memory', async t => {
  const { boot } = await openBoard(t, { host: { memory: async () => ({ total: 2 ** 30, available: 65 * 2 ** 20 }) } })
  const id = await run(boot, jobOf({ kernel: `${await serveFiles(t)}/zImage` }))
  t.match(boot.get(id).error, { code: 'ARTIFACT_TOO_LARGE', details: { size: 1048576, limit: 524288 } })
})

t.test('a job whose files together cannot fit is refused before the first of them is asked for', async t => {
  const { boot } = await openBoard(t, { host: { memory: async () => ({ total: 2 ** 29, available: 400 * 2 ** 20 }) } })
  const requests: (string | undefined)[] = []
  const server = createServer((request, response) => {
    requests.push(request.url)
    response.writeHead(200, { 'content-length': 200 * 2 ** 20 }).flushHeaders()
  })
  await new Promise<void>(resolve => server.listen({ port: 0, host: '127.0.0.1' }, resolve))
  t.teardown(() => server.close())
  const origin = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
  const url = (path: string, size: number) => ({ url: origin + path, size: size * 2 ** 20 })
  const id = await run(boot, jobOf({ kernel: url('/k', 20), ramdisk: url('/r', 150) }))
  t.match(boot.get(id).error, {
    code: 'ARTIFACT_TOO_LARGE',
    details: { what: 'the files of the job', size: 170 * 2 ** 20, limit: 168 * 2 ** 20 },
  })
  t.same(requests, [])
  const undeclared = await run(boot, jobOf({ kernel: `${origin}/k` }))
  t.match(boot.get(undeclared), {
    error: { code: 'ARTIFACT_TOO_LARGE', details: { size: 200 * 2 ** 20 } },
    artifacts: [{ received: 0 }],
  })
})

t.test('the log shows retries of a download', async t => {
  const { boot, logged } = await openBoard(t, { config: { fetch: { stallSeconds: 20, retries: 1, maxRedirects: 5 } } })
  let asked = 0
  let authorization: string | undefined
  const server = createServer((request, response) => {
    authorization = request.headers.authorization
    if (asked++ === 0) response.writeHead(503).end()
    else response.end(KERNEL)
  })
  await new Promise<void>(resolve => server.listen({ port: 0, host: '127.0.0.1' }, resolve))
  t.teardown(() => server.close())
  const { port } = server.address() as AddressInfo
  const id = await run(boot, jobOf({ kernel: `http://lab:secret@127.0.0.1:${port}/`, options: { dryRun: true } }))
  t.equal(boot.get(id).state, 'planned')
  t.match(boot.log(id), /warning: kernel: .* the server answered 503 Service Unavailable; further attempt 1/)
  t.equal(authorization, `Basic ${btoa('lab:secret')}`)
  const shown = JSON.stringify([
    boot.get(id),
    boot.log(id),
    boot.list(),
    boot.plan(id),
    await eventsOf(boot, id),
    logged,
  ])
  t.notMatch(shown, /secret|lab:/, 'nobody is shown who fetches, which may be a token, nor the password')
  t.ok(shown.includes(`http://***@127.0.0.1:${port}/`))
})

t.test('no error shows the user or the password of a URL, however wrong the URL is', async t => {
  const { boot } = await openBoard(t, { config: { fetch: { stallSeconds: 20, retries: 0, maxRedirects: 0 } } })
  const wrong = [
    'http://token:secret@lab:99999/k',
    'ftp://token:secret@lab/k',
    `http://token:s${'e'.repeat(500)}cret@:1`,
  ]
  for (const url of wrong) {
    const { message, details } = await failure((async () => jobOf({ kernel: url }))())
    t.notMatch(JSON.stringify([message, details]), /token|cret|ee/, url)
  }
  const server = createServer((_request, response) =>
    response.writeHead(302, { location: 'ftp://token:secret@x' }).end(),
  )
  await new Promise<void>(resolve => server.listen({ port: 0, host: '127.0.0.1' }, resolve))
  t.teardown(() => server.close())
  const { port } = server.address() as AddressInfo
  const id = await run(boot, jobOf({ kernel: `http://127.0.0.1:${port}/` }))
  t.match(boot.get(id).error, { code: 'FETCH_PROTOCOL', details: { url: 'ftp://***@x' } })
})

t.test('a kernel is unpacked by its magic, a ramdisk only when its compression is stated', async t => {
  for (const [name, request, kernel, ramdisk] of [
    ['by magic', { kernel: { artifact: 'k.gz' }, ramdisk: { artifact: 'r.gz' } }, KERNEL, gzipSync(RAMDISK)],
    [
      'stated',
      { kernel: { artifact: 'k.gz', compression: 'gzip' }, ramdisk: { artifact: 'r.gz', compression: 'gzip' } },
      KERNEL,
      RAMDISK,
    ],
    [
      'none',
      { kernel: { artifact: 'k', compression: 'none' }, ramdisk: { artifact: 'r.gz', compression: 'none' } },
      KERNEL,
      gzipSync(RAMDISK),
    ],
  ] as const) {
    const { boot, kexec } = await openBoard(t)
    await store(boot, { k: KERNEL, 'k.gz': gzipSync(KERNEL), 'r.gz': gzipSync(RAMDISK) })
    await boot.submit(jobOf(request), 'http')
    const { segments } = await kexec.jumped
    t.ok(Buffer.from(kernel).equals(segments[0]?.buffer ?? Buffer.alloc(0)), name)
    t.ok(Buffer.from(ramdisk).equals(segments[1]?.buffer ?? Buffer.alloc(0)), name)
  }
})

t.test('modules follow the ramdisk as an archive of their own', async t => {
  const tar = pack()
  tar.entry({ name: 'lib/modules/6.17/ext4.ko' }, 'module')
  tar.finalize()
  const chunks: Uint8Array[] = []
  for await (const chunk of tar) if (chunk instanceof Uint8Array) chunks.push(chunk)
  const modules = Buffer.concat(chunks)
  const ready = cpio(4096)
  for (const [file, names] of [
    [gzipSync(modules), ['lib/', 'lib/modules/', 'lib/modules/6.17/', 'lib/modules/6.17/ext4.ko']],
    [ready, ['init']],
  ] as const) {
    const { boot, kexec } = await openBoard(t)
    await store(boot, { zImage: KERNEL, r: RAMDISK, m: file })
    await boot.submit(
      jobOf({ kernel: { artifact: 'zImage' }, ramdisk: { artifact: 'r' }, modules: { artifact: 'm' } }),
      'http',
    )
    const { segments } = await kexec.jumped
    const [, ramdisk, archive] = segments
    t.ok(Buffer.from(RAMDISK).equals(ramdisk?.buffer ?? Buffer.alloc(0)))
    t.same(
      readCpio(archive?.buffer ?? Buffer.alloc(0)).map(({ name }) => name),
      names,
    )
    t.equal(archive?.mem, (ramdisk?.mem ?? 0) + (ramdisk?.memsz ?? 0), 'right behind it')
  }
})

t.test('overlays are applied to the dtb of the job, or to that of the running kernel', async t => {
  const overlay = (model: string): Uint8Array =>
    writeFdt({
      root: node(
        '',
        {},
        node('fragment@0', { 'target-path': encodeString('/') }, node('__overlay__', { model: encodeString(model) })),
      ),
      reservations: [],
      bootCpu: 0,
    })
  const other = writeFdt(tree({ memory: [[0x40000000, 0x40000000]], model: 'other', compatible: ['of,job'] }))
  for (const [dtb, compatible] of [
    [undefined, 'linux,dummy-virt'],
    [{ artifact: 'dtb' }, 'of,job'],
  ] as const) {
    const { boot, kexec } = await openBoard(t)
    await store(boot, { zImage: KERNEL, dtb: other, a: overlay('one'), b: gzipSync(overlay('two')) })
    const { id } = await boot.submit(
      jobOf({ kernel: { artifact: 'zImage' }, dtb, overlays: [{ artifact: 'a' }, { artifact: 'b' }] }),
      'http',
    )
    const { segments } = await kexec.jumped
    const { root } = parseFdt(segments.at(-1)?.buffer ?? Buffer.alloc(0))
    t.equal(propString(root, 'model'), 'two', 'the last one wins')
    t.equal(propString(root, 'compatible'), compatible)
    t.match(boot.log(id), /applied overlay0\n.*applied overlay1/s)
  }
  const { boot } = await openBoard(t, { host: { runningDtb: async () => null } })
  await store(boot, { zImage: KERNEL, a: overlay('one') })
  const id = await run(boot, jobOf({ kernel: { artifact: 'zImage' }, overlays: [{ artifact: 'a' }] }))
  t.match(boot.get(id).error, { code: 'PLAN_INPUT', message: /no dtb to apply them to/ })
})

t.test('a plan that is not survivable is refused with what to change; force insists, and says so', async t => {
  for (const force of [false, true]) {
    const { boot, kexec } = await openBoard(t, { host: { capabilities: async () => 0n } })
    await store(boot, { zImage: KERNEL })
    const id = await run(boot, jobOf({ kernel: { artifact: 'zImage' }, options: { force } }))
    t.match(boot.plan(id), { survivable: false })
    if (force) {
      t.equal(boot.get(id).state, 'booting')
      t.match(boot.log(id), /warning: FORCED: this plan cannot survive.*CAP_SYS_BOOT/)
    } else {
      t.match(boot.get(id).error, { code: 'PLAN_REFUSED', message: /CAP_SYS_BOOT; run the agent as root/ })
      t.equal(kexec.calls.length, 0)
    }
  }
})

t.test('a plan without a layout is refused, whatever force says', async t => {
  const { boot, kexec } = await openBoard(t, { host: { iomem: async () => '40000000-400fffff : System RAM\n' } })
  await store(boot, { zImage: KERNEL })
  const id = await run(boot, jobOf({ kernel: { artifact: 'zImage' }, options: { force: true } }))
  t.equal(boot.get(id).error?.code, 'PLAN_REFUSED')
  t.equal(kexec.calls.length, 0)
})

t.test('a dry run shows a plan that is not survivable', async t => {
  const { boot } = await openBoard(t, { host: { capabilities: async () => 0n } })
  await store(boot, { zImage: KERNEL })
  const id = await run(boot, jobOf({ kernel: { artifact: 'zImage' }, options: { dryRun: true } }))
  t.equal(boot.get(id).state, 'planned')
  t.match(boot.plan(id), { survivable: false })
})

t.test('a memory map of zeros stops the job', async t => {
  const { boot } = await openBoard(t, { host: { iomem: async () => '00000000-00000000 : System RAM\n' } })
  await store(boot, { zImage: KERNEL })
  const id = await run(boot, jobOf({ kernel: { artifact: 'zImage' } }))
  t.equal(boot.get(id).error?.code, 'MAP_ZEROS')
})

t.test('the options of a job reach the plan', async t => {
  const { boot } = await openBoard(t)
  await store(boot, { zImage: KERNEL })
  const id = await run(
    boot,
    jobOf({ kernel: { artifact: 'zImage' }, options: { dryRun: true, earlycon: 'pl011,0x9000000' } }),
  )
  t.match(boot.plan(id), { cmdline: /console=ttyAMA0 earlycon=pl011,0x9000000/ })
})

t.test('those who ask for the board within a moment share one reading', async t => {
  let readings = 0
  const model = async () => `model ${++readings}`
  const { boot } = await openBoard(t, { host: { model } })
  t.match(await Promise.all([boot.board(), boot.board()]), [{ model: 'model 1' }, { model: 'model 1' }])
  t.equal(readings, 1)
})
