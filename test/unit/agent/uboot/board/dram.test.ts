import t from 'tap'
import { parseIomem } from '../../../../../agent/kexec/layout/memory-map.js'
import { dramBanks } from '../../../../../agent/uboot/board/dram.js'

const MIB = 2 ** 20

t.test('what the running kernel keeps for itself does not break DRAM into banks', async t => {
  const ram = parseIomem('40000000-4fffffff : System RAM\n54000000-7fffffff : System RAM\n')
  t.same(dramBanks(ram), [{ start: 0x4000_0000, end: 0x8000_0000 }])
})

t.test('a hole of more than 64 MiB does', async t => {
  const hole = { start: 0x5400_0000 + 1, end: 0x8000_0000 }
  t.same(dramBanks([{ start: 0x4000_0000, end: 0x5000_0000 }, hole]), [{ start: 0x4000_0000, end: 0x5000_0000 }, hole])
})

t.test('DRAM ends at 4 GiB, where a 32-bit U-Boot ends', async t => {
  const above = { start: 2 ** 32, end: 2 ** 32 + 512 * MIB }
  const across = { start: 0x8000_0000, end: 2 ** 32 + MIB }
  t.same(dramBanks([across, above]), [{ start: 0x8000_0000, end: 2 ** 32 }])
  t.same(dramBanks([above]), [])
})
