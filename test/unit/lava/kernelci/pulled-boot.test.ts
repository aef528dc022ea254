import t from 'tap'
import { BoardClient } from '../../../../lava/client/board-client.js'
import { bootLavaJob } from '../../../../lava/kernelci/pulled-boot.js'
import { buildZImage } from '../../agent/image/kernel/zimage-builder.js'
import { cpio } from '../../agent/kexec/images.js'
import { startAgent } from '../agent.js'
import { FakeTarget } from '../console/fake-target.js'
import { serve } from '../stand-in.js'

t.test('a LAVA job is booted by the agent, which fetches the files itself', async t => {
  const { board, kexec } = await startAgent(t)
  const kernel = Buffer.from(buildZImage())
  const server = await serve(t, ({ path }, response) => {
    response.end(path === '/zImage' ? kernel : Buffer.from(cpio(1000)))
  })
  const job = `
actions:
- deploy: { to: tftp, kernel: { url: '${server.href}zImage' }, ramdisk: { url: '${server.href}ramdisk' } }
- boot: { method: u-boot, commands: ramdisk }
`
  const notes: string[] = []
  await bootLavaJob(
    new BoardClient(new URL(board)),
    job,
    10,
  )({
    expect: new FakeTarget(),
    bootLoaderReached: () => undefined,
    handedOver: () => notes.push('handed over'),
    note: line => notes.push(line),
    signal: new AbortController().signal,
  })
  const { segments } = await kexec.jumped
  t.ok(kernel.equals(segments[0]?.buffer ?? Buffer.alloc(0)))
  t.ok(notes.includes('handed over'))
})
