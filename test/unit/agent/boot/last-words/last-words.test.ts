import { readFile, truncate, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import t, { type Test } from 'tap'
import type { BoardHost } from '../../../../../agent/boot/board/board.js'
import { parseFdt } from '../../../../../agent/image/fdt/fdt.js'
import { encodeCells, encodeString, findNode } from '../../../../../agent/image/fdt/fdt-query.js'
import { createPhysicalMemory } from '../../../../../agent/kexec/syscall/physical-memory.js'
import { fileNeeds } from '../../../../peer.js'
import { dump, zone } from '../../image/pstore/ramoops-region.js'
import { zImage } from '../../kexec/images.js'
import { node, treeFile } from '../../kexec/trees.js'
import { type BoardChanges, eventsOf, jobOf, openBoard, type TestBoard } from '../board-fixture.js'
import { body, temporaryDirectory } from '../fixture.js'

fileNeeds('addon')

const JOB = jobOf({ name: 'nightly', kernel: { artifact: 'zImage' } })

/** Where the file that stands for physical memory has the two regions. */
const JOB_PAGE = 0x10000
const RAMOOPS = 0x20000
const RECORD = 0x4000
const CONSOLE = 0x8000
const END = RAMOOPS + 2 * RECORD + CONSOLE

const region = (name: string, compatible: string, start: number, end: number, more = {}) =>
  node(`${name}@${start.toString(16)}`, {
    compatible: encodeString(compatible),
    reg: encodeCells([start, end - start]),
    'no-map': new Uint8Array(),
    ...more,
  })

const RUNNING = treeFile({
  cells: 1,
  memory: [[0x40000000, 0x40000000]],
  children: [
    node(
      'reserved-memory',
      { '#address-cells': encodeCells([1]), '#size-cells': encodeCells([1]), ranges: new Uint8Array() },
      region('fauxboot-job', 'fauxboot,job', JOB_PAGE, RAMOOPS),
      region('ramoops', 'ramoops', RAMOOPS, END, {
        'record-size': encodeCells([RECORD]),
        'console-size': encodeCells([CONSOLE]),
      }),
    ),
  ],
})
const HOST: Partial<BoardHost> = { runningDtb: async () => RUNNING }

interface Kept extends TestBoard {
  /** contents of the memory */
  read(): Promise<Buffer>
  /** the target's kernel writes its zones */
  write(zones: readonly Uint8Array[]): Promise<void>
  /** a reset: what lies on the tmpfs is gone, and the memory is not */
  reset(changes?: BoardChanges): Promise<TestBoard>
}

async function boardWithMemory(t: Test, changes: BoardChanges = {}): Promise<Kept> {
  const file = join(await temporaryDirectory(t), 'memory')
  await writeFile(file, '')
  await truncate(file, END)
  const all = (more: BoardChanges): BoardChanges => ({
    ...more,
    host: { ...HOST, ...more.host },
    config: { lastWords: true, ...more.config },
    deps: { memory: createPhysicalMemory(file) },
  })
  const board = await openBoard(t, all(changes))
  await board.boot.artifacts.receive('zImage', body(zImage()))
  return {
    ...board,
    read: () => readFile(file),
    async write(zones) {
      const memory = await readFile(file)
      Buffer.concat(zones).copy(memory, RAMOOPS)
      await writeFile(file, memory)
    },
    reset: async (more = {}) => openBoard(t, all(more)),
  }
}

/** A board whose job has jumped. */
async function jumped(t: Test, changes: BoardChanges = {}): Promise<Kept & { readonly id: string }> {
  const board = await boardWithMemory(t, changes)
  const { id } = await board.boot.submit(JOB, 'http')
  await board.kexec.jumped
  return { ...board, id }
}

const PANIC = '[    9.1] Kernel panic - not syncing: sysrq triggered crash\n'

t.test('a panic of the target fails its job in the next first stage, with its last words', async t => {
  const { id, write, reset, kexec } = await jumped(t)
  const dtb = kexec.kernel.image?.segments.find(({ kind }) => kind === 'dtb')
  t.ok(findNode(parseFdt(dtb?.buffer ?? new Uint8Array()), '/reserved-memory/ramoops'), 'the target knows the region')
  await write([zone(RECORD, dump(`<0>${PANIC}`)), zone(RECORD, ''), zone(CONSOLE, `[    9.0] marker\n${PANIC}`)])
  const { boot, logged } = await reset()
  t.match(boot.get(id), {
    state: 'failed',
    name: 'nightly',
    lastWords: { lines: 2, panic: 'sysrq triggered crash' },
    error: { code: 'JOB_TARGET_PANIC', message: `job ${id}: its target's kernel panicked: sysrq triggered crash` },
  })
  t.match(boot.log(id), / booting\n.*target: \[ {4}9\.0\] marker\n.*target: \[ {4}9\.1\] Kernel panic.*\n.* failed: /s)
  t.equal((await eventsOf(boot, id)).at(-1)?.type, 'state', 'followers come to an end')
  t.ok(logged.includes('info last words of a target'))
  const again = await reset()
  t.strictSame(again.boot.list(), [], 'they are reported once')
})

t.test('a target that was reset without a panic stays booting, with what it said last', async t => {
  const { id, write, reset } = await jumped(t)
  await write([zone(RECORD, ''), zone(RECORD, ''), zone(CONSOLE, '[    3.0] probing\n')])
  const { boot } = await reset()
  t.match(boot.get(id), { state: 'booting', error: null, lastWords: { lines: 1, panic: null } })
  t.match(boot.log(id), /target: \[ {4}3\.0\] probing\n$/)
})

t.test('a target whose kernel has no ramoops leaves its job, and no messages', async t => {
  const { id, reset } = await jumped(t)
  const { boot } = await reset()
  t.match(boot.get(id), { state: 'booting', lastWords: { lines: 0, panic: null } })
  t.match(boot.log(id), /the board is back; the target left no messages\n$/)
})

t.test('the dump of a quiet kernel is shown, without its log levels', async t => {
  const { id, write, reset } = await jumped(t)
  await write([
    zone(RECORD, dump(`<6>[    1.0] one\n<6>[    2.0] two\n<0>${PANIC}`)),
    zone(RECORD, ''),
    zone(CONSOLE, PANIC),
  ])
  const { boot } = await reset()
  t.match(boot.log(id), /target: \[ {4}1\.0\] one\n/)
})

t.test('numbers go on where they were, so the newest job stays the newest', async t => {
  const { id, reset } = await jumped(t)
  const { boot } = await reset()
  await boot.artifacts.receive('zImage', body(zImage()))
  const next = await boot.submit(jobOf({ kernel: { artifact: 'zImage' }, options: { dryRun: true } }), 'http')
  await eventsOf(boot, next.id)
  t.strictSame(
    boot.list().map(job => job.id),
    [next.id, id],
  )
})

t.test('what an earlier target said is never taken for the words of the next', async t => {
  const { write, boot, kexec, read } = await boardWithMemory(t)
  await write([zone(RECORD, dump(PANIC))])
  await boot.submit(JOB, 'http')
  await kexec.jumped
  t.ok((await read()).subarray(RAMOOPS).every(byte => byte === 0))
})

t.test('a jump that came back is not noted', async t => {
  const board = await boardWithMemory(t, {
    wrap: kexec => {
      kexec.failNext('jump', 'EPERM')
      return kexec
    },
  })
  const { id } = await board.boot.submit(JOB, 'http')
  await eventsOf(board.boot, id)
  t.equal((await board.boot.settled(id)).error?.code, 'JUMP_RETURNED')
  t.strictSame((await (await board.reset()).boot.list()).length, 0)
})

t.test('without the setting no memory is touched', async t => {
  const { id, read, kexec, reset } = await jumped(t, { config: { lastWords: false } })
  t.ok((await read()).every(byte => byte === 0))
  t.ok(kexec.kernel.image)
  t.strictSame((await reset()).boot.list(), [], id)
})

t.test('a board without such memory boots its jobs, and says once what is missing', async t => {
  const { logged } = await jumped(t, {
    host: { runningDtb: async () => treeFile({ memory: [[0x40000000, 0x40000000]] }) },
  })
  t.equal(logged.filter(line => line === 'error there are no last words of targets').length, 1)
})

t.test('a device tree that cannot be read does not keep the agent from starting', async t => {
  const { logged } = await boardWithMemory(t, { host: { runningDtb: async () => Buffer.from('no tree') } })
  t.ok(logged.includes('error there are no last words of targets'))
})

t.test('memory that cannot be read or written stops neither the agent nor a jump', async t => {
  const memory = createPhysicalMemory('/nonexistent')
  const board = await openBoard(t, { host: HOST, config: { lastWords: true }, deps: { memory } })
  t.ok(board.logged.includes('error last words cannot be read'))
  await board.boot.artifacts.receive('zImage', body(zImage()))
  await board.boot.submit(JOB, 'http')
  await board.kexec.jumped
  t.ok(board.logged.includes('warn not done before the jump'))
})
