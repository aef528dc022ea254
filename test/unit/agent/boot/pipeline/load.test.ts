import t from 'tap'
import { checkSegments } from '../../../../../agent/boot/pipeline/load.js'
import { failure, patternBytes, sha256 } from '../fixture.js'

const FILE = patternBytes(5_000_000)
const piece = (bytes: Uint8Array, digest = sha256(bytes)) => ({ role: 'ramdisk', bytes, sha256: digest })
const segment = (data: Uint8Array, kind: 'kernel' | 'ramdisk' | 'dtb' = 'ramdisk') => ({ kind, data, mem: 0, memsz: 0 })
const never = new AbortController().signal

t.test('views of verified pieces pass, whole or cut', async t => {
  await t.resolves(checkSegments([segment(FILE), segment(FILE.subarray(64, 1000))], [piece(FILE)], never))
})

t.test('a segment that is a copy, or reaches out of its piece, is not loaded', async t => {
  const inner = FILE.subarray(100, 200)
  for (const data of [Uint8Array.from(FILE), FILE.subarray(99, 150), FILE.subarray(150, 201)]) {
    const error = await failure(checkSegments([segment(data)], [piece(inner)], never))
    t.match(error, { code: 'INTERNAL', message: /the ramdisk to load is not the one that was verified/ })
  }
  await t.resolves(checkSegments([segment(Uint8Array.from(FILE), 'dtb')], [], never), 'the planner wrote it itself')
})

t.test('a bit that fell over is found', async t => {
  const changed = Uint8Array.from(FILE)
  changed[4_999_999] = 1 ^ (changed[4_999_999] ?? 0)
  const error = await failure(checkSegments([segment(changed)], [piece(changed, sha256(FILE))], never))
  t.match(error, {
    code: 'VERIFY_SHA256',
    details: { what: 'ramdisk in memory', expected: sha256(FILE), found: sha256(changed) },
  })
})

t.test('other work gets its turn, and a signal ends it', async t => {
  const abort = new AbortController()
  const checked = checkSegments([segment(FILE)], [piece(FILE)], abort.signal)
  setImmediate(() => abort.abort(new Error('cancelled')))
  await t.rejects(checked, { message: 'cancelled' })
})
