import { type ChildProcessWithoutNullStreams, spawn } from 'node:child_process'
import { once } from 'node:events'
import { readFileSync, writeFileSync } from 'node:fs'
import { connect, type Socket } from 'node:net'
import { join } from 'node:path'
import t, { type Test } from 'tap'
import type { BoardHost } from '../../../../agent/boot/board/board.js'
import type { Boot } from '../../../../agent/boot/boot.js'
import type { UBootConfig } from '../../../../agent/uboot/board/uboot-config.js'
import { type BoardUBoot, openBoardUBoot } from '../../../../agent/uboot/open-board.js'
import { UBoot } from '../../../../agent/uboot/uboot.js'
import { needs } from '../../../peer.js'
import { eventsOf, fakeHost, jobOf, openBoard } from '../boot/board-fixture.js'
import { body, temporaryDirectory } from '../boot/fixture.js'
import { zImage } from '../kexec/images.js'
import { boardConsole, onlyOnce, TypedLine } from './board-console.js'
import { plainEnvironment } from './machine.js'

const CUBIEBOARD4: Partial<BoardHost> = {
  iomem: async () => '20000000-9fffffff : System RAM\n',
  model: async () => 'Cubietech Cubieboard4',
  compatible: async () => ['cubietech,a80-cubieboard4', 'allwinner,sun9i-a80'],
}

interface Opened {
  readonly uboot: BoardUBoot
  /** Switch off before the test ends. */
  close(): Promise<void>
  readonly directory: string
  /** countdowns that had begun when it was open */
  readonly countdowns: number
  /** what was logged */
  readonly logged: string[]
}

async function open(t: Test, config: Partial<UBootConfig> = {}, given?: Boot): Promise<Opened> {
  const boot = given ?? (await openBoard(t)).boot
  const directory = config.directory ?? join(await temporaryDirectory(t), 'made', 'when', 'missing')
  const logged: string[] = []
  const note = (_fields: object, message: string): void => void logged.push(message)
  let countdowns = 0
  const uboot = await openBoardUBoot({
    cameUp: () => {
      countdowns++
    },
    config: {
      serial: null,
      tcp: { host: '127.0.0.1', port: 0 },
      environment: null,
      linkSeconds: 60,
      bootDelay: 0,
      autobootText: 'Hit any key to stop autoboot',
      autobootPlain: false,
      identity: 'Allwinner Technology',
      console: 'ttyS0,115200n8',
      ...config,
      directory,
    },
    boot,
    host: fakeHost(CUBIEBOARD4),
    power: { reset: () => Promise.reject(), powerOff: () => Promise.reject() },
    tty: { rawTty: () => {}, drainTty: async () => {} },
    room: () => 2 ** 30,
    log: { info: note, error: note },
  })
  const close = onlyOnce(() => uboot.close())
  t.teardown(close)
  return { uboot, close, directory, countdowns, logged }
}

async function telnet(t: Test, { port }: BoardUBoot): Promise<Socket> {
  const socket = connect(port ?? 0, '127.0.0.1').setEncoding('latin1')
  t.teardown(() => socket.destroy())
  await once(socket, 'connect')
  return socket
}

/** Type, and read until what comes ends so. */
async function exchange(socket: Socket, typed: string, end = '=> '): Promise<string> {
  socket.write(typed, 'latin1')
  let shown = ''
  for await (const bytes of socket.iterator({ destroyOnReturn: false })) {
    shown += String(bytes)
    if (shown.endsWith(end)) break
  }
  return shown.replaceAll('\r\n', '\n')
}

t.test("a Cubieboard4 comes up on TCP with its own U-Boot's variables and memory", async t => {
  const { uboot, logged } = await open(t)
  const socket = await telnet(t, uboot)
  await exchange(socket, '')
  t.equal(
    await exchange(socket, 'printenv kernel_addr_r console baudrate soc\r'),
    `printenv kernel_addr_r console baudrate soc
kernel_addr_r=0x22000000
console=ttyS0,115200
baudrate=115200
soc=sunxi
=> `,
  )
  for (const address of ['22000000', '42000000', '9ffffffc']) {
    const typed = `mw ${address} 12345678; md ${address} 1\r`
    t.match(await exchange(socket, typed), `\n${address}: 12345678 `, address)
  }
  t.match(await exchange(socket, 'md 1ffffffc 1\r'), 'data abort')
  t.ok(uboot.memoryUsed > 0)
  await uboot.drained()
  t.same(logged, ['U-Boot console'])
})

t.test('it is open when its countdown begins', async t => {
  const { uboot, countdowns } = await open(t, { bootDelay: 3600 })
  t.equal(countdowns, 1)
  await exchange(await telnet(t, uboot), ' ')
})

t.test('the environment is kept in the directory, or where a fw_env.config says', async t => {
  const directory = await temporaryDirectory(t)
  const [config, image] = [join(directory, 'fw_env.config'), join(directory, 'image')]
  writeFileSync(config, `${image} 0x0 0x4000\n`)
  for (const environment of [null, config]) {
    const before = await open(t, { directory, environment })
    const socket = await telnet(t, before.uboot)
    await exchange(socket, '')
    t.match(await exchange(socket, 'setenv lab north; saveenv\r'), environment === null ? 'to RAM' : 'to MMC')
    await before.close()
    const after = await telnet(t, (await open(t, { directory, environment })).uboot)
    await exchange(after, '')
    t.match(await exchange(after, 'echo $lab\r'), '\nnorth\n')
  }
})

t.test('a line that cannot be opened fails at once', async t => {
  const { uboot } = await open(t)
  await t.rejects(open(t, { tcp: { host: '127.0.0.1', port: uboot.port ?? 0 } }), {
    code: 'CONSOLE_LINE',
    message: /EADDRINUSE/,
  })
  await t.rejects(open(t, { serial: join(t.testdir({ file: '' }), 'file', 'tty') }), {
    code: 'CONSOLE_LINE',
    message: /ENOTDIR/,
  })
  await t.rejects(open(t, { environment: '/nowhere/fw_env.config' }), {
    code: 'UBOOT_ENVIRONMENT_CONFIG',
    message: /no such file/,
  })
  await t.rejects(open(t, { environment: t.testdir({}) }), { code: 'UBOOT_ENVIRONMENT_CONFIG', message: /EISDIR/ })
})

/** Somebody at a serial port that begins to exist. @returns what is to be read there and a way to pull it out */
function plugIn(t: Test, path: string): ChildProcessWithoutNullStreams {
  const socat = spawn('socat', [`PTY,link=${path},rawer`, 'STDIO'])
  socat.stdout.setEncoding('latin1')
  t.teardown(() => socat.kill())
  return socat
}

/** Everything that is shown there, up to an end, with \n as line end. */
async function shownAt({ stdout }: ChildProcessWithoutNullStreams, end: string): Promise<string> {
  let shown = ''
  for await (const bytes of stdout.iterator({ destroyOnReturn: false })) {
    shown += String(bytes)
    if (shown.endsWith(end)) break
  }
  return shown.replaceAll('\r\n', '\n')
}

t.test(
  'a serial port that appears late gets the banner and the countdown, one that comes back its prompt',
  needs('socat'),
  async t => {
    const serial = join(t.testdir(), 'tty')
    const { uboot, logged, close } = await open(t, { tcp: null, serial })
    await uboot.drained()
    const late = plugIn(t, serial)
    t.match(
      await shownAt(late, '=> '),
      /^\n*U-Boot 2026.*Model: Cubietech Cubieboard4\n.*Hit any key to stop autoboot: 0\n=> $/s,
    )
    late.stdin.write('setenv lab north\r')
    t.equal(await shownAt(late, '=> '), 'setenv lab north\n=> ')
    late.kill('SIGKILL')
    await once(late, 'close')
    const back = plugIn(t, serial)
    t.equal(await shownAt(back, '=> '), '=> ')
    back.stdin.write('echo $lab\r')
    t.equal(await shownAt(back, '=> '), 'echo $lab\nnorth\n=> ')
    await close()
    const [gone, there] = [
      'the serial console is gone; it is used when it is there again',
      'the serial console is there',
    ]
    t.same(logged, [gone, 'U-Boot console', there, gone, there])
  },
)

t.test('a serial port that appears during the countdown gets all of it, once', needs('socat'), async t => {
  const serial = join(t.testdir(), 'tty')
  const { uboot } = await open(t, { tcp: null, serial, bootDelay: 600 })
  await uboot.drained()
  const late = plugIn(t, serial)
  const sentence = 'Hit any key to stop autoboot: 600'
  const shown = await shownAt(late, sentence)
  t.match(shown, /^\n*U-Boot 2026/)
  t.equal(shown.split('Hit any key').length, 2)
  late.stdin.write(' ')
  t.match(await shownAt(late, '=> '), /\n=> $/)
})

t.test(
  'a serial port that appears late gets no countdown if somebody has seen it over telnet',
  needs('socat'),
  async t => {
    const serial = join(t.testdir(), 'tty')
    const { uboot } = await open(t, { serial })
    const socket = await telnet(t, uboot)
    await exchange(socket, '')
    t.equal(await shownAt(plugIn(t, serial), '=> '), '=> ')
  },
)

t.test('the banner says that the last target died, and where its last words are', needs('socat'), async t => {
  const { boot, config, restart } = await openBoard(t)
  await boot.artifacts.receive('zImage', body(zImage()))
  const { id } = await boot.submit(jobOf({ kernel: { artifact: 'zImage' }, options: { dryRun: true } }), 'http')
  await eventsOf(boot, id)
  await boot.close()
  const file = join(config.stateDir, `${id}.json`)
  const record = readFileSync(file, 'utf8').replace(
    '"lastWords":null',
    '"lastWords":{"lines":1,"panic":"Fatal exception"}',
  )
  writeFileSync(file, record)
  const serial = join(t.testdir(), 'tty')
  const { uboot } = await open(t, { tcp: null, serial }, (await restart()).boot)
  await uboot.drained()
  const shown = await shownAt(plugIn(t, serial), '=> ')
  t.match(shown, `\n## fauxboot: the kernel of job ${id} died; \`fauxboot log ${id}\` shows its last words\n`)
  t.notMatch(shown, /panic/i, 'what watches the console sees no panic')
})

t.test('a board may have a console on no line at all', async t => {
  const { uboot } = await open(t, { tcp: null, console: '' })
  t.equal(uboot.port, null)
  await uboot.drained()
})

t.test('a saved environment that cannot be read does not keep the console from coming up', async t => {
  const store = {
    name: 'MMC',
    load: async () => {
      throw new Error('EIO')
    },
    save: async () => {},
  }
  const { uboot } = await boardConsole(t, {}, { env: Object.assign(plainEnvironment(), { store }) })
  const line = new TypedLine()
  void uboot.attach(line)
  t.equal(await line.shows(), '=> ')
})

t.test('a line whose other end goes is closed, and the others are closed with the machine', async t => {
  const { uboot, line, close } = await boardConsole(t)
  const other = new TypedLine()
  const attached = uboot.attach(other)
  await other.shows()
  other.hangUp()
  await attached
  await close()
  t.same([line.closed, other.closed], [true, false])
})

t.test('a line that is lost while it is drained keeps nobody waiting', async t => {
  const { uboot, line } = await boardConsole(t)
  line.drained = () => Promise.reject(new Error('EIO'))
  await t.resolves(uboot.drained())
})

t.test('a machine that is switched off ends what runs, and its lines', async t => {
  const { uboot, line } = await boardConsole(t)
  const other = new TypedLine()
  const attached = uboot.attach(other)
  await other.shows()
  line.type('echo begun; while true; do sleep 9; done; setenv after yes\r')
  await line.shows('begun\n')
  uboot.stop()
  await attached
  // It comes up when nothing runs any more.
  await uboot.powerOn()
  t.equal(uboot.machine.env.get('after'), undefined)
})

t.test('a machine that is switched off while it counts down counts no further', async t => {
  const { uboot } = await boardConsole(t)
  const env = plainEnvironment({ bootcmd: 'echo booted', bootdelay: '9' })
  const parts = { ...uboot.machine, env, autobootText: 'Hit any key', bootDelay: 9 }
  const counting = new UBoot(parts)
  const line = new TypedLine()
  const attached = counting.attach(line)
  const up = counting.powerOn()
  await line.shows('Hit any key: 9')
  counting.stop()
  await t.resolves(Promise.all([attached, up]))
})
