import { spawnSync } from 'node:child_process'
import { readdirSync, readFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { pathToFileURL } from 'node:url'
import t from 'tap'
import { copyWhole } from '../../../../systemd/image/copy-whole.js'

t.test('a copy replaces the file that had its name', async t => {
  const dir = t.testdir({ from: 'new', to: 'older, and longer' })
  await copyWhole(join(dir, 'from'), join(dir, 'to'))
  t.equal(readFileSync(join(dir, 'to'), 'utf8'), 'new')
  t.same(readdirSync(dir).sort(), ['from', 'to'])
})

t.test('a copy that fails leaves nothing, and the file that had its name', async t => {
  const dir = t.testdir({ from: 'x'.repeat(100_000), to: 'the old one', folder: { file: '' } })
  await t.rejects(copyWhole(join(dir, 'from'), join(dir, 'folder')), { code: 'EISDIR' })

  const module = pathToFileURL(resolve('dist/systemd/image/copy-whole.js')).href
  const script = `const { copyWhole } = await import('${module}'); process.on('SIGXFSZ', () => {}); await copyWhole('from', 'to')`
  const limited = ['-c', 'ulimit -f 8; exec "$@"', 'sh', process.execPath, '--input-type=module', '--eval', script]
  const { status, stderr } = spawnSync('sh', limited, { cwd: dir, encoding: 'utf8' })
  t.equal(status, 1)
  t.match(stderr, 'EFBIG')
  t.same(readdirSync(dir).sort(), ['folder', 'from', 'to'])
  t.equal(readFileSync(join(dir, 'to'), 'utf8'), 'the old one')
})
