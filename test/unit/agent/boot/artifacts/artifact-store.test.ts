import { mkdir, open, readdir, readFile, rename, symlink, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { setTimeout as pause } from 'node:timers/promises'
import t, { type Test } from 'tap'
import { ArtifactStore, parseContentRange } from '../../../../../agent/boot/artifacts/artifact-store.js'
import { readFileRange } from '../../../../../agent/boot/artifacts/read-file.js'
import { fault } from '../../../../../agent/errors.js'
import { Gate } from '../board-fixture.js'
import { body, breaksOff, failure, MIB, openStore, patternBytes, sha256, temporaryDirectory } from '../fixture.js'

const FILE = patternBytes(3 * MIB + 17)
const range = (first: number, last: number, total: number | null) => ({ first, last, total })

t.test('an upload is stored whole, with its size and digest', async t => {
  const directory = await temporaryDirectory(t)
  const store = await openStore(t, { directory: join(directory, 'made', 'when', 'missing') })
  const view = {
    name: 'zImage',
    size: FILE.length,
    received: FILE.length,
    complete: true,
    sha256: sha256(FILE),
    usedBy: null,
  }
  t.same(await store.receive('zImage', body(FILE), { length: FILE.length, sha256: sha256(FILE) }), view)
  t.same(await store.list(), [view])
  t.same(await store.get('zImage'), view)
  t.ok(FILE.equals(await store.bytes('zImage')))
  t.same([store.stored, store.count, store.uploaded], [FILE.length, 1, FILE.length])
})

t.test('an upload whose length is not told ends where its body ends', async t => {
  const store = await openStore(t)
  t.match(await store.receive('a', body(FILE), { length: null }), { size: FILE.length, complete: true })
})

t.test('an empty artifact is an artifact, and is not mapped', async t => {
  const store = await openStore(t, {
    mapFile: () => {
      throw new Error('EINVAL')
    },
  })
  t.match(await store.receive('empty', body(Buffer.alloc(0))), { size: 0, complete: true })
  t.equal((await store.bytes('empty')).length, 0)
})

t.test('names that could leave the directory, hide, or be mistaken for an incomplete file are refused', async t => {
  const store = await openStore(t)
  for (const name of ['', '.', '..', '.hidden', '../x', 'a/b', 'a\0', 'ä', 'a b', 'x'.repeat(129), 'x.partial']) {
    for (const call of [store.receive(name, body(FILE)), store.get(name), store.delete(name)]) {
      t.equal((await failure(call)).code, 'ARTIFACT_NAME', JSON.stringify(name))
    }
  }
  t.match(await store.receive('-_aZ0.partial.9', body(FILE)), { complete: true })
  t.equal((await store.list()).length, 1)
})

t.test('an unknown artifact is named', async t => {
  const store = await openStore(t)
  for (const call of [store.get('x'), store.delete('x'), store.bytes('x'), store.facts('x')]) {
    t.match(await failure(call), { code: 'ARTIFACT_UNKNOWN', details: { name: 'x' } })
  }
  t.throws(() => store.hold('x', 'j1'), { code: 'ARTIFACT_UNKNOWN' })
})

t.test('an upload that breaks off goes on where it broke off, also after a restart of the agent', async t => {
  for (const restart of [false, true]) {
    const directory = await temporaryDirectory(t)
    const before = await openStore(t, { directory })
    const error = await failure(
      before.receive('a', body(FILE.subarray(0, 2 * MIB + 5), 65_536, breaksOff), { length: FILE.length }),
    )
    t.equal(error.code, 'ARTIFACT_INCOMPLETE')
    t.match(error.message, /broke off after 2097157 bytes: aborted/)
    const store = restart ? await openStore(t, { directory }) : before
    const size = restart ? null : FILE.length
    t.same(await store.get('a'), {
      name: 'a',
      size,
      received: 2 * MIB + 5,
      complete: false,
      sha256: null,
      usedBy: null,
    })
    t.match(await failure(store.bytes('a')), { code: 'ARTIFACT_BUSY', message: /incomplete: 2097157 bytes are here/ })
    const rest = FILE.subarray(2 * MIB + 5)
    await store.receive('a', body(rest), {
      range: range(2 * MIB + 5, FILE.length - 1, FILE.length),
      length: rest.length,
      sha256: sha256(FILE),
    })
    t.ok(FILE.equals(await store.bytes('a')))
    t.same(await readdir(directory), ['a'])
  }
})

t.test('an artifact may come in parts, the size known from the first or only from the last', async t => {
  for (const total of [FILE.length, null]) {
    const store = await openStore(t)
    const first = await store.receive('a', body(FILE.subarray(0, MIB)), { range: range(0, MIB - 1, total) })
    t.match(first, { size: total, received: MIB, complete: false })
    await store.receive('a', body(FILE.subarray(MIB, 2 * MIB)), { range: range(MIB, 2 * MIB - 1, null) })
    const last = await store.receive('a', body(FILE.subarray(2 * MIB)), {
      range: range(2 * MIB, FILE.length - 1, FILE.length),
    })
    t.match(last, { size: FILE.length, complete: true, sha256: sha256(FILE) })
    t.ok(FILE.equals(await store.bytes('a')))
  }
})

t.test('a part that does not follow what is here is refused, and nothing is lost', async t => {
  const store = await openStore(t)
  await store.receive('a', body(FILE.subarray(0, 1000)), { range: range(0, 999, FILE.length) })
  for (const wrong of [range(999, 1999, FILE.length), range(1001, 1999, FILE.length), range(1000, 1999, 2000)]) {
    const error = await failure(store.receive('a', body(FILE), { range: wrong }))
    t.equal(error.code, 'ARTIFACT_RANGE')
    t.match(error.message, /Content-Range bytes \d+-1999\/\d+ does not follow the 1000 bytes/)
  }
  t.match(await failure(store.receive('b', body(FILE), { range: range(5, 9, 10) })), { details: { received: 0 } })
  const { code } = await failure(store.receive('a', body(FILE), { range: range(1000, 1999, null), length: 999 }))
  t.equal(code, 'VERIFY_SIZE')
  t.match(await store.get('a'), { received: 1000 })
  await store.receive('c', body(FILE.subarray(0, 1000)))
  const behind = await failure(store.receive('c', body(FILE), { range: range(1000, 1999, null) }))
  t.equal(behind.code, 'ARTIFACT_RANGE', 'a complete artifact does not grow')
  t.match(await store.get('c'), { received: 1000, complete: true })
})

t.test('a part from the first byte starts over', async t => {
  const store = await openStore(t)
  await store.receive('a', body(FILE.subarray(0, 1000)), { range: range(0, 999, 5000) })
  const other = patternBytes(2000, 9)
  await store.receive('a', body(other), { range: range(0, 1999, 2000) })
  t.ok(other.equals(await store.bytes('a')))
})

t.test('a body longer than announced is refused, and nothing of it is kept', async t => {
  const store = await openStore(t)
  const error = await failure(store.receive('a', body(FILE), { length: FILE.length - 1 }))
  t.equal(error.code, 'VERIFY_SIZE')
  t.same(await store.list(), [])
  t.equal(store.stored, 0)
})

t.test('a body shorter than announced is kept as the part that it is', async t => {
  const store = await openStore(t)
  const error = await failure(store.receive('a', body(FILE.subarray(0, 10)), { length: 20 }))
  t.match(error.message, /after 10 bytes: the body ended before byte 20/)
  t.match(await store.get('a'), { received: 10, size: 20, complete: false })
})

t.test('a wrong digest is refused with both digests, and nothing is kept', async t => {
  const directory = await temporaryDirectory(t)
  const store = await openStore(t, { directory })
  const expected = '0'.repeat(64)
  const error = await failure(store.receive('a', body(FILE), { sha256: expected }))
  t.match(error, { code: 'VERIFY_SHA256', details: { what: 'artifact a', expected, found: sha256(FILE) } })
  t.same(await store.list(), [])
  t.same(await readdir(directory), [])
})

t.test('a signal ends an upload at once, with its reason; what has arrived is kept', async t => {
  const store = await openStore(t)
  const abort = new AbortController()
  const silent = async function* () {
    yield FILE.subarray(0, 5)
    abort.abort(new Error('the client is gone'))
    await new Promise(() => {})
  }
  await t.rejects(store.receive('a', silent(), { signal: abort.signal }), { message: 'the client is gone' })
  t.match(await store.get('a'), { received: 5 })
})

t.test('an error of the table that the source fails with is passed on', async t => {
  const store = await openStore(t)
  const source = body(FILE, 65_536, () => {
    throw fault('HTTP_REQUEST', { reason: 'the part is too long' })
  })
  t.match(await failure(store.receive('a', source)), { code: 'HTTP_REQUEST' })
  t.match(
    await failure(
      store.receive(
        'b',
        body(FILE, 9e6, () => {
          throw 'words'
        }),
      ),
    ),
    { message: /words/ },
  )
})

t.test('an upload without a byte leaves nothing', async t => {
  const directory = await temporaryDirectory(t)
  const store = await openStore(t, { directory })
  t.equal((await failure(store.receive('a', body(Buffer.alloc(0), 1, breaksOff)))).code, 'ARTIFACT_INCOMPLETE')
  t.same(await store.list(), [])
  t.same(await readdir(directory), [])
})

t.test('two uploads of one name do not mix', async t => {
  const store = await openStore(t)
  let release = (): void => {}
  const gate = new Promise<void>(resolve => {
    release = resolve
  })
  const slow = async function* () {
    yield FILE.subarray(0, 1000)
    await gate
    yield FILE.subarray(1000)
  }
  const first = store.receive('a', slow())
  t.match(await failure(store.receive('a', body(FILE))), { code: 'ARTIFACT_BUSY', message: /being uploaded/ })
  t.equal((await failure(store.delete('a'))).code, 'ARTIFACT_BUSY')
  release()
  t.match(await first, { complete: true, sha256: sha256(FILE) })
})

t.test('a new version never touches the bytes of the old one: they may be mapped', async t => {
  const directory = await temporaryDirectory(t)
  const store = await openStore(t, { directory })
  await store.receive('a', body(FILE))
  const old = await open(join(directory, 'a'))
  t.teardown(() => old.close())
  await store.receive('a', body(patternBytes(FILE.length, 5)))
  t.ok(FILE.equals(await old.readFile()))
})

t.test('an artifact in use by a job is neither replaced nor deleted', async t => {
  const store = await openStore(t)
  await store.receive('a', body(FILE))
  store.hold('a', 'j1')
  t.match(await store.get('a'), { usedBy: 'j1' })
  for (const call of [store.delete('a'), store.receive('a', body(FILE))]) {
    t.match(await failure(call), { code: 'ARTIFACT_BUSY', message: /in use by job j1/ })
  }
  await store.releaseAll('j2')
  t.match(await store.get('a'), { usedBy: 'j1' })
  await store.releaseAll('j1')
  t.match(await store.get('a'), { usedBy: null })
  await store.delete('a')
  t.equal(store.stored, 0)
})

t.test(
  'what the console holds counts as much as what is stored, and is not counted twice when a job borrows it',
  async t => {
    const store = await openStore(t, { available: async () => 100 * MIB, reserve: 20 * MIB, lent: () => 30 * MIB })
    t.equal(await store.limit(), 25 * MIB)
    store.addFileRange({ role: 'kernel', job: 'a', part: { path: '/memory', offset: 0, size: 30 * MIB } })
    t.same([await store.limit(), store.stored], [25 * MIB, 0])
  },
)

t.test('the limit leaves the reserve, and room for the copies that kexec_load makes', async t => {
  const directory = await temporaryDirectory(t)
  let available = 100 * MIB
  const store = await openStore(t, { directory, reserve: 20 * MIB, available: async () => available })
  t.equal(await store.limit(), 40 * MIB)
  await store.receive('a', body(patternBytes(10 * MIB)))
  available = 90 * MIB
  t.equal(await store.limit(), 30 * MIB, '90 free, less 20 of reserve, less 10 for the copy, halved')
  available = 1 * MIB
  t.equal(await store.limit(), 0)
})

t.test('a file with an announced size that does not fit is refused before its first byte', async t => {
  const store = await openStore(t, { available: async () => 2 * MIB })
  let asked = false
  const source = body(FILE, 65_536, () => {
    asked = true
  })
  const error = await failure(store.receive('a', source, { length: FILE.length }))
  t.match(error, { code: 'ARTIFACT_TOO_LARGE', details: { size: FILE.length, limit: MIB } })
  t.equal(asked, false)
  t.equal(
    (await failure(store.receive('a', body(FILE), { range: range(0, 9, FILE.length) }))).code,
    'ARTIFACT_TOO_LARGE',
  )
  t.same(await store.list(), [])
})

/** A board of 512 MiB whose first stage leaves 400; a megabyte is a unit of 4 KiB here, so that the test is quick. */
const UNIT = 4096
const smallBoard = async (t: Test): Promise<ArtifactStore> => {
  const store: ArtifactStore = await openStore(t, {
    reserve: 64 * UNIT,
    available: async () => 400 * UNIT - store.stored,
  })
  return store
}

t.test(
  'uploads at the same time share the memory: one that no longer fits is refused before its first byte',
  async t => {
    const store = await smallBoard(t)
    const [first, second] = [new Gate(), new Gate()]
    const file = patternBytes(100 * UNIT)
    const slow = async function* (gate: Gate) {
      await gate.pass()
      yield* body(file)
    }
    const running = store.receive('a', slow(first), { length: file.length })
    await first.entered
    t.same([store.stored, await store.limit()], [0, 68 * UNIT], '336 are free, halved; 100 are promised')
    const error = await failure(store.receive('b', slow(second), { length: file.length }))
    t.match(error, { code: 'ARTIFACT_TOO_LARGE', details: { size: 100 * UNIT, limit: 68 * UNIT } })
    first.open()
    t.match(await running, { complete: true })
    t.equal(await store.limit(), 68 * UNIT)
  },
)

t.test('uploads that begin together are promised no more than there is', async t => {
  const store = await smallBoard(t)
  const file = patternBytes(100 * UNIT)
  const ends = await Promise.allSettled(
    Array.from({ length: 8 }, (_, i) => store.receive(`f${i}`, body(file), { length: file.length })),
  )
  t.equal(ends.filter(({ status }) => status === 'fulfilled').length, 1)
  t.equal(store.stored, file.length)
})

t.test('thirty uploads of unknown length together stay within the memory', async t => {
  let stored = 0
  const store: ArtifactStore = await openStore(t, {
    reserve: 64 * MIB,
    lent: () => 296 * MIB,
    available: async () => 400 * MIB - store.stored,
  })
  const endless = async function* () {
    const chunk = Buffer.alloc(256 * 1024)
    for (;;) {
      stored = Math.max(stored, store.stored)
      yield chunk
    }
  }
  const ends = await Promise.allSettled(Array.from({ length: 30 }, (_, i) => store.receive(`f${i}`, endless())))
  t.ok(ends.every(end => end.status === 'rejected' && end.reason.code === 'ARTIFACT_TOO_LARGE'))
  t.ok(stored <= 20 * MIB, `${stored} bytes`)
  t.same([store.stored, await store.limit()], [0, 20 * MIB], 'nothing remains, and no promise')
})

t.test('what is refused for its size leaves the version before as it was', async t => {
  const total = 2 * FILE.length
  const store: ArtifactStore = await openStore(t, { available: async () => total - store.stored })
  await store.receive('a', body(FILE))
  const longer = FILE.length + 1
  t.equal((await failure(store.receive('a', body(FILE), { length: longer }))).code, 'ARTIFACT_TOO_LARGE')
  t.ok(FILE.equals(await store.bytes('a')))
  const next = patternBytes(FILE.length, 2)
  await store.receive('a', body(next), { length: FILE.length })
  t.match(await store.get('a'), { sha256: sha256(next) }, 'the room of a version is given to its successor')
})

t.test('what does not fit is stopped on its way when its size is not told', async t => {
  const directory = await temporaryDirectory(t)
  const store = await openStore(t, { directory, available: async () => 20 * MIB })
  const endless = async function* () {
    for (;;) yield FILE
  }
  const error = await failure(store.receive('a', endless()))
  t.equal(error.code, 'ARTIFACT_TOO_LARGE')
  t.same(await store.list(), [])
  t.same(await readdir(directory), [])
})

t.test('files of a job are not listed, and go with the job', async t => {
  const directory = await temporaryDirectory(t)
  const store = await openStore(t, { directory })
  const { name, sha256: digest } = await store.receiveForJob('kernel', body(FILE))
  t.match(name, /^\.[0-9a-f]{12}-kernel$/)
  t.equal(digest, sha256(FILE))
  t.same(await store.list(), [])
  t.equal((await failure(store.delete(name))).code, 'ARTIFACT_NAME')
  t.same(await store.facts(name), { size: FILE.length, sha256: digest })
  store.hold(name, 'j1')
  store.hold(name, 'j2')
  await store.discard([name, 'unknown'])
  await store.release(name, 'j1')
  t.ok(FILE.equals(await store.bytes(name)))
  await store.releaseAll('j2')
  t.same(await readdir(directory), [])
})

t.test('files for a job that never came are removed, uploads are not', async t => {
  const directory = await temporaryDirectory(t)
  const store = await openStore(t, { directory })
  const { name } = await store.receiveForJob('dtb', body(FILE))
  await store.receive('kept', body(FILE))
  await store.discard([name, 'kept'])
  t.same(await readdir(directory), ['kept'])
  t.equal((await failure(store.receiveForJob('dtb', body(FILE, 100, breaksOff)))).code, 'ARTIFACT_INCOMPLETE')
  t.same(await readdir(directory), ['kept'], 'half a file of a job is worth nothing')
})

t.test('a job can make files of its own', async t => {
  const directory = await temporaryDirectory(t)
  const store = await openStore(t, { directory })
  const name = await store.makeJobFile(
    { role: 'modules', what: 'modules as cpio', job: 'j1', digest: true },
    async file => {
      await file.write(FILE)
      t.equal(store.stored, FILE.length, 'counted while it grows')
      return file.digest.digest('hex')
    },
  )
  t.same(await store.facts(name), { size: FILE.length, sha256: sha256(FILE) })
  await t.rejects(
    store.makeJobFile({ role: 'kernel', what: 'kernel', job: 'j1', digest: false }, async file => {
      await file.write(FILE)
      throw new Error('broken')
    }),
    { message: 'broken' },
  )
  await store.releaseAll('j1')
  t.same(await readdir(directory), [])
})

t.test('a restart keeps uploads, finds their digests, and sweeps the rest', async t => {
  const directory = await temporaryDirectory(t)
  await writeFile(join(directory, 'zImage'), FILE)
  await writeFile(join(directory, 'half.partial'), FILE.subarray(0, 10))
  await writeFile(join(directory, '.0123456789ab-kernel'), FILE)
  await writeFile(join(directory, '.0123456789ab-dtb.partial'), FILE)
  await mkdir(join(directory, 'not a name'))
  await symlink('/nowhere', join(directory, '.dangling'))
  const store = await ArtifactStore.open({
    directory,
    reserve: 0,
    available: async () => 0,
    mapFile: path => readFile(path),
  })
  t.same(await store.list(), [
    { name: 'half', size: null, received: 10, complete: false, sha256: null, usedBy: null },
    { name: 'zImage', size: FILE.length, received: FILE.length, complete: true, sha256: sha256(FILE), usedBy: null },
  ])
  t.same((await readdir(directory)).sort(), ['half.partial', 'zImage'])
  await store.delete('half')
  t.same(await readdir(directory), ['zImage'])
})

t.test('Content-Range is read, and what is not one is shown', async t => {
  t.same(parseContentRange('bytes 0-99/200'), range(0, 99, 200))
  t.same(parseContentRange('bytes 100-199/*'), range(100, 199, null))
  for (const header of ['', 'bytes */200', 'bytes 9-0/10', 'bytes 0-10/10', 'bytes=0-1', 'lines 0-1/2', 'bytes 0-1']) {
    t.throws(() => parseContentRange(header), {
      code: 'HTTP_REQUEST',
      message: new RegExp(`found "${header.replace('*', '\\*')}`),
    })
  }
})

t.test('a file is unchanged until a write, however small, or a replacement', async t => {
  const directory = await temporaryDirectory(t)
  const store = await openStore(t, { directory })
  for (const change of ['write', 'truncate', 'replace'] as const) {
    await store.receive(change, body(FILE))
    t.ok(FILE.equals((await store.unchanged(change)) ?? Buffer.alloc(0)), 'as it was stored')
    // The kernel's clock ticks every 4 ms.
    await pause(20)
    const path = join(directory, change)
    const file = await open(path, 'r+')
    if (change === 'write') await file.write(FILE, 0, 1, 0)
    if (change === 'truncate') await file.truncate(FILE.length)
    await file.close()
    if (change === 'replace') {
      await writeFile(`${path}.new`, FILE)
      await rename(`${path}.new`, path)
    }
    t.equal(await store.unchanged(change), null, change)
  }
})

t.test('a borrowed part of a file is unchanged from its digest on, until a write to that file', async t => {
  const directory = await temporaryDirectory(t)
  const store = await openStore(t, { directory: join(directory, 'store'), mapFile: readFileRange })
  const path = join(directory, 'memory')
  await writeFile(path, FILE)
  const name = store.addFileRange({ role: 'kernel', job: 'j', part: { path, offset: 100, size: 1000 } })
  t.equal(await store.unchanged(name), null, 'it has no digest yet')
  await store.facts(name)
  t.ok(FILE.subarray(100, 1100).equals((await store.unchanged(name)) ?? Buffer.alloc(0)))
  await pause(20)
  await writeFile(path, FILE)
  t.equal(await store.unchanged(name), null)
})
