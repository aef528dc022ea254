import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { readdir } from 'node:fs/promises'
import { connect } from 'node:net'
import { extname, join } from 'node:path'
import { PassThrough, type Readable } from 'node:stream'
import { setTimeout } from 'node:timers/promises'
import t, { type Test } from 'tap'
import { TftpServer } from '../../../../../agent/transfer/tftp/server/server.js'
import { run } from '../../../../../lava/cli/command-line.js'
import { Interruption } from '../../../../../lava/terminal/terminal.js'
import { zImage } from '../../../agent/kexec/images.js'
import { treeFile } from '../../../agent/kexec/trees.js'
import { fauxboot } from '../../capture.js'

/** Where its temporary directories are. */
const temporary = t.testdir()
const { TMPDIR } = process.env
process.env.TMPDIR = temporary
t.teardown(() => {
  if (TMPDIR === undefined) delete process.env.TMPDIR
  else process.env.TMPDIR = TMPDIR
})
const left = async () => (await readdir(temporary)).filter(name => name.startsWith('fauxboot-console'))

/** `fauxboot console` on streams. */
function start(...argv: string[]) {
  const [stdin, stdout, stderr] = [new PassThrough(), new PassThrough(), new PassThrough()]
  const stop = new AbortController()
  const said = { stdout: collect(stdout), stderr: collect(stderr) }
  const ended = run(['console', ...argv], { stdin, stdout, stderr, env: {}, signal: stop.signal })
  return { stdin, ...said, ended, stop: () => stop.abort(new Interruption('SIGTERM')) }
}

/** What a stream says, and waiting for it. */
function collect(stream: Readable) {
  let text = ''
  stream.setEncoding('latin1')
  stream.on('data', (piece: string) => {
    text += piece
  })
  return {
    get text() {
      return text
    },
    async has(pattern: RegExp): Promise<RegExpExecArray> {
      for (;;) {
        const match = pattern.exec(text)
        if (match !== null) return match
        await once(stream, 'data')
      }
    },
  }
}

/** Type lines, all at once, and the end. */
async function piped(t: Test, lines: readonly string[], ...argv: string[]): Promise<string> {
  const { stdin, stdout, stderr, ended } = start(...argv)
  stdin.end(lines.map(line => `${line}\n`).join(''))
  t.equal(await ended, 0)
  t.equal(stderr.text, '')
  t.same(await left(), [], 'nothing is left behind')
  return stdout.text
}

t.test('lines that are piped in are answered, and the end of the input is the end', async t => {
  const program = join(import.meta.dirname, `../../../../../lava/cli/fauxboot${extname(import.meta.filename)}`)
  const child = spawn(process.execPath, [...process.execArgv, program, 'console'])
  const stdout = collect(child.stdout)
  child.stdin.end('echo one $((1))\nversion\n')
  t.same(await once(child, 'exit'), [0, null])
  t.match(stdout.text, /^\n\nU-Boot 2026\.10-fauxboot .*\n\nDRAM: {2}1 GiB\n/)
  t.match(stdout.text, /\n=> version\nU-Boot 2026\.10-fauxboot [\s\S]*\n=> \n$/)
  t.notOk(stdout.text.includes('\r'), 'lines end as those of a file')
})

t.test('memory is where it is said to be', async t => {
  const text = await piped(t, ['printenv kernel_addr_r'], '--ram', '0x20000000+2G')
  t.match(text, 'DRAM:  2 GiB\n')
  t.match(text, 'kernel_addr_r=0x22000000\n')
})

t.test(
  'a boot is planned and loaded; instead of the jump, the console prints the entry and shows its prompt',
  async t => {
    const files = new Map([
      ['zImage', zImage()],
      ['dtb', treeFile({ memory: [[0x4000_0000, 0x4000_0000]] })],
    ])
    const server = await TftpServer.listen({
      address: '127.0.0.1',
      port: 0,
      read: name => {
        const bytes = files.get(name)
        if (bytes === undefined) return { refused: 1, text: 'File not found' }
        return { size: bytes.length, read: async (offset, size) => bytes.subarray(offset, offset + size) }
      },
    })
    t.teardown(() => server.close())
    const text = await piped(t, [
      'setenv ipaddr 127.0.0.1; setenv serverip 127.0.0.1',
      `setenv tftpdstp ${server.port}`,
      'tftp 42000000 zImage; tftp 43000000 dtb; setenv fdt_high ffffffff',
      'bootz 42000000 - 43000000; echo not reached',
      'bootz 42000000 - 43000000',
      'bootz 43000000; echo refused: $?',
    ])
    const landed = '## fauxboot: a board would now be in the new kernel, entered at 0x42000000\n'
    t.match(text, `\nStarting kernel ...\n\n${landed}=> `)
    t.equal(text.split(landed).length, 3, 'and once more')
    t.match(text, 'refused: 1\n')
  },
)

t.test('reset comes up again with what was saved; poweroff is the end', async t => {
  const directory = t.testdir()
  const { stdin, stdout, ended } = start('--directory', directory, '--boot-delay', '3600')
  await stdout.has(/Hit any key to stop autoboot: 3600$/)
  stdin.write(' ')
  await stdout.has(/\n=> $/)
  stdin.write('setenv lost 1; setenv kept 2; saveenv; setenv bootdelay -1; saveenv; setenv lost 3; reset\n')
  await stdout.has(/resetting \.\.\.\n\n\nU-Boot [\s\S]*\.\.\. OK\n[\s\S]*=> $/)
  stdin.write('echo $kept; poweroff\n')
  t.equal(await ended, 0)
  t.match(stdout.text, /\n2\npoweroff \.\.\.\n\n$/)
  t.same(await readdir(directory), ['uboot.env'], 'the memory is gone')
})

t.test('telnet: everybody has a console of the same machine, also after a reset', async t => {
  const { stderr, ended } = start('--listen', '0')
  const [, port] = await stderr.has(/telnet 127\.0\.0\.1 (\d+);/)
  const open = () => {
    const socket = connect(Number(port), '127.0.0.1')
    return { socket, says: collect(socket) }
  }
  const [one, other] = [open(), open()]
  await one.says.has(/=> $/)
  await other.says.has(/=> $/)
  one.socket.write('setenv a 42\r\n')
  await one.says.has(/42\r\n=> $/)
  other.socket.write('echo a is $a; reset\r\n')
  await other.says.has(/\r\na is 42\r\nresetting \.\.\.\r\n[\s\S]*DRAM[\s\S]*=> $/)
  await one.says.has(/DRAM[\s\S]*\r\n=> $/)
  const gone = open()
  gone.socket.end('setenv b 43\r\n')
  await once(gone.socket, 'close')
  one.socket.write('sleep 1000\r\n')
  await one.says.has(/sleep 1000\r\n$/)
  one.socket.write('\x03echo "<$b>"; poweroff\r\n')
  t.equal(await ended, 0)
  t.match(one.says.text, '\r\n<43>\r\n', 'what was typed before the end of a connection was done')
})

t.test('telnet: the first to come sees banner and countdown, even if nobody came for long', async t => {
  const { stderr, ended, stop } = start('--listen', '0', '--boot-delay', '1')
  const [, port] = await stderr.has(/telnet 127\.0\.0\.1 (\d+);/)
  await setTimeout(1500)
  const socket = connect(Number(port), '127.0.0.1')
  const says = collect(socket)
  await says.has(/U-Boot 2026[\s\S]*autoboot: 1/)
  socket.write('\n')
  await says.has(/=> $/)
  stop()
  t.equal(await ended, 143)
})

t.test("files come from the server of --server, at its port; TFTP's own port may be another's", async t => {
  const server = await TftpServer.listen({
    address: '127.0.0.2',
    port: 0,
    read: () => ({ size: 5, read: async () => Buffer.from('hello') }),
  })
  t.teardown(() => server.close())
  const lines = ['setenv autoload no; dhcp; echo from $serverip', 'tftp 42000000 any; md.b 42000000 5']
  const text = await piped(t, lines, '--server', `127.0.0.2:${server.port}`)
  t.match(text, '\nfrom 127.0.0.2\n')
  t.match(text, '42000000: 68 65 6c 6c 6f ')
})

t.test('a countdown and a command that runs are ended with the process', async t => {
  for (const typed of ['', 'sleep 1000; sleep 1000\n']) {
    const { stdin, stdout, ended, stop } = start('--boot-delay', typed === '' ? '3600' : '-1')
    stdin.write(typed)
    await stdout.has(typed === '' ? /autoboot: 3600$/ : /sleep 1000\n$/)
    stop()
    t.equal(await ended, 143)
    t.same(await left(), [])
  }
})

t.test('what cannot be is said in one line', async t => {
  const refused: readonly (readonly [argv: string[], message: RegExp])[] = [
    [['--ram', 'much'], /--ram.*START\+SIZE/],
    [['--boot-delay', 'long'], /must be a whole number of seconds, or -1/],
    [['--server', 'here'], /--server.*an IPv4 address such as 192\.168\.1\.2/],
    [['--server', '10.0.0.1:0'], /--server.*an IPv4 address such as 192\.168\.1\.2/],
    [['--listen', '65536'], /must be PORT or HOST:PORT/],
    [['--env', '/nowhere/fw_env.config'], /: \/nowhere\/fw_env\.config: no such file; it has to be a fw_env\.config/],
    [['--directory', '/dev/null'], /\/dev\/null/],
    [['--listen', '203.0.113.1:1'], /console tcp 203\.0\.113\.1:1 cannot be used: .*EADDRNOTAVAIL/],
  ]
  for (const [argv, message] of refused) {
    const { code, stderr } = await fauxboot(['console', ...argv])
    t.equal(code, 1)
    t.match(stderr, message)
    t.equal(stderr.split('\n').length, 2)
  }
})
