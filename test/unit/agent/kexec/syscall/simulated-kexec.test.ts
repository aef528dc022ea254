import { readFileSync } from 'node:fs'
import { constants } from 'node:os'
import t from 'tap'
import { fault } from '../../../../../agent/errors.js'
import type { KexecSegment } from '../../../../../agent/kexec/syscall/kexec.js'
import { createSimulatedKexec, SimulatedKernel } from '../../../../../agent/kexec/syscall/simulated-kexec.js'

interface Measured {
  readonly cases: readonly { n: number; case: string; errno: number; kexec_loaded: number }[]
}

const measured: Measured = JSON.parse(readFileSync('test/unit/agent/kexec/syscall/kexec-load-errno.json', 'utf8'))

const ARM = 40 << 16
const RAM = 0x40000000
const MiB = 0x100000
const segment = (mem: number, memsz = 0x1000, buffer: Uint8Array = new Uint8Array(16)): KexecSegment => ({
  buffer,
  mem,
  memsz,
})
const valid = segment(0x42000000)
const many = (count: number) => Array.from({ length: count }, (_, index) => segment(0x42000000 + index * 0x1000))

/** The calls made on the board for each case, in order, all on the same kernel. */
const DONE: Readonly<Record<number, (kernel: SimulatedKernel) => 0 | string>> = {
  1: kernel => kernel.kexecLoad(0x42000000, [valid], ARM),
  2: kernel => kernel.kexecLoad(0x42000000, [valid], 0),
  3: kernel => kernel.kexecLoad(0, [], ARM),
  4: kernel => kernel.kexecLoad(0x42000000, [segment(0x42000010)], ARM),
  5: kernel => kernel.kexecLoad(0x42000000, [segment(0x42000000, 0x1010)], ARM),
  6: kernel => kernel.kexecLoad(0x42000000, [segment(0x42000000, 0x1000, new Uint8Array(0x2000))], ARM),
  7: kernel => kernel.kexecLoad(0x42000000, [segment(0x42000000, 0x2000), segment(0x42001000)], ARM),
  8: kernel => kernel.kexecLoad(0x08000000, [segment(0x08000000)], ARM),
  9: kernel => kernel.kexecLoad(0xfffff000, [segment(0xfffff000, 0x2000)], ARM),
  10: kernel => kernel.kexecLoad(0xf0000000, [segment(0xf0000000)], ARM),
  11: kernel => kernel.kexecLoad(0x42000000, many(16), ARM),
  12: kernel => kernel.kexecLoad(0x42000000, many(17), ARM),
  13: kernel => kernel.kexecLoad(0x42000000, [valid], 183 << 16),
  14: kernel => kernel.kexecLoad(0x42000000, [valid], ARM | 0x10),
  15: kernel => kernel.kexecLoad(0x42000000, [valid], ARM | 0x4),
  16: kernel => kernel.kexecLoad(0x42000000, [valid], ARM | 0x2),
  17: kernel => kernel.kexecLoad(0x42000000, [valid], ARM | 0x1),
  // The closest that JavaScript has to a bad pointer: a detached buffer.
  18: kernel => {
    const buffer = new Uint8Array(16)
    structuredClone(buffer.buffer, { transfer: [buffer.buffer] })
    return kernel.kexecLoad(0x42000000, [segment(0x42000000, 0x1000, buffer)], ARM)
  },
  19: kernel => kernel.kexecLoad(0x42000000, [segment(0x42000000, 0x1000, new Uint8Array(0))], ARM),
  21: kernel => kernel.kexecLoad(RAM, [segment(RAM, 513 * MiB)], ARM),
  22: kernel => kernel.kexecLoad(0x1234, [valid], ARM),
  23: kernel => kernel.kexecLoad(0, [], ARM),
  24: kernel => kernel.rebootKexec(),
  26: kernel => as(kernel, 'capable', false, () => kernel.kexecLoad(0x42000000, [valid], ARM)),
  27: kernel => as(kernel, 'capable', false, () => kernel.rebootKexec()),
  29: kernel => as(kernel, 'disabled', true, () => kernel.kexecLoad(0x42000000, [valid], ARM)),
  30: kernel => as(kernel, 'disabled', true, () => kernel.kexecLoad(0, [], ARM)),
}

/** Cases of calls that the interface does not have: a bad pointer to the segments, other reboots, `kexec_file_load`. */
const OUTSIDE = [20, 25, 28]

function as(
  kernel: SimulatedKernel,
  setting: 'capable' | 'disabled',
  value: boolean,
  call: () => 0 | string,
): 0 | string {
  const before = kernel[setting]
  kernel[setting] = value
  const answer = call()
  kernel[setting] = before
  return answer
}

t.test('the simulated kernel answers all measured cases, in order, like the real one', async t => {
  const kernel = new SimulatedKernel()
  for (const { n, case: name, errno, kexec_loaded } of measured.cases) {
    const act = DONE[n]
    if (act === undefined) {
      t.ok(OUTSIDE.includes(n), `${n} ${name} is outside of the interface`)
      continue
    }
    const answer = act(kernel)
    const found = answer === 0 ? 0 : Object.entries(constants.errno).find(([known]) => known === answer)?.[1]
    t.equal(found, errno, `${n} ${name}: ${answer}`)
    t.equal(Number(kernel.image !== null), kexec_loaded, `${n} ${name}: loaded`)
  }
  t.equal(Object.keys(DONE).length + OUTSIDE.length, measured.cases.length, 'no case is left out')
})

t.test('the simulated kernel accepts segments of at most half of RAM in total', async t => {
  const kernel = new SimulatedKernel()
  const halves = (mib: number) => [segment(RAM, 256 * MiB), segment(RAM + 256 * MiB, mib * MiB)]
  t.equal(kernel.kexecLoad(RAM, halves(256), ARM), 0)
  t.equal(kernel.kexecLoad(RAM, halves(257), ARM), 'EINVAL')
})

t.test('a simulated kernel that cannot stop its other CPUs loads nothing, but unloads', async t => {
  const kernel = new SimulatedKernel({ unstoppableCpus: true })
  t.equal(kernel.kexecLoad(0x42000000, [valid], ARM), 'EINVAL')
  t.equal(kernel.kexecLoad(0, [], ARM), 0)
})

t.test('a simulated kernel has the memory it is given', async t => {
  const kernel = new SimulatedKernel({ ram: [{ start: 0x20000000, end: 0x30000000 }] })
  t.equal(kernel.kexecLoad(0x20000000, [segment(0x20000000)], ARM), 0)
  t.equal(kernel.kexecLoad(0x42000000, [valid], ARM), 'EINVAL')
})

t.test(
  'load, links down, sync and jump are noted in order, and the test sees the very buffers that were loaded',
  async t => {
    const kexec = createSimulatedKexec()
    t.equal(await kexec.loaded(), false)
    await kexec.load(0x42000000, [valid], ARM)
    t.equal(await kexec.loaded(), true)
    await kexec.sync()
    await kexec.linkDown('eth0')
    let returned = false
    const forget = () => {
      returned = true
    }
    kexec.jump().then(forget, forget)
    const image = await kexec.jumped
    t.equal(image.entry, 0x42000000)
    t.equal(image.flags, ARM)
    t.equal(image.segments[0]?.buffer, valid.buffer, 'not a copy')
    t.equal(returned, false, 'a jump does not come back')
    t.strictSame(
      kexec.calls.map(({ method }) => method),
      ['loaded', 'load', 'loaded', 'sync', 'linkDown', 'jump'],
    )
    t.match(kexec.calls[4], { ifname: 'eth0' })
  },
)

t.test('after unload, the error of a jump says that no image is loaded', async t => {
  const kexec = createSimulatedKexec()
  await kexec.load(0x42000000, [valid], ARM)
  await kexec.unload()
  t.equal(await kexec.loaded(), false)
  await t.rejects(kexec.jump(), {
    code: 'KEXEC_SYSCALL',
    message: /^reboot\(LINUX_REBOOT_CMD_KEXEC\) failed: EINVAL \(22\), no image is loaded/,
  })
})

t.test('arguments are checked like before the real call, even those that the kernel would accept', async t => {
  const kexec = createSimulatedKexec()
  await t.rejects(kexec.load(0x1234, [valid], ARM), {
    code: 'KEXEC_ARGUMENT',
    message:
      'kexec_load(entry 0x1234, 1 segment [0 0x42000000+0x1000 from 16 bytes], flags 0x280000): entry 0x1234 is not in any segment',
  })
  t.equal(await kexec.loaded(), false)
  const broken = Object.defineProperty({ ...valid }, 'mem', {
    get: () => {
      throw new Error('from the getter')
    },
  })
  await t.rejects(kexec.load(0x42000000, [broken], ARM), { message: 'from the getter' })
})

t.test('a failed load leaves the earlier image loaded, like in the real kernel', async t => {
  const kexec = createSimulatedKexec()
  await kexec.load(0x42000000, [valid], ARM)
  await t.rejects(kexec.load(0x10000000, [segment(0x10000000)], ARM), {
    code: 'KEXEC_SYSCALL',
    details: { errname: 'EINVAL', errno: 22 },
    message: /System RAM/,
  })
  t.equal(await kexec.loaded(), true)
})

t.test('failNext makes any call fail once, with an errno or an error', async t => {
  const kexec = createSimulatedKexec()
  kexec.failNext('load', 'EBUSY')
  kexec.failNext('load', fault('KEXEC_ADDON', { reason: 'gone' }))
  await t.rejects(kexec.load(0x42000000, [valid], ARM), {
    code: 'KEXEC_SYSCALL',
    message: /^kexec_load\(.*\) failed: EBUSY \(16\), another process/,
  })
  await t.rejects(kexec.load(0x42000000, [valid], ARM), { code: 'KEXEC_ADDON' })
  await kexec.load(0x42000000, [valid], ARM)
  kexec.failNext('sync', 'EIO')
  await t.rejects(kexec.sync(), {
    message: "sync() failed: EIO (5), for which sync has no known reason; see the kernel's log",
  })
  kexec.failNext('jump', 'EPERM')
  await t.rejects(kexec.jump(), { message: /may not reboot/ })
  t.equal(kexec.calls.length, 5, 'refused calls are noted too')
})

t.test('arming, feeding and disarming a watchdog are noted in order', async t => {
  const kexec = createSimulatedKexec()
  kexec.failNext('armWatchdog', 'EBUSY')
  await t.rejects(kexec.armWatchdog('/dev/watchdog0', 16), {
    code: 'KEXEC_SYSCALL',
    message: /EBUSY.*RuntimeWatchdogSec/,
  })
  const watchdog = await kexec.armWatchdog('/dev/watchdog0', 16)
  t.equal(watchdog.timeout, 16)
  watchdog.feed()
  watchdog.disarm()
  t.match(kexec.calls, [
    { method: 'armWatchdog', device: '/dev/watchdog0', seconds: 16 },
    { method: 'armWatchdog' },
    { method: 'feed' },
    { method: 'disarm' },
  ])
})

t.test('only the links named in the options exist', async t => {
  const kexec = createSimulatedKexec({ links: ['eth0'] })
  await kexec.linkDown('eth0')
  await t.rejects(kexec.linkDown('eth1'), {
    code: 'KEXEC_SYSCALL',
    message: /^linkDown\("eth1"\) failed: ENODEV \(19\)/,
  })
})
