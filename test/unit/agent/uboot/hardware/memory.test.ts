import fs, { existsSync, statSync } from 'node:fs'
import { syncBuiltinESMExports } from 'node:module'
import { join } from 'node:path'
import t, { type Test } from 'tap'
import { MEMORY_CHUNK, Memory, type MemoryRange } from '../../../../../agent/uboot/hardware/memory.js'

const MIB = 2 ** 20
/** A Cubieboard4: 2 GiB from 0x20000000, which holds the addresses of its own U-Boot and those of the other boards. */
const CUBIEBOARD4 = [{ start: 0x2000_0000, end: 0xa000_0000 }]
const TWO_BANKS = [
  { start: 0x4000_0000, end: 0x5000_0000 },
  { start: 0x8000_0000, end: 0x9000_0000 },
]

function opened(t: Test, ranges: readonly MemoryRange[] = CUBIEBOARD4, room?: () => number): Memory {
  const memory = Memory.open(join(t.testdir(), 'memory'), ranges, room)
  t.teardown(() => memory.close())
  return memory
}

t.test('a Cubieboard4 takes a kernel at 0x22000000 and at 0x42000000', async t => {
  const memory = opened(t)
  for (const address of [0x2200_0000, 0x4200_0000]) {
    memory.write(address, Buffer.from(address.toString(16)))
    t.equal(memory.read(address, 8).toString(), address.toString(16))
  }
  t.ok(memory.used < MIB, 'what was never written takes no room')
})

t.test('memory that was never written holds zeros, to its end', async t => {
  const memory = opened(t)
  t.same(memory.read(0x9fff_fffe, 2), Buffer.alloc(2))
  memory.write(0x3000_0000, Buffer.from('x'))
  t.same(memory.read(0x3000_0000, 3), Buffer.from('x\0\0'))
})

t.test('what is not DRAM, all of it in one bank, is neither read nor written', async t => {
  const memory = opened(t, TWO_BANKS)
  const cases = [
    [0x3fff_ffff, 2],
    [0x4fff_ffff, 2],
    [0x6000_0000, 1],
    [0x4000_0000, 0x5000_0000],
  ] as const
  for (const [address, size] of cases) {
    const refused = {
      code: 'UBOOT_MEMORY',
      message: `0x${size.toString(16)} bytes at 0x${address.toString(16)} are not DRAM; DRAM is 0x40000000-0x4fffffff, 0x80000000-0x8fffffff`,
    }
    t.equal(memory.contains(address, size), false)
    t.throws(() => memory.read(address, size), refused)
    await t.rejects(memory.part(address, size), refused)
    t.throws(() => [...memory.chunks(address, size)], refused)
  }
  t.throws(() => memory.write(0x4fff_ffff, Buffer.alloc(2)), { code: 'UBOOT_MEMORY' })
})

t.test('much memory comes in pieces', async t => {
  const memory = opened(t)
  memory.write(0x4200_0000 + MEMORY_CHUNK, Buffer.from('second'))
  const chunks = [...memory.chunks(0x4200_0000, MEMORY_CHUNK + 6)]
  t.same(
    chunks.map(({ length }) => length),
    [MEMORY_CHUNK, 6],
  )
  t.equal(chunks[1]?.toString(), 'second')
})

t.test('no more is written than the machine has room for, which is asked for again after some MiB', async t => {
  let room = 20 * MIB
  let asked = 0
  const memory = opened(t, CUBIEBOARD4, () => {
    asked += 1
    return room
  })
  memory.write(0x4200_0000, Buffer.alloc(MIB))
  memory.write(0x4210_0000, Buffer.alloc(MIB))
  t.equal(asked, 1)
  room = 0
  memory.write(0x4220_0000, Buffer.alloc(6 * MIB))
  t.throws(() => memory.write(0x4280_0000, Buffer.alloc(1)), {
    code: 'UBOOT_MEMORY_FULL',
    message: 'no room for 1 bytes at 0x42800000: 0 bytes are left; delete artifacts, or reset',
    ubootText: 'TFTP error: trying to overwrite reserved memory...',
  })
  t.equal(asked, 2)
})

t.test('the next file must not destroy a part of one that was loaded', async t => {
  const memory = opened(t)
  memory.claim(0x4200_0000, 17 * MIB, 'zImage')
  const kernel = { start: 0x4200_0000, end: 0x4310_0000, name: 'zImage' }
  t.same(memory.clobbered(0x4300_0000, 1), kernel)
  t.same(memory.clobbered(0x41ff_ffff, 2), kernel)
  t.equal(memory.clobbered(0x4200_0000, MIB), null, 'the same file once more is no accident')
  t.equal(memory.clobbered(0x4310_0000, MIB), null)
  t.equal(memory.clobbered(0x4100_0000, 16 * MIB), null)
  t.same(memory.claimAt(0x4200_0000), kernel)
  t.equal(memory.claimAt(0x4300_0000), null)
})

t.test('a file that replaces others makes them forgotten', async t => {
  const memory = opened(t)
  memory.claim(0x4200_0000, MIB, 'zImage')
  memory.claim(0x4300_0000, MIB, 'dtb')
  memory.claim(0x4400_0000, MIB, 'ramdisk')
  memory.claim(0x4200_0000, 0x100_0001, 'another')
  t.same(
    [0x4200_0000, 0x4300_0000, 0x4400_0000].map(address => memory.claimAt(address)?.name),
    ['another', undefined, 'ramdisk'],
  )
})

t.test('a load that ended early is known as that, until something else writes there', async t => {
  const memory = opened(t)
  const loadTo = (address: number): void => {
    memory.write(address, Buffer.alloc(100))
    memory.loading(address, 100)
  }
  loadTo(0x4200_0000)
  t.equal(memory.loadedAt(0x4200_0000), 100)
  t.equal(memory.clobbered(0x41ff_ffff, 2), null, 'it protects nothing')
  memory.write(0x4200_0063, Buffer.alloc(1))
  t.equal(memory.loadedAt(0x4200_0000), null)
  loadTo(0x4200_0000)
  memory.claim(0x4200_0000, 200, 'zImage')
  t.equal(memory.loadedAt(0x4200_0000), 200)
  t.equal(memory.loadedAt(0x4300_0000), null)
})

t.test('a part of memory is a part of its file, which is all there', async t => {
  const memory = opened(t)
  t.same(await memory.part(0x4200_0000, MIB), { path: memory.path, offset: 0x4200_0000, size: MIB })
  t.equal(statSync(memory.path).size, 0x4210_0000)
  await memory.part(0x2200_0000, MIB)
  t.equal(statSync(memory.path).size, 0x4210_0000, 'it never shrinks')
})

t.test('a part of memory has no holes, and keeps what was written', async t => {
  let room = 4 * MIB
  const memory = opened(t, CUBIEBOARD4, () => room)
  memory.write(0x4200_3001, Buffer.from('written'))
  const before = memory.read(0x4200_0000, 3 * MIB)
  await memory.part(0x4200_0123, 3 * MIB - 0x123)
  t.ok(memory.used >= 3 * MIB, `${memory.used} bytes`)
  t.ok(memory.read(0x4200_0000, 3 * MIB).equals(before))
  room = 0
  const full = { code: 'UBOOT_MEMORY_FULL', details: { limit: 0 } }
  await t.rejects(memory.part(0x4300_0000, 3 * MIB), full)
  t.ok(memory.used < 5 * MIB, 'what there is no room for is not taken')
  room = MIB * 4
  const controller = new AbortController()
  const stopped = memory.part(0x4200_0000, 3 * MIB - 0x123, controller.signal)
  controller.abort(new Error('interrupted'))
  await t.rejects(stopped, { message: 'interrupted' })
})

t.test('a file system that is full is memory that is full, and any other failure is not', async t => {
  const memory = opened(t)
  const { writeSync } = fs
  t.teardown(() => {
    fs.writeSync = writeSync
    syncBuiltinESMExports()
  })
  const failWith = (code: string): void => {
    fs.writeSync = () => {
      throw Object.assign(new Error(code), { code })
    }
    syncBuiltinESMExports()
  }
  failWith('ENOSPC')
  const full = { code: 'UBOOT_MEMORY_FULL', details: { address: '0x42000000', size: MIB, limit: 0 } }
  t.throws(() => memory.write(0x4200_0000, Buffer.alloc(MIB)), full)
  await t.rejects(memory.part(0x4200_0000, MIB), full)
  failWith('EIO')
  t.throws(() => memory.write(0x4200_0000, Buffer.alloc(1)), { code: 'EIO' })
})

t.test('memory is empty when it is opened, whatever was there, and gone when it is closed', async t => {
  const path = join(t.testdir({ memory: { folder: 'in its place' } }), 'memory')
  const memory = Memory.open(path, [{ start: 0, end: MIB }])
  t.same(memory.read(0, 4), Buffer.alloc(4))
  memory.close()
  t.equal(existsSync(path), false)
})
