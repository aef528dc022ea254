import fc from 'fast-check'
import t from 'tap'
import {
  answerOptions,
  PLAIN_AGREEMENT,
  proposeOptions,
  readAcceptedOptions,
} from '../../../../../agent/transfer/tftp/options.js'

const PROPOSAL = { blockSize: 1468, windowSize: 16, size: 0, timeoutSeconds: 2 }
const LIMITS = { blockSize: 1024, windowSize: 8 }
const map = (options: Record<string, string>): Map<string, string> => new Map(Object.entries(options))
const request = (op: 'read' | 'write', options: Record<string, string>) => ({
  op,
  file: 'f',
  mode: 'octet',
  options: map(options),
})

t.test('a proposal names what it asks for, and no window of one block', async t => {
  t.same(proposeOptions(PROPOSAL), map({ blksize: '1468', tsize: '0', timeout: '2', windowsize: '16' }))
  t.same(proposeOptions({ blockSize: 512, windowSize: 1, size: null, timeoutSeconds: null }), map({ blksize: '512' }))
})

t.test('an OACK may accept all, less, or nothing of it', async t => {
  t.same(readAcceptedOptions(map({ blksize: '1468', windowsize: '16', tsize: '77', timeout: '2' }), PROPOSAL), {
    blockSize: 1468,
    windowSize: 16,
    size: 77,
    timeoutSeconds: 2,
  })
  t.same(readAcceptedOptions(map({ blksize: '1024' }), PROPOSAL), { ...PLAIN_AGREEMENT, blockSize: 1024 })
  t.same(readAcceptedOptions(map({}), PROPOSAL), PLAIN_AGREEMENT)
})

t.test('an OACK may not accept more, something else, or nonsense', async t => {
  const cases: readonly (readonly [Record<string, string>, string])[] = [
    [{ blksize: '2048' }, 'the server accepts option blksize with 2048, asked for was 1468'],
    [{ blksize: '7' }, 'the server accepts option blksize with 7, asked for was 1468'],
    [{ windowsize: '17' }, 'the server accepts option windowsize with 17, asked for was 16'],
    [{ windowsize: '0' }, 'the server accepts option windowsize with 0, asked for was 16'],
    [{ timeout: '1' }, 'the server accepts option timeout with 1, asked for was 2'],
    [{ tsize: '-1' }, 'the server accepts option tsize with -1, asked for was 0'],
    [{ multicast: '' }, 'the server accepts option multicast, which was not asked for'],
  ]
  for (const [options, sentence] of cases) t.equal(readAcceptedOptions(map(options), PROPOSAL), sentence)
})

t.test('a server grants what it can, and leaves out what it cannot read', async t => {
  const asked = { blksize: '65464', windowsize: '4', timeout: '3', tsize: '0', multicast: '' }
  t.same(answerOptions(request('read', asked), 99, LIMITS), {
    agreement: { blockSize: 1024, windowSize: 4, size: 99, timeoutSeconds: 3 },
    accepted: map({ tsize: '99', blksize: '1024', windowsize: '4', timeout: '3' }),
  })
  t.same(answerOptions(request('read', { blksize: '4', timeout: '3000' }), 99, LIMITS), {
    agreement: { ...PLAIN_AGREEMENT, size: 99 },
    accepted: map({}),
  })
})

t.test('the size comes from the writer, or goes to the reader if it is known', async t => {
  t.same(answerOptions(request('write', { tsize: '5' }), null, LIMITS), {
    agreement: { ...PLAIN_AGREEMENT, size: 5 },
    accepted: map({ tsize: '5' }),
  })
  t.same(answerOptions(request('read', { tsize: '0' }), null, LIMITS).accepted, map({}))
  t.same(answerOptions(request('read', { tsize: '0' }), 0, LIMITS).accepted, map({}), 'curl stumbles over 0')
})

t.test('whatever an OACK says, what holds is within the proposal', async t => {
  const name = fc.constantFrom('blksize', 'windowsize', 'tsize', 'timeout', 'x')
  const value = fc.oneof(fc.string(), fc.integer().map(String))
  fc.assert(
    fc.property(fc.array(fc.tuple(name, value)), pairs => {
      const agreement = readAcceptedOptions(new Map(pairs), PROPOSAL)
      if (typeof agreement === 'string') return true
      return agreement.blockSize >= 8 && agreement.blockSize <= 1468 && agreement.windowSize <= 16
    }),
  )
  t.pass('fast-check found nothing else')
})
