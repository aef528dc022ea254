import t from 'tap'
import { writeFdt } from '../../../../../agent/image/fdt/fdt.js'
import { encodeCells, encodeString, findNode, propString } from '../../../../../agent/image/fdt/fdt-query.js'
import { addPsci } from '../../../../../agent/kexec/layout/psci.js'
import { node, tree } from '../trees.js'

const PSCI = node('psci', {
  compatible: encodeString('arm,psci-1.0'),
  method: encodeString('smc'),
  phandle: encodeCells([5]),
})

const cpus = (...methods: readonly (string | null)[]) =>
  node(
    'cpus',
    {},
    ...methods.map((method, index) =>
      node(`cpu@${index}`, method === null ? {} : { 'enable-method': encodeString(method) }),
    ),
  )

t.test('a tree without PSCI gets that of the running kernel, and its CPUs use it', async t => {
  const fdt = tree({ children: [cpus(null, null, null)] })
  t.equal(addPsci(fdt, tree({ children: [cpus('psci', 'psci'), PSCI] })), true)
  t.equal(propString(findNode(fdt, '/psci') ?? node('missing'), 'method'), 'smc')
  t.notOk(findNode(fdt, '/psci')?.properties.has('phandle'), 'the number may be taken in this tree')
  const methods = [0, 1, 2].map(cpu =>
    propString(findNode(fdt, `/cpus/cpu@${cpu}`) ?? node('missing'), 'enable-method'),
  )
  t.strictSame(methods, ['psci', 'psci', null])
})

t.test('a tree stays as it is where PSCI would be wrong', async t => {
  for (const [title, children, running] of [
    ['it has PSCI', [cpus(null), node('psci')], [cpus('psci'), PSCI]],
    ['the running kernel has none', [cpus(null)], [cpus('psci')]],
    ['its CPUs start in another way', [cpus('allwinner,sun9i-a80-smp')], [cpus('psci'), PSCI]],
    ['it has other CPUs', [node('cpus', {}, node('cpu@100'))], [cpus('psci'), PSCI]],
    ['it has no CPUs', [], [cpus('psci'), PSCI]],
  ] as const) {
    const fdt = tree({ children })
    const before = writeFdt(fdt)
    t.equal(addPsci(fdt, tree({ children: running })), false, title)
    t.same(writeFdt(fdt), before, title)
  }
})
