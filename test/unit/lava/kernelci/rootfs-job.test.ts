/** KernelCI's jobs with a root file system: what ltp and kselftest need. */

import { readdirSync } from 'node:fs'
import { join } from 'node:path'
import { gunzipSync, gzipSync } from 'node:zlib'
import t, { type Test } from 'tap'
import { cpioEntryNames } from '../../agent/image/cpio/read-cpio.js'
import { buildZImage } from '../../agent/image/kernel/zimage-builder.js'
import { makeTar } from '../../agent/image/tar/make-tar.js'
import { startAgent } from '../agent.js'
import { FakeTarget } from '../console/fake-target.js'
import { BOOTED, fakeSession } from '../monitor/fake-session.js'
import { definition, type LabFixture, labFixture, NODE } from './lab-fixture.js'

/** As kernelci-pipeline's template makes it of `ltp-smoke-pull-labs`, and with commands that this machine has. */
const LTP = {
  ...{ id: 'ltp-smoketest', type: 'ltp', depends: [], timeout_s: 3600, 'pre-commands': [], 'post-commands': [] },
  parameters: 'tst_cmdfiles=smoketest skipfile=skipfile-lkft.yaml workers=max skip_install=true',
}
const RUNNER = `  ltp: ['echo "$tst_cmdfiles: pass  (0.01s)"; echo "fork13: timed out"']\n`

interface RootfsLab extends LabFixture {
  /** names in the ramdisk that the board's agent has loaded */
  readonly loaded: string[]
  runJob(artifacts: object, tests: readonly object[]): Promise<void>
}

/** A lab whose board has a real agent; the kernel only pretends to jump, and the target is pretended. */
async function rootfsLab(t: Test, meminfo = 'MemTotal: 1048576 kB\nMemAvailable: 900000 kB\n'): Promise<RootfsLab> {
  const { board, kexec } = await startAgent(t, { 'proc/meminfo': meminfo })
  const fixture = await labFixture(t, { agent: board, shellTests: RUNNER })
  const { server } = fixture
  const loaded: string[] = []
  return {
    ...fixture,
    loaded,
    runJob: async (artifacts, tests) => {
      const kernel = server.serve('rootfs-job/zImage', buildZImage())
      server.addJob(NODE, definition(server, { artifacts: { kernel, ...artifacts }, tests }))
      await fixture.run({
        session: async options => {
          const { note, signal } = options
          const context = { bootLoaderReached: () => undefined, handedOver: () => undefined }
          await options.method({ ...context, expect: new FakeTarget(), note: note ?? (() => undefined), signal })
          const { segments } = await kexec.jumped
          const ramdisk = segments.map(({ buffer }) => buffer).find(bytes => bytes[0] === 0x1f && bytes[1] === 0x8b)
          loaded.push(...cpioEntryNames(gunzipSync(ramdisk ?? Buffer.alloc(0))))
          return fakeSession(BOOTED)(options)
        },
      })
    },
  }
}

const ROOTFS = [{ name: './sbin/init', data: '#!/bin/sh', mode: 0o755 }] as const

t.test("KernelCI's ltp job boots its root file system as a ramdisk, and its cases are posted", async t => {
  const { server, runJob, loaded, config } = await rootfsLab(t)
  const rootfs = server.serve('full.rootfs.tar.xz', gzipSync(await makeTar(ROOTFS)))
  const modules = server.serve(
    'rootfs-job/modules.tar.xz',
    gzipSync(await makeTar([{ name: 'lib/modules/a.ko', data: 'a' }])),
  )
  await runJob({ rootfs, modules }, [LTP])
  t.same(loaded, ['sbin/', 'sbin/init', 'init'])
  t.match(server.children, [
    { name: 'ltp-smoketest', result: 'fail', data: { error_msg: '1 of 2 cases failed, the first: fork13' } },
    { name: 'ltp-smoketest.smoketest', result: 'pass' },
    { name: 'ltp-smoketest.fork13', result: 'fail' },
  ])
  t.match(server.node(NODE), { state: 'done', result: 'fail' })
  t.equal(readdirSync(join(config.stateDir, 'rootfs')).length, 1, 'the next job finds the ramdisk')
})

t.test("a kselftest job has the build's tests in its root file system", async t => {
  const { server, runJob, loaded } = await rootfsLab(t)
  const rootfs = server.serve('rootfs.tar.xz', gzipSync(await makeTar(ROOTFS)))
  const kselftest = server.serve('kselftest.tar.xz', gzipSync(await makeTar([{ name: './run_kselftest.sh' }])))
  await runJob({ rootfs, kselftest }, [{ id: 'futex', type: 'kselftest-futex', commands: ['true'] }])
  t.ok(loaded.includes('opt/kselftest/run_kselftest.sh'), loaded.join(' '))
  t.equal(server.node(NODE).result, 'pass')
})

t.test('a root file system that does not fit is an infrastructure result with the sizes', async t => {
  const { server, runJob } = await rootfsLab(t, 'MemTotal: 1024 kB\nMemAvailable: 900 kB\n')
  const big = [...ROOTFS, { name: 'big', data: Buffer.alloc(1024 * 1024) }]
  await runJob({ rootfs: server.serve('rootfs.tar.xz', gzipSync(await makeTar(big))) }, [LTP]).catch(() => undefined)
  t.match(server.data(NODE), {
    error_code: 'Infrastructure',
    error_msg:
      /artifacts\.rootfs takes 1\.0 MiB in memory, and a ramdisk may take 512\.0 KiB of the board's 1\.0 MiB; .*NFS/,
  })
})

t.test('a root file system that is damaged is no fault of the kernel', async t => {
  const { server, runJob } = await rootfsLab(t)
  await runJob({ rootfs: server.serve('rootfs.tar.xz', '<html>') }, [LTP])
  t.match(server.node(NODE), { result: 'incomplete', data: { error_code: 'Infrastructure', error_msg: /^rootfs / } })
})

t.test('a kselftest job without a root file system or the tests is not valid', async t => {
  for (const [present, missing] of [
    ['kselftest', /artifacts\.rootfs is missing/],
    ['rootfs', /artifacts\.kselftest is missing: test futex needs it/],
  ] as const) {
    const { server, runJob } = await rootfsLab(t)
    await runJob({ [present]: server.serve(present, 'x') }, [{ id: 'futex', type: 'kselftest-futex' }])
    t.match(server.data(NODE), { error_code: 'invalid_job_params', error_msg: missing })
  }
})
