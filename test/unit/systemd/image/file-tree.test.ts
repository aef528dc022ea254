import { symlinkSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { FileTree } from '../../../../systemd/image/file-tree.js'

const names = (files: FileTree): string[] => files.entries().map(({ name }) => name)
const text = (files: FileTree, name: string): string => {
  const entry = files.entries().find(entry => entry.name === name)
  return Buffer.from(entry?.data ?? []).toString()
}

t.test('folders come before what is in them, each once', async t => {
  const files = new FileTree().file('usr/bin/node', 'x').file('usr/bin/sh', 'y').directory('usr')
  t.strictSame(names(files), ['usr', 'usr/bin', 'usr/bin/node', 'usr/bin/sh'])
})

t.test('modes carry the type of the file', async t => {
  const files = new FileTree()
    .directory('dev')
    .characterDevice('dev/console', 5, 1)
    .link('init', 'usr/bin/init')
    .file('run', 'x', 0o755)
  t.strictSame(
    files.entries().map(({ mode }) => mode.toString(8)),
    ['40755', '20600', '120777', '100755'],
  )
  t.match(files.entries()[1], { rdevMajor: 5, rdevMinor: 1 })
  t.equal(text(files, 'init'), 'usr/bin/init')
})

t.test('a later file replaces an earlier one of the same name', async t => {
  const files = new FileTree().file('a', 'old').file('a', 'new')
  t.strictSame(names(files), ['a'])
  t.equal(text(files, 'a'), 'new')
})

t.test('a link is copied with the file that it leads to', async t => {
  const dir = t.testdir({ usr: { lib: { 'libx.so.1.2': 'elf' }, share: {} } })
  symlinkSync('libx.so.1.2', join(dir, 'usr/lib/libx.so.1'))
  symlinkSync('/usr/lib/libx.so.1', join(dir, 'usr/lib/libx.so'))
  const files = new FileTree().copy(dir, 'usr/lib/libx.so')
  t.strictSame(names(files), ['usr', 'usr/lib', 'usr/lib/libx.so', 'usr/lib/libx.so.1', 'usr/lib/libx.so.1.2'])
  t.equal(text(files, 'usr/lib/libx.so.1.2'), 'elf')
})

t.test('a folder is copied with all that is in it, to another place if wanted', async t => {
  const dir = t.testdir({ lib: { modules: { a: '1', b: { c: '2' } } } })
  const files = new FileTree().copy(dir, 'lib/modules', 'usr/lib/modules')
  t.strictSame(names(files).slice(2), [
    'usr/lib/modules',
    'usr/lib/modules/a',
    'usr/lib/modules/b',
    'usr/lib/modules/b/c',
  ])
})

t.test('size counts the bytes of files', async t => {
  t.equal(new FileTree().directory('d').file('d/a', '123').file('b', Buffer.alloc(7)).size, 10)
})
