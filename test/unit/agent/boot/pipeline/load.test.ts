import t from 'tap'
import { verifiedSegments } from '../../../../../agent/boot/pipeline/load.js'
import { failure, patternBytes, sha256 } from '../fixture.js'

const FILE = patternBytes(5_000_000)
const piece = (bytes: Uint8Array, digest = sha256(bytes)) => ({ role: 'ramdisk', name: 'r', bytes, sha256: digest })
const segment = (data: Uint8Array, kind: 'kernel' | 'ramdisk' | 'dtb' = 'ramdisk') => ({ kind, data, mem: 0, memsz: 0 })
const never = new AbortController().signal

/** Every file may have changed. */
const CHANGED = { unchanged: async () => null }
/** The file is as it was, and mapped anew. */
const UNCHANGED = { unchanged: async () => Uint8Array.from(FILE) }

t.test('an unchanged file is loaded from a new mapping, and not read again', async t => {
  const damaged = Uint8Array.from(FILE)
  damaged.fill(0, 100, 200)
  const cut = segment(damaged.subarray(64, 1000))
  const { segments, read } = await verifiedSegments(
    [segment(damaged), cut],
    [piece(damaged, sha256(FILE))],
    UNCHANGED,
    never,
  )
  t.equal(read, 0)
  t.ok(Buffer.from(segments[0]?.data ?? []).equals(FILE), 'what this process wrote to its copy is not loaded')
  t.ok(Buffer.from(segments[1]?.data ?? []).equals(FILE.subarray(64, 1000)))
})

t.test('a file that may have changed is read again, in the buffer that is loaded', async t => {
  const whole = segment(FILE)
  const { segments, read } = await verifiedSegments(
    [whole, segment(FILE.subarray(64, 1000))],
    [piece(FILE)],
    CHANGED,
    never,
  )
  t.equal(read, FILE.length)
  t.equal(segments[0], whole)
})

t.test('an image that was made in memory is read again', async t => {
  const made = { ...piece(FILE), name: null }
  t.equal((await verifiedSegments([segment(FILE)], [made], UNCHANGED, never)).read, FILE.length)
})

t.test('a segment that is a copy, or reaches out of its piece, is not loaded', async t => {
  const inner = FILE.subarray(100, 200)
  for (const artifacts of [CHANGED, UNCHANGED]) {
    for (const data of [Uint8Array.from(FILE), FILE.subarray(99, 150), FILE.subarray(150, 201)]) {
      const error = await failure(verifiedSegments([segment(data)], [piece(inner)], artifacts, never))
      t.match(error, { code: 'INTERNAL', message: /the ramdisk to load is not the one that was verified/ })
    }
  }
  const dtb = segment(Uint8Array.from(FILE), 'dtb')
  t.same((await verifiedSegments([dtb], [], CHANGED, never)).segments, [dtb], 'the planner wrote it itself')
})

t.test('a bit that fell over is found', async t => {
  const changed = Uint8Array.from(FILE)
  changed[4_999_999] = 1 ^ (changed[4_999_999] ?? 0)
  const error = await failure(verifiedSegments([segment(changed)], [piece(changed, sha256(FILE))], CHANGED, never))
  t.match(error, {
    code: 'VERIFY_SHA256',
    details: { what: 'ramdisk in memory', expected: sha256(FILE), found: sha256(changed) },
  })
})

t.test('other work gets its turn, and a signal ends it', async t => {
  const abort = new AbortController()
  const checked = verifiedSegments([segment(FILE)], [piece(FILE)], CHANGED, abort.signal)
  setImmediate(() => abort.abort(new Error('cancelled')))
  await t.rejects(checked, { message: 'cancelled' })
})
