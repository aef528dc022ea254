import * as fc from 'fast-check'
import t from 'tap'
import { Check } from 'typebox/value'
import { parseJobJson } from '../../../../../agent/boot/requests/json.js'
import { FauxbootError } from '../../../../../agent/errors.js'
import { Job } from '../../../../../agent/http/schemas/schemas.js'

function isParsed(job: unknown): boolean {
  try {
    parseJobJson(job)
    return true
  } catch (thrown) {
    if (thrown instanceof FauxbootError && thrown.code === 'JOB_INVALID') return false
    throw thrown
  }
}

const SHA = 'ab'.repeat(32)

/** Values that are right in one field and wrong in others. */
const VALUES = [
  ...[null, true, false, 0, 7, -1, 1.5, 3601, 2 ** 53, [], {}, ''],
  ...[
    'text',
    'tab\there',
    'c1\u0085',
    'n'.repeat(128),
    'n'.repeat(129),
    'n'.repeat(201),
    'n'.repeat(257),
    'n'.repeat(8193),
  ],
  ...['http://lab/zImage', 'HTTPS://lab/zImage', 'ftp://lab/zImage', `http://lab/${'n'.repeat(8200)}`],
  ...['rootfs.cpio.gz', 'rootfs.partial', '.hidden', 'a/b', SHA, SHA.toUpperCase(), `${SHA}0`],
  ...['gzip', 'none', 'rar'],
]
const value = fc.constantFrom<unknown>(...VALUES)

/** An object of right values, of which some are replaced, left out, or joined by others. */
const changed = <T extends object>(right: T, fields: readonly string[]): fc.Arbitrary<unknown> =>
  fc
    .array(fc.tuple(fc.constantFrom(...fields, 'unknown'), fc.oneof(value, fc.constant(undefined))), { maxLength: 2 })
    .map(changes => JSON.parse(JSON.stringify({ ...right, ...Object.fromEntries(changes) })))

const reference = fc.oneof(
  { weight: 3, arbitrary: fc.constant('http://lab/zImage') },
  changed({ url: 'http://lab/zImage', sha256: SHA, size: 7, compression: 'gzip' }, [
    'url',
    'artifact',
    'sha256',
    'size',
  ]),
  changed({ artifact: 'rootfs.cpio.gz' }, ['url', 'artifact', 'compression', 'size']),
  value,
)
const options = fc.oneof(
  changed({ dryRun: true, earlycon: 'uart8250', watchdog: 7 }, ['dryRun', 'earlycon', 'force', 'queue', 'watchdog']),
  value,
)
const overlays = fc.oneof(fc.array(reference, { maxLength: 3 }), value)
const job = fc
  .record({ kernel: reference, ramdisk: reference, overlays, options }, { requiredKeys: ['kernel'] })
  .chain(files => changed({ ...files, cmdline: 'console=ttyS0' }, ['name', 'dtb', 'modules', 'cmdline']))

t.test('the published schema and the parser accept the same jobs', async t => {
  const counts = { accepted: 0, refused: 0 }
  fc.assert(
    fc.property(fc.oneof({ weight: 20, arbitrary: job }, value), job => {
      const parsed = isParsed(job)
      counts[parsed ? 'accepted' : 'refused'] += 1
      return Check(Job, job) === parsed
    }),
    { numRuns: 3000 },
  )
  t.ok(counts.accepted > 100 && counts.refused > 100, `${counts.accepted} accepted, ${counts.refused} refused`)
})

t.test('both limit the number of overlays', async t => {
  for (const [count, accepted] of [
    [64, true],
    [65, false],
  ] as const) {
    const job = { kernel: 'http://lab/k', cmdline: '', overlays: Array.from({ length: count }, () => 'http://lab/o') }
    t.equal(isParsed(job), accepted)
    t.equal(Check(Job, job), accepted)
  }
})
