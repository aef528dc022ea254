import t from 'tap'
import { parseFdt } from '../../../../agent/image/fdt/fdt.js'
import { keptMemory } from '../../../../agent/kexec/layout/kept-memory.js'
import { boardNames, loadBoard } from '../../../../systemd/boards/board.js'
import { dtbWithKeptMemory, withKeptMemory } from '../../../../systemd/image/kept-memory.js'
import { failure } from '../../agent/boot/fixture.js'
import { treeFile } from '../../agent/kexec/trees.js'

t.test('the agent finds the memory that an image keeps, whatever cells and regions the tree has', async t => {
  for (const tree of [
    treeFile({ cells: 1 }),
    treeFile({ cells: 2 }),
    treeFile({ cells: 2, regions: [[0x50000000, 0x1000]] }),
  ]) {
    const dtb = withKeptMemory(tree, { address: '0x78000000', size: '0x80000' })
    t.strictSame(keptMemory(parseFdt(dtb)), {
      job: { start: 0x78000000, end: 0x78010000 },
      ramoops: { start: 0x78010000, end: 0x78080000, recordSize: 0x10000, consoleSize: 0x20000 },
    })
  }
})

t.test("every board's region lies in its RAM, below what U-Boot uses at the end and above what it loads", async t => {
  const MIB = 2 ** 20
  for (const name of await boardNames()) {
    const { ramBase, ramoops, qemu } = await loadBoard(name)
    const start = Number(ramoops?.address)
    const end = start + Number(ramoops?.size)
    const top = Number(ramBase) + (qemu?.memoryMiB ?? 0) * MIB
    // The boot loader's `bootm_size` is 160 MiB; at the end of RAM it has its code, its stack and 64 MiB of heap.
    t.ok(start >= Number(ramBase) + 160 * MIB && end <= top - 96 * MIB, name)
    // A kernel maps lowmem in large pages; a hole in it would split them.
    t.ok(start >= Number(ramBase) + 760 * MIB, `${name}: highmem`)
  }
})

t.test('a board without a region says what to add', async t => {
  const { ramoops: _, ...board } = await loadBoard('virt')
  t.match(await failure(dtbWithKeptMemory(board, 'virt.dtb')), {
    code: 'BUILD_INPUT',
    message: /virt\.json names no region/,
  })
})
