/** Jobs on a tmpfs that is full, or read-only; both happen while the agent runs. */

import { execFileSync } from 'node:child_process'
import { mkdir, readdir, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import t, { type Test } from 'tap'
import { zImage } from '../kexec/images.js'
import { serve, wholeFile } from '../transfer/fixture.js'
import { eventsOf, jobOf, openBoard } from './board-fixture.js'
import { body, failure, MIB, patternBytes, temporaryDirectory } from './fixture.js'

const KERNEL = zImage()
const DRY = jobOf({ kernel: { artifact: 'zImage' }, options: { dryRun: true } })

const mount = (...args: string[]): unknown => execFileSync('mount', args, { stdio: ['ignore', 'ignore', 'pipe'] })

/** Why nothing can be mounted here; false if it can. */
const skip = ((): string | false => {
  try {
    execFileSync('unshare', ['--mount', 'mount', '-t', 'tmpfs', 'fauxboot', '/mnt'], { stdio: 'pipe' })
    return false
  } catch {
    return 'only root can mount a tmpfs'
  }
})()

async function smallTmpfs(t: Test, name: string, size: number): Promise<string> {
  const directory = join(await temporaryDirectory(t), name)
  await mkdir(directory)
  mount('-t', 'tmpfs', '-o', `size=${size}`, 'fauxboot', directory)
  t.teardown(() => execFileSync('umount', ['--lazy', directory]))
  return directory
}

t.test(
  'a tmpfs that is full fails the job or the upload that filled it, and the next one finds the room',
  { skip },
  async t => {
    const artifactDir = await smallTmpfs(t, 'artifacts', 2 * MIB)
    const stateDir = join(await temporaryDirectory(t), 'state')
    const { boot } = await openBoard(t, { config: { artifactDir, stateDir } })
    await boot.artifacts.receive('zImage', body(KERNEL))
    const large = patternBytes(3 * MIB)
    const origin = await serve(t, wholeFile(large))
    t.match(await failure(boot.artifacts.receive('large', body(large))), {
      code: 'ARTIFACT_TOO_LARGE',
      cause: { code: 'ENOSPC' },
    })
    t.same(await readdir(artifactDir), ['zImage'])
    const { id } = await boot.submit(jobOf({ kernel: `${origin}/large` }), 'http')
    await eventsOf(boot, id)
    t.match(boot.get(id), { state: 'failed', error: { code: 'ARTIFACT_TOO_LARGE' } })
    t.same(await readdir(artifactDir), ['zImage'])
    const next = await boot.submit(DRY, 'http')
    await eventsOf(boot, next.id)
    t.equal(boot.get(next.id).state, 'planned')
  },
)

t.test(
  'a state directory that fills up, or becomes read-only, forgets jobs but shows none in a state that it has left',
  { skip },
  async t => {
    for (const damage of ['full', 'read-only']) {
      const stateDir = await smallTmpfs(t, 'state', MIB)
      const artifactDir = join(await temporaryDirectory(t), 'artifacts')
      const board = await openBoard(t, { config: { artifactDir, stateDir } })
      const { boot, logged } = board
      await boot.artifacts.receive('zImage', body(KERNEL))
      const first = await boot.submit(DRY, 'http')
      await eventsOf(boot, first.id)
      // The record is written after the followers have seen the end.
      const written = (): Promise<string> => readFile(join(stateDir, `${first.id}.json`), 'utf8').catch(() => '')
      while (!(await written()).includes('"state":"planned"')) await new Promise(resolve => setImmediate(resolve))
      if (damage === 'read-only') mount('-o', 'remount,ro', stateDir)
      else await writeFile(join(stateDir, 'fills it'), Buffer.alloc(2 * MIB)).catch(() => undefined)
      const second = await boot.submit(DRY, 'http')
      await eventsOf(boot, second.id)
      await boot.close()
      t.equal(boot.get(second.id).state, 'planned', `${damage}: the job runs`)
      t.ok(logged.includes('error the job could not be written down'), damage)
      t.notOk(
        (await readdir(stateDir)).some(name => name.endsWith('.tmp')),
        damage,
      )
      const again = await board.restart()
      for (const { id, state } of again.boot.list()) {
        t.equal(id, first.id, damage)
        t.equal(state, 'planned')
        t.match(JSON.parse(await readFile(join(stateDir, `${id}.json`), 'utf8')), { view: { state } })
      }
      const next = await again.boot.submit(DRY, 'http')
      await eventsOf(again.boot, next.id)
      t.equal(again.boot.get(next.id).state, 'planned')
    }
  },
)
