import t from 'tap'
import { parseFdt } from '../../../../agent/image/fdt/fdt.js'
import { findNode } from '../../../../agent/image/fdt/fdt-query.js'
import { withRngSeed } from '../../../../systemd/qemu/rng-seed.js'
import { treeFile } from '../../agent/kexec/trees.js'

t.test('an emulated board gets new random bytes each time, and the rest of its tree stays', async t => {
  const dtb = treeFile({ model: 'a board', chosen: { bootargs: new Uint8Array([0x61, 0]) } })
  const seedOf = (bytes: Uint8Array): Uint8Array | undefined =>
    findNode(parseFdt(bytes, 'dtb'), '/chosen')?.properties.get('rng-seed')
  const seeded = withRngSeed(dtb, 'dtb')
  t.equal(seedOf(seeded)?.length, 32)
  t.notSame(seedOf(seeded), seedOf(withRngSeed(dtb, 'dtb')))
  const fdt = parseFdt(seeded, 'dtb')
  findNode(fdt, '/chosen')?.properties.delete('rng-seed')
  t.same(fdt, parseFdt(dtb, 'dtb'))
})
