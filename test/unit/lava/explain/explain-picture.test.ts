import t from 'tap'
import { explainLog } from '../../../../lava/explain/explain.js'
import { explainPicture } from '../../../../lava/explain/explain-picture.js'
import { VECTORS } from '../../agent/kexec/vectors.js'
import { printRun } from './kexec-tools-log-printer.js'

const pictureOf = (log: string) => {
  const [run] = explainLog(log).runs
  if (run === undefined) throw new Error('no run')
  return explainPicture(run)
}

for (const vector of VECTORS.planner) {
  t.test(`the picture shows what was loaded, and what dies: ${vector.name}`, async t => {
    const log = printRun(vector)
    const picture = pictureOf(log)
    const [run] = explainLog(log).runs
    const { cases = [] } = run?.relocation ?? {}
    t.equal(picture?.scenes.length, Math.max(1, cases.length), 'a raw Image has no case, and is drawn as logged')
    for (const [index, scene] of (picture?.scenes ?? []).entries()) {
      t.equal(scene.collisions.length, cases[index]?.dies.length ?? 0)
      t.equal(scene.items.filter(({ lane }) => lane === 'loaded').length, run?.kexecTools.segments.length)
      t.equal(scene.items[0]?.range.start, Number(run?.relocation.loadAddress))
      t.ok(scene.items.every(({ range }) => range.start < range.end))
    }
  })
}

t.test('a log that shows only a move is drawn as logged', async t => {
  const picture = pictureOf('C:0x200080C0-0x2085B2E0->0x2179E100-0x21FF1320\n')
  t.match(picture?.scenes, [
    { title: 'as logged', verdict: /^C:0x2/, items: [{ label: 'moved zImage', range: { start: 0x2179e100 } }] },
  ])
  t.match(picture?.lines, ['the log does not show RAM; not to scale'])
})

t.test('a log without an address has no picture', async t => {
  t.equal(pictureOf('zImage requires 0x00864200 bytes\n'), null)
})
