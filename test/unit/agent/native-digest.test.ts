import { join } from 'node:path'
import t from 'tap'
import { blockingDigest } from '../../../agent/boot/artifacts/file-digest.js'
import { PartialFile } from '../../../agent/boot/artifacts/partial-file.js'
import { createDigest } from '../../../agent/native-digest.js'
import { AddonError, NativeArgumentError } from '../../../native/index.js'
import { openSha256 } from '../../../native/sha256.js'
import { needs } from '../../peer.js'
import { MIB, patternBytes, sha256, temporaryDirectory } from './boot/fixture.js'

const FILE = patternBytes(3 * MIB + 5)
const ABC = 'ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad'

t.test("the addon's digest of chunks is that of the whole, and of a known text", needs('addon'), async t => {
  const digest = createDigest()
  await digest.update([FILE.subarray(0, 1), FILE.subarray(1, 1), FILE.subarray(1, MIB)])
  await digest.update([])
  await digest.update([FILE.subarray(MIB)])
  t.equal(digest.end(), sha256(FILE))
  const known = createDigest()
  await known.update([Buffer.from('abc')])
  t.equal(known.end(), ABC)
})

t.test('the event loop goes on while the addon takes a digest', needs('addon'), async t => {
  const native = openSha256()
  t.ok(native, 'Node has its OpenSSL within reach')
  let turns = 0
  const turn = setInterval(() => turns++, 0)
  await native?.update(Array.from({ length: 64 }, () => FILE))
  clearInterval(turn)
  t.ok(turns > 0)
})

t.test('calls that overlap, calls after the end, and what are no bytes are refused', needs('addon'), async t => {
  const native = openSha256()
  const running = native?.update([FILE])
  t.throws(() => native?.update([FILE]), { message: 'the last update has not ended' })
  t.throws(() => native?.digest(), { message: 'the last update has not ended' })
  await running
  const wrong: unknown[] = [undefined, 'abc', [7], [new Uint8Array(new SharedArrayBuffer(8))], [new Uint16Array(2)]]
  for (const chunks of wrong) t.throws(() => native?.update(chunks as Uint8Array[]), TypeError)
  t.same(Buffer.from(native?.digest() ?? []).toString('hex'), sha256(FILE), 'what was refused did not count')
  t.throws(() => native?.digest(), { message: 'the digest has ended' })
  t.throws(() => native?.update([FILE]), { message: 'the digest has ended' })
})

t.test('a file has the same digest with the addon and without it, whole or resumed', needs('addon'), async t => {
  for (const newDigest of [createDigest, blockingDigest]) {
    const options = { what: 'a', measure: async () => () => 1e9, newDigest }
    const path = join(await temporaryDirectory(t), 'a')
    const first = await PartialFile.create(path, options)
    await first.write(FILE.subarray(0, MIB + 7))
    await first.close()
    const rest = await PartialFile.resume(path, options, first.digest)
    await rest.write(FILE.subarray(MIB + 7))
    await rest.close()
    t.equal(rest.digest.end(), sha256(FILE))
    const again = await PartialFile.resume(path, options, null)
    await again.close()
    t.equal(again.digest.end(), sha256(FILE), 'of what was there before')
  }
})

t.test('without the addon, or without its OpenSSL, the digest is the same', async t => {
  const missing = (): never => {
    throw new AddonError('no prebuilds/')
  }
  for (const open of [missing, () => null]) {
    const digest = createDigest(open)
    await digest.update([FILE])
    t.equal(digest.end(), sha256(FILE))
  }
  const broken = (): never => {
    throw new NativeArgumentError('openSha256()', 'broken')
  }
  t.throws(() => createDigest(broken), { name: 'NativeArgumentError' })
})
