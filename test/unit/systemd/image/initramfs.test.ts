import { execFileSync } from 'node:child_process'
import t from 'tap'
import { packCpio } from '../../../../agent/image/cpio/cpio.js'
import { FileTree } from '../../../../systemd/image/file-tree.js'
import { joinArchives } from '../../../../systemd/image/initramfs.js'
import { filesOverlay, gettyOverlay } from '../../../../systemd/target/test-overlay.js'
import { needs } from '../../../peer.js'
import { readCpio } from '../../agent/image/cpio/read-cpio.js'

t.test('each archive starts at a multiple of 512, after at least four zeros', async t => {
  const whole = joinArchives([new Uint8Array(1).fill(1), new Uint8Array(512).fill(2), new Uint8Array(509).fill(3)])
  t.equal(whole.length, 512 + 1024 + 1024)
  t.strictSame([whole[0], whole[1], whole[511], whole[512]], [1, 0, 0, 2])
  t.strictSame([whole[1023], whole[1024], whole[1535], whole[1536]], [2, 0, 0, 3])
  t.strictSame([...whole.subarray(-4)], [0, 0, 0, 0])
})

t.test('archives of root are made without being root', needs('cpio'), async t => {
  const files = new FileTree().file('etc/hostname', 'x').characterDevice('dev/console', 5, 1)
  const listing = execFileSync('cpio', ['-itv', '--numeric-uid-gid'], {
    input: packCpio(files.entries()),
    stdio: 'pipe',
  })
  const lines = listing.toString().trim().split('\n')
  t.match(
    lines.find(line => line.endsWith('etc/hostname')),
    /^-rw-r--r--\s+1 0\s+0\s+1 /,
  )
  t.match(
    lines.find(line => line.endsWith('dev/console')),
    /^crw-------\s+1 0\s+0\s+5,\s*1 /,
  )
})

t.test("a test's files are put where they are named", async t => {
  const entries = readCpio(filesOverlay({ 'etc/fauxboot/agent.json': '{}' }))
  t.strictSame(
    entries.map(({ name }) => name),
    ['etc', 'etc/fauxboot', 'etc/fauxboot/agent.json'],
  )
})

t.test('with a getty there is no agent', async t => {
  const entries = readCpio(gettyOverlay())
  const agent = entries.find(({ name }) => name === 'etc/systemd/system/fauxboot-agent.service')
  t.equal(Buffer.from(agent?.data ?? []).toString(), '/dev/null')
  t.ok(entries.some(({ name }) => name === 'etc/systemd/system/sysinit.target.wants/fauxboot-test-getty.service'))
})
