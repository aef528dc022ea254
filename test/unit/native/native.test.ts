import { spawn } from 'node:child_process'
import { once } from 'node:events'
import {
  closeSync,
  mkdirSync,
  openSync,
  readFileSync,
  truncateSync,
  unlinkSync,
  writeFileSync,
  writeSync,
} from 'node:fs'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import t from 'tap'
import { loadAddon } from '../../../native/addon.js'
import * as native from '../../../native/index.js'
import { fileNeeds, needs } from '../../peer.js'
import { temporaryDirectory } from '../agent/boot/fixture.js'
import { answerOf } from './child.js'
import type { CollectedAnswers } from './collected.js'
import type { TrimmedAnswers } from './trimmed.js'
import type { UnprivilegedAnswers } from './unprivileged.js'

fileNeeds('addon')

/** No architecture has this number, so every kernel refuses such a load. */
const NO_ARCHITECTURE = 0xfffe0000
/** A kernel without kexec does not have this call; containers forbid it. */
const FORBIDDEN = /^(EPERM|ENOSYS)$/

const segment = { buffer: new Uint8Array(0x1000), mem: 0x42000000, memsz: 0x1000, kind: 'kernel' }

t.test('without privileges every call is refused, with errno and the whole call', async t => {
  const answers = await answerOf<UnprivilegedAnswers>('unprivileged')
  t.match(answers.load, {
    name: 'NativeError',
    errname: FORBIDDEN,
    message:
      /^kexec_load\(entry 0x42000000, 1 segment \[kernel 0x42000000\+0x2000 from 4096 bytes\], flags 0x0\) failed: E\w+ \(\d+\)$/,
  })
  t.match(answers.unload, {
    errname: FORBIDDEN,
    message: /^kexec_load\(entry 0x0, 0 segments \[\], flags 0x0\) failed/,
  })
  t.match(answers.jump, { errname: 'EPERM', message: 'reboot(LINUX_REBOOT_CMD_KEXEC) failed: EPERM (1)' })
  t.match(answers.restart, { errname: 'EPERM', message: 'reboot(LINUX_REBOOT_CMD_RESTART) failed: EPERM (1)' })
  t.match(answers.powerOff, { errname: 'EPERM', message: 'reboot(LINUX_REBOOT_CMD_POWER_OFF) failed: EPERM (1)' })
  t.match(answers.linkDown, { errname: 'EPERM', message: 'linkDown("lo") failed: EPERM (1)' })
  t.match(
    answers.detached,
    { errname: 'EFAULT', message: /from 4096 bytes\], flags 0x0\) failed: EFAULT \(14\)/ },
    'a buffer that went away during the call is never reported as loaded',
  )
  t.strictSame(
    answers.hostile.filter(name => !['Error', 'RangeError', 'TypeError', 'none'].includes(name)),
    [],
    'arguments of any kind are refused or harmless, and the process lives',
  )
  t.ok(answers.hostile.includes('TypeError'))
})

t.test('the error of a load that no kernel accepts has the errno and the whole call', async t => {
  await t.rejects(native.load(0x42000000, [segment], NO_ARCHITECTURE), {
    name: 'NativeError',
    errname: /^(EINVAL|EPERM|ENOSYS)$/,
    syscall: 'kexec_load',
    call: 'kexec_load(entry 0x42000000, 1 segment [kernel 0x42000000+0x1000 from 4096 bytes], flags 0xfffe0000)',
    message: /\] *, flags 0xfffe0000\) failed: E[A-Z]+ \(\d+\)$/,
  })
  const error: unknown = await native.load(0x42000000, [segment], NO_ARCHITECTURE).catch(thrown => thrown)
  t.ok(error instanceof native.NativeError)
  if (error instanceof native.NativeError) t.ok(error.errno > 0, 'errno is positive, as in the manual')
})

t.test('invalid arguments never reach the kernel', async t => {
  await t.rejects(native.load(0x1234, [segment], NO_ARCHITECTURE), {
    name: 'NativeArgumentError',
    reason: 'entry 0x1234 is not in any segment',
  })
})

t.test('a blocking call runs off the event loop: its promise cannot settle within the current iteration', async t => {
  let settled = false
  const call = native.sync().then(() => {
    settled = true
  })
  for (let microtask = 0; microtask < 100; microtask++) await Promise.resolve()
  t.equal(settled, false)
  await call
  t.equal(settled, true)
})

t.test('the addon itself refuses what the wrapper refuses', async t => {
  const addon = loadAddon() as unknown as Record<string, (...args: unknown[]) => unknown>
  const load = (entry: unknown, segments: unknown, flags: unknown = NO_ARCHITECTURE) =>
    addon.load?.(entry, flags, segments)
  const bytes = new Uint8Array(0x1000)
  const gone = new Uint8Array(0x1000)
  structuredClone(gone.buffer, { transfer: [gone.buffer] })
  const cases: readonly [string, () => unknown, RegExp][] = [
    ['an entry that is a string', () => load('0', []), /entry must be a number/],
    ['a missing argument', () => addon.load?.(), /entry must be a number/],
    ['NaN', () => load(Number.NaN, []), /entry must be an unsigned integer/],
    ['a negative number', () => load(-1, []), /entry must be an unsigned integer/],
    ['a fraction', () => load(0.5, []), /entry must be an unsigned integer/],
    ['infinity', () => load(Infinity, []), /entry must be an unsigned integer/],
    ['2^53', () => load(0, [], 2 ** 53), /flags must be an unsigned integer/],
    ['segments that are no array', () => load(0, { length: 1 }), /segments must be an array/],
    ['17 segments', () => load(0, Array(17).fill([bytes, 0, 0x1000])), /more than 16/],
    ['a hole in the segments', () => load(0, Array(1)), /a segment must be \[buffer, mem, memsz\]/],
    ['a segment that is no array', () => load(0, [segment]), /a segment must be/],
    ['a buffer that is none', () => load(0, [['bytes', 0, 0x1000]]), /must be a Uint8Array/],
    ['a DataView', () => load(0, [[new DataView(bytes.buffer), 0, 0x1000]]), /must be a Uint8Array/],
    ['words', () => load(0, [[new Uint32Array(4), 0, 0x1000]]), /must be a Uint8Array/],
    ['shared memory', () => load(0, [[new Uint8Array(new SharedArrayBuffer(16)), 0, 0x1000]]), /shared memory/],
    ['a detached buffer', () => load(0, [[gone, 0, 0x1000]]), /detached/],
    ['three bytes', () => load(0, [[bytes.subarray(0, 3), 0, 0x1000]]), /fewer than 4 bytes/],
    [
      'a length that lies',
      () => load(0, [[Object.defineProperty(bytes.slice(), 'length', { value: 4 }), 0, 4]]),
      /larger/,
    ],
    [
      'a getter that detaches an earlier buffer',
      () => {
        const victim = new Uint8Array(0x1000)
        const second = [bytes, 0, 0x1000]
        Object.defineProperty(second, '1', {
          get: () => structuredClone(0, { transfer: [victim.buffer] }),
        })
        return load(0, [[victim, 0, 0x1000], second])
      },
      /detached/,
    ],
    ['an interface name that is none', () => addon.linkDown?.(7), /ifname must be a string/],
    ['an interface name with NUL', () => addon.linkDown?.('eth0\0'), /must not contain NUL/],
    ['a watchdog timeout of no seconds', () => addon.watchdogTimeout?.(0, 0), /seconds must be from 1/],
    ['a watchdog timeout beyond int', () => addon.watchdogTimeout?.(0, 2 ** 31), /seconds must be from 1/],
    ['a watchdog timeout in half seconds', () => addon.watchdogTimeout?.(0, 0.5), /must be an unsigned integer/],
    ['a descriptor beyond int', () => addon.map?.(2 ** 31), /must be a file descriptor/],
    ['a path in place of a descriptor', () => addon.map?.('/etc/passwd'), /must be a number/],
  ]
  for (const [name, call, message] of cases) t.throws(call, { message }, name)
})

t.test('an error of a getter passes through the addon', async t => {
  const addon = loadAddon() as unknown as Record<string, (...args: unknown[]) => unknown>
  const segments = Object.defineProperty([0], '0', {
    get: () => {
      throw new Error('from the getter')
    },
  })
  t.throws(() => addon.load?.(0, NO_ARCHITECTURE, segments), { message: 'from the getter' })
})

t.test('taking down an interface that does not exist fails', async t => {
  await t.rejects(native.linkDown('fauxboot-none'), {
    name: 'NativeError',
    errname: 'ENODEV',
    errno: 19,
    syscall: 'ioctl SIOCGIFFLAGS',
    message: 'linkDown("fauxboot-none") failed: ENODEV (19)',
  })
})

t.test('an interface name has 1 to 15 bytes', async t => {
  for (const ifname of ['', 'sixteen-bytes-xx', 'ähhhhhhhhhhhhhh']) {
    await t.rejects(native.linkDown(ifname), { name: 'NativeArgumentError', reason: /1 to 15 bytes/ }, `'${ifname}'`)
  }
  await t.rejects(native.linkDown('fifteen-bytes-x'), { name: 'NativeError', errname: 'ENODEV' })
})

t.test('loaded() asks the kernel; in a kernel without kexec nothing is loaded', async t => {
  const directory = t.testdir({ one: '1\n', zero: '0\n' })
  t.equal(await native.loaded(join(directory, 'one')), true)
  t.equal(await native.loaded(join(directory, 'zero')), false)
  t.equal(await native.loaded(join(directory, 'missing')), false)
  await t.rejects(native.loaded(directory), { name: 'NativeError', errname: 'EISDIR', message: /^readFile\("/ })
})

t.test('a file that is not a terminal can be neither made raw nor drained', async t => {
  const fd = openSync(join(t.testdir({ file: 'no terminal' }), 'file'), 'r+')
  t.teardown(() => closeSync(fd))
  t.throws(() => native.rawTty(fd), {
    name: 'NativeError',
    errname: 'ENOTTY',
    syscall: 'tcgetattr',
    message: `rawTty(${fd}) failed: ENOTTY (25)`,
  })
  await t.rejects(native.drainTty(fd), {
    name: 'NativeError',
    errname: 'ENOTTY',
    syscall: 'tcdrain',
    message: `drainTty(${fd}) failed: ENOTTY (25)`,
  })
})

t.test('arming what is not a watchdog fails, and would leave a watchdog stopped', async t => {
  const path = join(t.testdir({ file: '' }), 'file')
  t.throws(() => native.armWatchdog(path, 16), {
    name: 'NativeError',
    errname: 'ENOTTY',
    syscall: 'ioctl WDIOC_SETTIMEOUT',
    message: `armWatchdog("${path}", 16) failed: ENOTTY (25)`,
  })
  t.equal(readFileSync(path, 'utf8'), 'V', 'the byte that lets the kernel stop the watchdog when its device is closed')
  t.throws(() => native.armWatchdog(`${path}0`, 16), { name: 'NativeError', errname: 'ENOENT', syscall: 'open' })
  t.throws(() => native.armWatchdog(path, 0), { name: 'NativeArgumentError', reason: /seconds must be from 1/ })
})

t.test('a mapped file shows its bytes, by path and by descriptor', async t => {
  const path = join(t.testdir({ artifact: 'the bytes' }), 'artifact')
  t.equal(Buffer.from(native.mapFile(path)).toString(), 'the bytes')
  const fd = openSync(path, 'r')
  const mapped = native.mapFile(fd)
  closeSync(fd)
  unlinkSync(path)
  t.equal(Buffer.from(mapped).toString(), 'the bytes', 'the mapping outlives descriptor and name')
})

t.test('writing to a mapped file changes neither the file nor another mapping of it', async t => {
  const path = join(t.testdir({ artifact: 'the bytes' }), 'artifact')
  const [mine, other] = [native.mapFile(path), native.mapFile(path)]
  mine.fill(0x2a)
  t.equal(Buffer.from(mine).toString(), '*********')
  t.equal(Buffer.from(other).toString(), 'the bytes')
  t.equal(readFileSync(path, 'utf8'), 'the bytes')
})

t.test('any range within a file can be mapped, and no other', async t => {
  const path = join(t.testdir({ sparse: '' }), 'sparse')
  truncateSync(path, 2 ** 31 + 8192)
  const fd = openSync(path, 'r+')
  writeSync(fd, 'the bytes', 2 ** 31 + 4090)
  closeSync(fd)
  t.equal(Buffer.from(native.mapFile(path, { offset: 2 ** 31 + 4094, size: 5 })).toString(), 'bytes')
  t.equal(native.mapFile(path, { offset: 2 ** 31 + 8192, size: 0 }).length, 0)
  const outside = { name: 'NativeArgumentError', reason: 'the range lies outside the file' }
  t.throws(() => native.mapFile(path, { offset: 2 ** 31 + 8191, size: 2 }), outside)
  t.throws(() => native.mapFile(path, { offset: 2 ** 32, size: 1 }), outside)
  t.throws(() => native.mapFile(path, { offset: 0.5, size: 1 }), { name: 'NativeArgumentError' })
})

t.test('an empty file maps to an empty array', async t => {
  const path = join(t.testdir({ artifact: '' }), 'artifact')
  t.equal(native.mapFile(path).length, 0)
})

t.test('only an existing regular file that is not too large can be mapped', async t => {
  const directory = t.testdir({ large: '' })
  mkdirSync(join(directory, 'sub'))
  writeFileSync(join(directory, 'large'), '')
  truncateSync(join(directory, 'large'), 2 ** 32 + 1)
  t.throws(() => native.mapFile(join(directory, 'sub')), {
    name: 'NativeArgumentError',
    message: /^mapFile\(".*sub"\): only a regular file/,
  })
  t.throws(() => native.mapFile('/dev/zero'), { name: 'NativeArgumentError' })
  t.throws(() => native.mapFile('/proc/self/fd/nothing'), { name: 'NativeError', errname: 'ENOENT', syscall: 'open' })
  t.throws(() => native.mapFile('a\0b'), { name: 'NativeArgumentError', reason: /null bytes/ })
  t.throws(() => native.mapFile(join(directory, 'large')), { name: 'NativeError', errname: 'EFBIG', errno: 27 })
  t.throws(() => native.mapFile(1_000_000), { name: 'NativeError', errname: 'EBADF', syscall: 'fstat' })
  t.throws(() => native.mapFile(-1), { name: 'NativeArgumentError' })
})

const sanitized = process.env.ASAN_OPTIONS !== undefined && 'the sanitizer has an allocator of its own'

t.test('freed memory goes back to the system', { skip: sanitized }, async t => {
  const { before, after } = await answerOf<TrimmedAnswers>('trimmed', ['--expose-gc'])
  t.ok(after < before - 4096, `${before} kB before, ${after} kB after`)
})

t.test('a mapping lasts until its last view is collected', async t => {
  const answers = await answerOf<CollectedAnswers>('collected', ['--expose-gc'])
  t.strictSame(answers, { mappedWhileUsed: true, mappedWhenForgotten: false, seen: 'xxx' })
})

t.test('pages of memory are copied out and written, and nothing else is touched', async t => {
  const path = join(t.testdir({ memory: '' }), 'memory')
  truncateSync(path, 0x4000)
  const bytes = Uint8Array.from({ length: 0x2000 }, (_, index) => index % 251)
  native.writeMemory(0x1000, bytes, path)
  t.strictSame(Buffer.from(native.readMemory(0x1000, 0x2000, path)), Buffer.from(bytes))
  const all = readFileSync(path)
  t.ok([all.subarray(0, 0x1000), all.subarray(0x3000)].every(part => part.every(byte => byte === 0)))
  native.readMemory(0, 0x1000, path).fill(1)
  t.equal(readFileSync(path)[0], 0, 'what was read is a copy')
})

t.test('only whole pages within the memory can be read or written', async t => {
  const path = join(t.testdir({ memory: '' }), 'memory')
  truncateSync(path, 0x2000)
  const size = { name: 'NativeArgumentError', reason: 'length must be from a page to 16 MiB' }
  const outside = { name: 'NativeArgumentError', reason: 'the range lies outside the file' }
  const pages = { name: 'NativeArgumentError', reason: 'address and length must be multiples of the page size' }
  t.throws(() => native.readMemory(0x10, 0x1000, path), pages)
  t.throws(() => native.readMemory(0, 0x10, path), pages)
  t.throws(() => native.writeMemory(0, new Uint8Array(5), path), pages)
  t.throws(() => native.readMemory(0, 0, path), size)
  t.throws(() => native.readMemory(0, 2 ** 40, path), size)
  for (const address of [0x2000, 2 ** 52]) {
    t.throws(() => native.readMemory(address, 0x1000, path), outside)
  }
  t.throws(() => native.readMemory(-1, 0x1000, path), { name: 'NativeArgumentError' })
  t.throws(() => native.readMemory(0, 0x1000, `${path}0`), {
    name: 'NativeError',
    errname: 'ENOENT',
    syscall: 'open memory',
    message: 'readMemory(0x0, 0x1000) failed: ENOENT (2)',
  })
})

t.test('a datagram reaches a Unix socket, by its path or its abstract name', needs('socat'), async t => {
  const path = join(await temporaryDirectory(t), 'socket')
  const name = `fauxboot-test-${process.pid}`
  for (const [to, address] of [
    [path, `UNIX-RECV:${path}`],
    [`@${name}`, `ABSTRACT-RECV:${name}`],
  ] as const) {
    const receiver = spawn('socat', ['-u', address, '-'], { stdio: ['ignore', 'pipe', 'inherit'] })
    t.teardown(() => receiver.kill())
    while (!attempt(() => native.notify(to, 'READY=1'))) await delay(10)
    const [received] = await once(receiver.stdout, 'data')
    t.equal(String(received), 'READY=1')
  }
})

t.test('a datagram for a socket that is not there is refused with the reason', async t => {
  const nowhere = join(await temporaryDirectory(t), 'nowhere')
  t.throws(() => native.notify(nowhere, 'READY=1'), { name: 'NativeError', errname: 'ENOENT', syscall: 'sendto' })
  const wrong = { name: 'NativeArgumentError', reason: /absolute/ }
  for (const path of ['', 'run/notify', '@', `/${'a'.repeat(107)}`])
    t.throws(() => native.notify(path, 'x'), wrong, path)
})

/** @returns false if the call throws, as it does until the receiver listens */
function attempt(call: () => void): boolean {
  try {
    call()
    return true
  } catch (thrown) {
    if (thrown instanceof native.NativeError) return false
    throw thrown
  }
}
