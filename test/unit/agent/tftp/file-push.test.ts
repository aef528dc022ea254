import t from 'tap'
import type { ArtifactStore } from '../../../../agent/boot/artifacts/artifact-store.js'
import { FilePush } from '../../../../agent/tftp/file-push.js'

t.test('after the store has given up, every write fails with its error', async t => {
  const full = new Error('the store is full')
  const store: Pick<ArtifactStore, 'receive'> = {
    async receive(_name, source) {
      for await (const _ of source) throw full
      throw full
    },
  }
  const aborted: unknown[] = []
  const hooks = { ended: () => undefined, aborted: (error: unknown) => void aborted.push(error) }
  const push = await FilePush.begin(store as ArtifactStore, 'kernel', null, hooks)
  await push.write(Buffer.alloc(512))
  await t.rejects(push.end(), full)
  await t.rejects(Promise.resolve(push.write(Buffer.alloc(512))), full)
  t.same(aborted, [full])
})

t.test('a slow store delays the client', async t => {
  let read = (): void => undefined
  const reading = new Promise<void>(resolve => {
    read = resolve
  })
  const store: Pick<ArtifactStore, 'receive'> = {
    async receive(name, source) {
      await source[Symbol.asyncIterator]().next()
      let size = 0
      await reading
      for await (const chunk of source) size += chunk.length
      return { name, size, received: size, complete: true, sha256: null, usedBy: null }
    },
  }
  const push = await FilePush.begin(store as ArtifactStore, 'kernel', null, {
    ended: () => undefined,
    aborted: () => undefined,
  })
  const waiting = push.write(Buffer.alloc(1024 * 1024))
  t.ok(waiting instanceof Promise)
  read()
  await waiting
  push.abort(new Error('enough'))
})
