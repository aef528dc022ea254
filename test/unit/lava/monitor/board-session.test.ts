import { readFileSync } from 'node:fs'
import type { Socket } from 'node:net'
import { join } from 'node:path'
import t from 'tap'
import { fault } from '../../../../agent/errors.js'
import { type BoardSessionOptions, runBoardSession } from '../../../../lava/monitor/board-session.js'
import { type BootMethod, bootByTyping, bootServedFiles } from '../../../../lava/monitor/boot-methods.js'
import { junitReport } from '../../../../lava/results/junit.js'
import { kcidbSubmission, kcidbTest } from '../../../../lava/results/kcidb.js'
import { buildZImage } from '../../agent/image/kernel/zimage-builder.js'
import { listen } from '../console/lines.js'

const LINUX = 'Linux version 6.12.48\r\n[    1.9] Run /init as init process\r\n'

/** Nothing to do but to hand the board over. */
const JUMP: BootMethod = async ({ handedOver }) => handedOver()

function options(console: string, given: Partial<BoardSessionOptions> = {}): BoardSessionOptions {
  const signal = new AbortController().signal
  return { console, method: JUMP, until: /login:/, timeoutMs: 60_000, silenceMs: 60_000, signal, ...given }
}

t.test('a boot is followed to its prompt, and leaves log, JUnit XML and KCIDB JSON', async t => {
  const dir = t.testdir()
  const { port } = await listen(t, socket => socket.write(`${LINUX}<&>]]>\u0001\r\nboard login: `))
  const logFile = join(dir, 'log')
  const typed: string[] = []
  const result = await runBoardSession(
    options(`tcp://127.0.0.1:${port}`, { logFile, whenBooted: async () => void typed.push('tests') }),
  )
  t.match(result.verdict, { outcome: 'booted', sign: 'login-prompt' })
  t.same(typed, ['tests'])
  const [first = ''] = readFileSync(logFile, 'utf8').split('\n')
  t.match(first, /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z Linux version 6\.12\.48$/)
  const xml = junitReport({ suite: 'boot', name: 'zImage' }, result)
  t.match(xml, /<testcase classname="fauxboot.boot" name="zImage"/)
  t.notMatch(xml, /\]\]>[^<]*\]\]>/, 'no section is ended early')
  const facts = { id: 'lab:1', buildId: 'maestro:2', origin: 'lab', compatible: ['allwinner,sun9i-a80'] }
  const { version, tests } = kcidbSubmission([kcidbTest(facts, result)])
  t.same(version, { major: 5, minor: 3 })
  t.match(tests, [{ id: 'lab:1', build_id: 'maestro:2', path: 'boot', status: 'PASS', log_excerpt: /^Linux version/ }])
})

t.test('a panic is a failure in every report', async t => {
  const { port } = await listen(t, socket => socket.end(`${LINUX}Kernel panic - not syncing: VFS\r\n`))
  const result = await runBoardSession(options(`tcp://127.0.0.1:${port}`))
  t.match(result.verdict, { outcome: 'failed', sign: 'kernel-panic' })
  t.match(
    junitReport({ suite: 'boot', name: 'x' }, result),
    /failures="1"[\s\S]*<failure message="kernel panic[^>]*type="kernel-panic"/,
  )
  t.equal(kcidbTest({ id: 'l:1', buildId: 'm:2', origin: 'l' }, result).status, 'FAIL')
})

t.test('a console that is not there, or goes, is the lab’s', async t => {
  t.match((await runBoardSession(options('tcp://127.0.0.1:1'))).verdict, { outcome: 'infrastructure', sign: 'console' })
  const { port } = await listen(t, socket => socket.end('Linux version 6.12\r\n'))
  const result = await runBoardSession(options(`tcp://127.0.0.1:${port}`))
  t.match(result.verdict, { outcome: 'infrastructure', sign: 'console', lines: ['Linux version 6.12'] })
  t.match(junitReport({ suite: 'boot', name: 'x' }, result), /errors="1"/)
})

t.test('power is switched before and after, and its failure is the lab’s', async t => {
  const dir = t.testdir()
  const { port } = await listen(t, socket => socket.write(`${LINUX}login: `))
  const console = `tcp://127.0.0.1:${port}`
  const note = (word: string): string => `echo ${word} >> '${dir}/power'`
  await runBoardSession(options(console, { power: { on: note('on'), off: note('off') } }))
  t.equal(readFileSync(join(dir, 'power'), 'utf8'), 'off\non\noff\n')
  const { verdict } = await runBoardSession(options(console, { power: { reset: 'echo no relay >&2; exit 3' } }))
  t.match(verdict, { outcome: 'infrastructure', sign: 'power', reason: /ended with 3: no relay/ })
})

t.test('the error of a boot method decides the verdict', async t => {
  const { port } = await listen(t, () => undefined)
  const verdictOf = async (error: Error) =>
    (await runBoardSession(options(`tcp://127.0.0.1:${port}`, { method: () => Promise.reject(error) }))).verdict
  const unreachable = fault('BOARD_UNREACHABLE', { url: 'http://b', reason: 'gone' })
  t.match(await verdictOf(unreachable), { outcome: 'infrastructure', sign: 'agent' })
  t.match(await verdictOf(fault('PLAN_REFUSED', { finding: 'overlap' })), { outcome: 'failed', sign: 'job' })
  t.match(await verdictOf(fault('AUTH_REQUIRED', {})), { outcome: 'infrastructure', sign: 'agent' })
  await t.rejects(verdictOf(fault('CLI_FILE', { file: 'x', reason: 'no such file' })), { code: 'CLI_FILE' })
})

t.test('a wait fails when the time is up, and a cancel works at once', async t => {
  const { port } = await listen(t, () => undefined)
  const console = `tcp://127.0.0.1:${port}`
  const method: BootMethod = ({ expect }) => expect.waitFor(/never/, { timeoutMs: 60_000 }).then(() => undefined)
  const { verdict } = await runBoardSession(options(console, { method, timeoutMs: 50 }))
  t.match(verdict, { outcome: 'infrastructure', sign: 'timeout' })
  const stop = new AbortController()
  const cancelled: BootMethod = context => {
    stop.abort(new Error('enough'))
    return method(context)
  }
  await t.rejects(runBoardSession(options(console, { method: cancelled, signal: stop.signal })), /enough/)
})

/** A boot loader that echoes, and answers by table. */
function uboot(socket: Socket, answers: Readonly<Record<string, string>>, heard: string[]): void {
  socket.write('Hit any key to stop autoboot:  2 ')
  socket.once('data', () => socket.write('\b\b\b 0 \r\n=> '))
  socket.on('data', chunk => {
    for (const line of chunk.toString().split('\n').slice(0, -1)) {
      heard.push(line)
      const [command = ''] = line.split(' ')
      socket.write(`${line}\r\n${answers[command] ?? ''}\r\n=> `)
    }
  })
}

const ANSWERS = { dhcp: 'DHCP client bound to address 10.0.2.15', tftp: 'Bytes transferred = 1 (1 hex)' }

t.test('a boot is typed as LAVA types it', async t => {
  const dir = t.testdir({ zImage: Buffer.from(buildZImage()), dtb: 'dtb', ramdisk: 'cpio' })
  const heard: string[] = []
  const booted = { ...ANSWERS, bootz: `\r\nStarting kernel ...\r\n\r\n${LINUX}login: ` }
  const { port } = await listen(t, socket => uboot(socket, booted, heard))
  const files = { kernel: join(dir, 'zImage'), dtb: join(dir, 'dtb'), ramdisk: join(dir, 'ramdisk') }
  const boot = { files, places: { kernel: '0x1', dtb: '0x2', ramdisk: '0x3' }, cmdline: 'console=ttyS0' }
  const method = bootServedFiles({ boot, address: '10.0.2.2', listen: '127.0.0.1', waitSeconds: 10 })
  const { verdict } = await runBoardSession(options(`tcp://127.0.0.1:${port}`, { method, power: { reset: 'true' } }))
  t.match(verdict, { outcome: 'booted' })
  t.equal(heard.at(-1), 'bootz 0x1 0x3:${initrd_size} 0x2')
  t.ok(heard.includes("setenv bootargs 'console=ttyS0'") && heard.includes('tftp 0x3 ramdisk'))

  const missing = { ...ANSWERS, tftp: "TFTP error: 'File not found' (1)" }
  const { port: other } = await listen(t, socket => uboot(socket, missing, heard))
  const failed = await runBoardSession(options(`tcp://127.0.0.1:${other}`, { method, power: { reset: 'true' } }))
  t.equal(failed.verdict.outcome, 'failed')
  t.match(failed.verdict.reason, /File not found/)
})

/** A U-Boot whose countdown a key has stopped that came early: later keys wait for its prompt. */
function ubootWithEarlyKey(socket: Socket, heard: string[]): void {
  let typed = ''
  let atPrompt = false
  const answer = (): void => {
    const lines = typed.split('\n')
    typed = lines.pop() ?? ''
    for (const line of lines) {
      heard.push(line)
      socket.write(line === '' ? '\r\n=> ' : `${line}\r\nfdt_addr_r=0x1\r\n=> `)
    }
  }
  socket.on('data', chunk => {
    typed += chunk.toString()
    if (atPrompt) answer()
  })
  socket.once('data', () => {
    typed = ''
    socket.write('Hit any key to stop autoboot:  2 ')
    setTimeout(() => {
      atPrompt = true
      socket.write('\b\b\b 0 \r\n=> ')
      setTimeout(answer, 50)
    }, 50)
  })
}

t.test('a line end that stopped the countdown early makes no second prompt', async t => {
  const heard: string[] = []
  const { port } = await listen(t, socket => ubootWithEarlyKey(socket, heard))
  const files = { kernel: 'zImage', dtb: 'dtb' }
  const places = { kernel: '0x1', dtb: '${fdt_addr_r}', ramdisk: '0x3' }
  const server = { address: '10.0.2.2', port: 69 }
  const method = bootByTyping({ boot: { server, files, places, bootCommand: 'bootz', cmdline: '' }, waitSeconds: 10 })
  const { verdict } = await runBoardSession(options(`tcp://127.0.0.1:${port}`, { method }))
  t.match(verdict.reason, /'dhcp' with/, 'every answer before that one was its own')
  t.same(heard.slice(0, 2), [' printenv fdt_addr_r', 'setenv autoload no'])
})

t.test('a U-Boot that does not say where files are loaded is asked for nothing more', async t => {
  const heard: string[] = []
  const { port } = await listen(t, socket => uboot(socket, { printenv: '## Error: "fdt_addr_r" not defined' }, heard))
  const files = { kernel: 'zImage', dtb: 'dtb' }
  const places = { kernel: '0x1', dtb: '${fdt_addr_r}', ramdisk: '${ramdisk_addr_r}' }
  const server = { address: '10.0.2.2', port: 69 }
  const method = bootByTyping({ boot: { server, files, places, bootCommand: 'bootz', cmdline: '' }, waitSeconds: 10 })
  const { verdict } = await runBoardSession(options(`tcp://127.0.0.1:${port}`, { method, power: { reset: 'true' } }))
  t.match(verdict.reason, /'printenv fdt_addr_r' with .*not defined.*--load-at dtb=0x/)
  t.equal(heard.at(-1), 'printenv fdt_addr_r')
})
