/** Inputs each of which once ended the agent or stopped it for a minute: one agent takes them all. */

import { execFile } from 'node:child_process'
import { createHash } from 'node:crypto'
import { once } from 'node:events'
import { copyFile, readFile, writeFile } from 'node:fs/promises'
import { connect } from 'node:net'
import { join } from 'node:path'
import { Readable } from 'node:stream'
import { promisify } from 'node:util'
import { createGzip } from 'node:zlib'
import t from 'tap'
import { pack } from 'tar-stream'
import { debianKernel } from '../../systemd/target/debian-kernel.js'
import { targetRamdisk } from '../../systemd/target/target-ramdisk.js'
import { interrupt, type } from './console-suite.js'
import { followStates, Lab, PATIENCE, sawTarget, submit } from './lab.js'
import { agentProcess, observedAtCountdown, outOfMemory } from './observed-board.js'

const run = promisify(execFile)

const CORPUS = 'test/fuzz/corpus'
const MIB = 2 ** 20

/** Little memory: what is too large must be refused, for the kernel ends a process when there is none left. */
const BOARD_MIB = 512

const PIPELINED = 1000

/** A member that fits into the board's memory once, and one that does not. */
const MEMBERS_MIB = { fits: 120, tooLarge: 365 }

/** Uploads that begin together: each would fit alone, all of them would not. */
const UPLOADS = 5
const UPLOAD_MIB = 100

/** A gzipped tar with one member of zeros. */
async function tarBomb(mib: number): Promise<Buffer> {
  const archive = pack()
  const zeros = Buffer.alloc(MIB)
  const member = archive.entry({ name: 'lib/modules/bomb.ko', size: mib * MIB })
  const zipped = archive.pipe(createGzip({ level: 1 }))
  const chunks: Buffer[] = []
  zipped.on('data', (chunk: Buffer) => chunks.push(chunk))
  for (let i = 1; i < mib; i += 1) if (!member.write(zeros)) await once(member, 'drain')
  member.end(zeros)
  archive.finalize()
  await once(zipped, 'end')
  return Buffer.concat(chunks)
}

/** A folder for TFTP: a menu of blanks, a script of tabs, and a script that is too long. */
async function layOutScripts(folder: string): Promise<void> {
  await copyFile(`${CORPUS}/pxe-menu/f10-blanks`, join(folder, 'menu'))
  await writeFile(join(folder, 'long'), '\t'.repeat(MIB))
  for (const [name, file] of [
    ['tabs.scr', `${CORPUS}/boot-script/f10-tabs`],
    ['semicolons.scr', `${CORPUS}/boot-script/f10-semicolons`],
    ['long.scr', join(folder, 'long')],
  ] as const) {
    await run('mkimage', ['-A', 'arm', '-T', 'script', '-C', 'none', '-d', file, join(folder, name)])
  }
}

t.test(`${BOARD_MIB} MiB: input that once ended the agent does not even restart it, and a job boots`, async t => {
  const lab = await Lab.open(t, 'virt')
  const tftpDir = t.testdir()
  await layOutScripts(tftpDir)
  const { client, qemu, shell } = await observedAtCountdown(
    t,
    lab,
    { tftpDir, memoryMiB: BOARD_MIB },
    // The memory reserved for last words lies above the end of this board's.
    { lastWords: false },
  )
  await interrupt(qemu.console)
  const before = await agentProcess(shell)
  t.match(before, /^MainPID=[1-9]\d*\nNRestarts=0$/)
  const good = {
    kernel: lab.server.serve('vmlinuz', (await debianKernel('trixie')).kernel),
    ramdisk: lab.server.serve('ramdisk', await targetRamdisk()),
    dtb: lab.server.serve('dtb', await lab.dtb()),
    cmdline: lab.cmdline,
  }
  /** How a dry run of the good job with other files ends: the code of its error, or its state. */
  const dryRun = async (changes: object): Promise<string> => {
    const { id } = await submit(client, { ...good, ...changes, options: { dryRun: true } })
    await followStates(client, id)
    const { state, error } = await client.job(id)
    return error?.code ?? state
  }

  await t.test(`F1: ${PIPELINED} requests on one connection whose answers nobody reads`, async t => {
    const { hostname, port } = new URL(qemu.url)
    const socket = connect(Number(port), hostname)
    t.teardown(() => socket.destroy())
    socket.on('error', () => socket.destroy())
    socket.write('GET /v1/board HTTP/1.1\r\nhost: x\r\n\r\n'.repeat(PIPELINED))
    t.equal((await client.board()).owner, null, 'another client is answered meanwhile')
  })

  await t.test('F2: deep YAML, twice', async t => {
    for (const name of ['f2-brackets.yaml', 'f2-brackets-again.yaml']) {
      const content = await readFile(`${CORPUS}/lava-job/${name}`, 'utf8')
      await t.rejects(client.submit({ type: 'application/yaml', content }), { code: 'JOB_INVALID' })
    }
  })

  await t.test('F3: device trees that claim millions of cells', async t => {
    for (const name of ['f3-cells.dtb', 'f3-most-cells.dtb']) {
      const dtb = lab.server.serve(name, await readFile(`${CORPUS}/fdt/${name}`))
      t.match(await dryRun({ dtb }), /^FORMAT_/, name)
    }
  })

  await t.test('F4: YAML with thousands of keys', async t => {
    const content = await readFile(`${CORPUS}/lava-job/f4-keys.yaml`, 'utf8')
    await t.rejects(client.submit({ type: 'application/yaml', content }), { code: 'JOB_INVALID' })
  })

  await t.test('F10: an expression, a menu and scripts on the console', async t => {
    const { console } = qemu
    for (const command of ['setenv autoload no', 'dhcp', 'setenv serverip 10.0.2.2']) await type(console, command)
    await type(console, `setenv s ${'a'.repeat(16)}`)
    for (let length = 16; length < 16_384; length *= 2) await type(console, 'setenv s $s$s')
    t.match(await type(console, 'setexpr r sub "(.*)(.*)x" y $s'), 'RE is too complex')
    t.match(await type(console, 'tftpboot 44000000 menu; pxe boot 44000000'), 'Bytes transferred = 40009')
    for (const name of ['tabs', 'semicolons']) {
      const said = await type(console, `tftpboot 44000000 ${name}.scr; source 44000000`)
      t.match(said, '## Executing script at 44000000', name)
    }
    t.match(await type(console, 'tftpboot 44000000 long.scr; source 44000000'), 'Script too long')
    t.match(await type(console, 'echo alive'), /\nalive\r\n=> $/)
  })

  await t.test('F11: modules with one large member', async t => {
    const sent = async (mib: number) => dryRun({ modules: lab.server.serve(`${mib}.tar.gz`, await tarBomb(mib)) })
    t.equal(await sent(MEMBERS_MIB.fits), 'planned')
    t.equal(await sent(MEMBERS_MIB.tooLarge), 'FORMAT_TOO_LARGE')
  })

  await t.test(`${UPLOADS} uploads of ${UPLOAD_MIB} MiB at a time: those that do not fit are refused`, async t => {
    const content = Buffer.alloc(UPLOAD_MIB * MIB)
    const sha256 = createHash('sha256').update(content).digest('hex')
    const upload = (_: unknown, i: number) =>
      client.putArtifact({
        name: `upload-${i}`,
        size: content.length,
        sha256,
        offset: 0,
        body: Readable.from([content]),
      })
    const uploads = await Promise.allSettled(Array.from({ length: UPLOADS }, upload))
    const refused = uploads.filter(({ status }) => status === 'rejected')
    t.ok(refused.length > 0 && refused.length < UPLOADS, `${refused.length} of ${UPLOADS} are refused`)
    for (const upload of refused) t.match(upload, { reason: { code: 'ARTIFACT_TOO_LARGE' } })
    for (const { name } of await client.artifacts()) await client.removeArtifact(name)
  })

  t.equal(await agentProcess(shell), before, 'the agent is the same process')
  t.equal(await outOfMemory(shell), '')
  await qemu.waitForAgent(PATIENCE)
  const { id } = await submit(client, good)
  await sawTarget(t, qemu, [`job ${id}`])
})
