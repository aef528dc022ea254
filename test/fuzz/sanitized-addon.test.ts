/** The addon's tests with AddressSanitizer and UBSan, which end the process at the first bad access or overflow. */

import { execFileSync, spawnSync } from 'node:child_process'
import { cpSync, existsSync, symlinkSync } from 'node:fs'
import { join, resolve } from 'node:path'
import t from 'tap'

/** What the compiler must be able to do. */
function sanitizerLibrary(): string | null {
  const { stdout } = spawnSync(process.env.CXX ?? 'c++', ['-print-file-name=libasan.so'], { encoding: 'utf8' })
  const library = stdout?.trim() ?? ''
  return existsSync(library) ? library : null
}

const library = sanitizerLibrary()
const skip = library === null && 'the C++ compiler has no AddressSanitizer (Debian: libasan8)'
if (skip && process.env.CI) throw new Error(skip)

t.test('no call of the addon reads, writes or computes out of bounds', { skip }, t => {
  execFileSync('make', ['-s', '-C', 'native', 'sanitized'], { stdio: 'inherit' })
  // The compiled files look for the addon beside them, so a copy of them finds the other one.
  const project = t.testdir()
  for (const path of ['dist/native', 'dist/agent', 'dist/test', 'package.json', 'test/unit/native', 'native/src'])
    cpSync(path, join(project, path), { recursive: true })
  cpSync('native/build/sanitized/prebuilds', join(project, 'native/prebuilds'), { recursive: true })
  symlinkSync(resolve('node_modules'), join(project, 'node_modules'))
  const env = {
    ...process.env,
    LD_PRELOAD: library ?? '',
    // Node frees little when it ends, so its leaks would hide ours. What is printed at the start shows that the library is there.
    ASAN_OPTIONS: 'detect_leaks=0:verbosity=1',
    UBSAN_OPTIONS: 'print_stacktrace=1',
    // A test that hangs is named, before this file itself has had its time.
    TAP_TIMEOUT: '240',
  }
  for (const file of ['native/native.test.js', 'agent/native-udp.test.js']) {
    const args = [join('dist/test/unit', file)]
    const { status, stdout, stderr } = spawnSync(process.execPath, args, { cwd: project, env, encoding: 'utf8' })
    t.match(stderr, 'AddressSanitizer Init done')
    t.notMatch(stderr, /ERROR: AddressSanitizer|runtime error/)
    t.equal(status, 0, `${file}: ${stdout.slice(-4000)}`)
  }
  t.end()
})
