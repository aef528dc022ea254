import { execFile, execFileSync } from 'node:child_process'
import { extname, join } from 'node:path'
import { promisify } from 'node:util'
import t from 'tap'
import { sha256 } from '../fixture.js'
import { FILE } from './http-fixture.js'

/** Why there is no network of its own here; false if there is. */
const skip = ((): string | false => {
  try {
    execFileSync('unshare', ['--net', 'ip', 'link', 'set', 'lo', 'up'], { stdio: 'pipe' })
    return false
  } catch {
    return 'only root has network namespaces'
  }
})()

t.test('a link that goes down in mid-body and comes back costs attempts, and no byte', { skip }, async t => {
  const fetching = join(import.meta.dirname, `fetching${extname(import.meta.filename)}`)
  const { stdout } = await promisify(execFile)('unshare', ['--net', process.execPath, fetching])
  const { digest, whole, resets, codes } = JSON.parse(stdout)
  t.same([digest, whole], [sha256(FILE), sha256(FILE)])
  t.equal(resets, 0, 'what had come is kept')
  t.equal(codes[0], 'FETCH_STALLED')
  t.equal(codes.length, 3)
})
