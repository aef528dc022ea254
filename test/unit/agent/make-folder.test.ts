import { execFile } from 'node:child_process'
import { stat, symlink, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { promisify } from 'node:util'
import t from 'tap'
import { makeFolder } from '../../../agent/make-folder.js'
import { temporaryDirectory } from './boot/fixture.js'

t.test('a folder is made with those above it, for its owner alone if wanted; one that is there stays', async t => {
  const top = await temporaryDirectory(t)
  const path = join(top, 'a/b/c')
  await makeFolder(path, 0o700)
  for (const each of [path, join(top, 'a')]) t.equal((await stat(each)).mode & 0o777, 0o700)
  await writeFile(join(path, 'file'), '')
  await makeFolder(path)
  await makeFolder(`${path}/`)
  t.ok((await stat(join(path, 'file'))).isFile())
  await symlink(path, join(top, 'link'))
  await makeFolder(join(top, 'link/d'))
  t.ok((await stat(join(path, 'd'))).isDirectory())
})

t.test('a file in the way is an error', async t => {
  const top = await temporaryDirectory(t)
  await writeFile(join(top, 'file'), '')
  await t.rejects(makeFolder(join(top, 'file')), { code: 'EEXIST' })
  await t.rejects(makeFolder(join(top, 'file/a')), { code: 'ENOTDIR' })
  await symlink('nowhere', join(top, 'dangling'))
  await t.rejects(makeFolder(join(top, 'dangling')), { code: 'ENOENT' })
})

t.test('a folder that the file system has no place for is an error, and no endless loop', async t => {
  for (const path of ['/proc/fauxboot', '/proc/fauxboot/a/b']) await t.rejects(makeFolder(path), { code: 'ENOENT' })
})

t.test('an agent whose folders cannot be made says so and ends', async t => {
  const agent = ['dist/board/fauxboot-agent.cjs', '--port', '0', '--state-dir', await temporaryDirectory(t)]
  const ended = promisify(execFile)(process.execPath, [...agent, '--artifact-dir', '/proc/fauxboot'], {
    timeout: 60_000,
  })
  await t.rejects(ended, { code: 1, stderr: /\/proc\/fauxboot/ })
})
