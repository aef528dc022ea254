import { mkdirSync, mkdtempSync, rmSync, statSync, symlinkSync, writeFileSync } from 'node:fs'
import type { NetworkInterfaceInfo } from 'node:os'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import t, { type Test } from 'tap'
import type { TftpNetwork } from '../../../../../agent/transfer/tftp/peer-socket.js'
import { udpNetwork } from '../../../../../agent/transfer/tftp/udp.js'
import { type CommandRunner, type Finished, systemRunner } from '../../../../../agent/uboot/hardware/command-runner.js'
import { HostNetwork } from '../../../../../agent/uboot/hardware/network-host.js'
import { LinuxNetwork, sendProbe } from '../../../../../agent/uboot/hardware/network-linux.js'

const MAC = '52:54:00:12:34:56'
const signal = new AbortController().signal
const nobody = (): void => {}

/** A runner that answers from a list and keeps what it was asked. */
function scripted(answers: readonly Partial<Finished>[] = [], lines: readonly string[] = []) {
  const asked: string[] = []
  const left = [...answers]
  const runner: CommandRunner = {
    async run(program, args, { onLine } = {}) {
      asked.push([program, ...args].join(' '))
      for (const line of lines) onLine?.(line)
      return { status: 0, stdout: '', stderr: '', ...left.shift() }
    },
  }
  return { asked, runner }
}

const own = (address: string, netmask: string, internal = false): NetworkInterfaceInfo => ({
  address,
  netmask,
  family: 'IPv4',
  mac: MAC,
  internal,
  cidr: null,
})

/** `/sys` and `/proc` of a board with two links, of which the second has a carrier. */
function root(t: Test): string {
  const directory = mkdtempSync(join(tmpdir(), 'fauxboot-net-'))
  t.teardown(() => rmSync(directory, { recursive: true, force: true }))
  const net = join(directory, 'sys/class/net')
  const put = (name: string, text: string): void => {
    mkdirSync(join(directory, name, '..'), { recursive: true })
    writeFileSync(join(directory, name), text)
  }
  for (const link of ['lo', 'eth0', 'eth1', 'eth2', 'can0']) {
    put(`sys/class/net/${link}/type`, link === 'can0' ? '280\n' : '1\n')
    put(`sys/class/net/${link}/address`, `${MAC}\n`)
  }
  writeFileSync(join(net, 'eth1/carrier'), '1\n')
  mkdirSync(join(directory, 'devices/830000.ethernet'), { recursive: true })
  mkdirSync(join(directory, 'devices/virtio3'), { recursive: true })
  mkdirSync(join(directory, 'devices/0000:00:03.0'), { recursive: true })
  symlinkSync('/firmware/devicetree/base/soc/ethernet@830000', join(directory, 'devices/830000.ethernet/of_node'))
  mkdirSync(join(directory, 'firmware'))
  rmSync(join(directory, 'devices/830000.ethernet/of_node'))
  mkdirSync(join(directory, 'firmware/ethernet@830000'))
  symlinkSync('../../firmware/ethernet@830000', join(directory, 'devices/830000.ethernet/of_node'))
  symlinkSync('../../../../devices/virtio3', join(net, 'eth0/device'))
  symlinkSync('../../../../devices/830000.ethernet', join(net, 'eth1/device'))
  symlinkSync('../../../../devices/0000:00:03.0', join(net, 'eth2/device'))
  symlinkSync('../../../../devices/virtio3', join(net, 'can0/device'))
  put(
    'proc/net/arp',
    `IP address HW type Flags HW address Mask Device\n10.0.0.1 0x1 0x2 ${MAC} * eth1\n10.0.0.3 0x1 0x0 00:00:00:00:00:00 * eth1\n`,
  )
  put('proc/net/route', 'Iface\tDestination\tGateway\tFlags\tRefCnt\tUse\tMetric\tMask\tMTU\n')
  return directory
}

function network(t: Test, answers: readonly Partial<Finished>[] = [], lines: readonly string[] = []) {
  const directory = root(t)
  const { asked, runner } = scripted(answers, lines)
  const probed: string[] = []
  const made = new LinuxNetwork({
    directory,
    linkSeconds: 60,
    root: directory,
    runner,
    arpMs: 30,
    interfaces: () => ({ lo: [own('127.0.0.1', '255.0.0.0', true)], eth1: [own('10.0.0.5', '255.255.255.0')] }),
    probe: async host => void probed.push(host),
  })
  return { network: made, asked, probed, directory }
}

t.test('links are named as U-Boot names them, the active one first', async t => {
  t.strictSame(await network(t).network.devices(), [
    { name: 'ethernet@830000', mac: MAC, active: true },
    { name: 'virtio-net#3', mac: MAC, active: false },
    { name: 'eth2', mac: MAC, active: false },
  ])
})

const LEASED = `ip=10.0.0.58
subnet=255.255.255.0
router=10.0.0.1 10.0.0.2
dns=10.0.0.1 10.0.0.9
siaddr=10.0.0.7
serverid=10.0.0.1
hostname=board
domain=lab
rootpath=/nfs
boot_file=default.boot
PATH=/usr/bin
`

t.test('dhcp asks with udhcpc and reads its variables', async t => {
  const said = ['udhcpc: started', 'udhcpc: broadcasting discover', 'udhcpc: broadcasting discover']
  const { network: made, asked, directory } = network(t, [{ stdout: LEASED }], said)
  const attempts: number[] = []
  const lease = await made.dhcp(attempt => attempts.push(attempt), signal)
  t.strictSame(lease, {
    address: '10.0.0.58',
    netmask: '255.255.255.0',
    gateway: '10.0.0.1',
    server: '10.0.0.7',
    dns: ['10.0.0.1', '10.0.0.9'],
    hostname: 'board',
    domain: 'lab',
    rootPath: '/nfs',
    bootFile: 'default.boot',
  })
  t.strictSame(attempts, [1, 2])
  t.match(asked, [/^busybox udhcpc -f -n -q -i eth1 -s .*dhcp-script -t 20 -T 2 -O subnet/])
  t.equal(asked.length, 1)
  const script = join(directory, 'dhcp-script')
  t.equal(statSync(script).mode & 0o777, 0o700)
  t.match((await systemRunner.run(script, ['bound'])).stdout, 'PATH=')
  t.equal((await systemRunner.run(script, ['deconfig'])).stdout, '')
})

t.test('the server is the one that answered when it names no other', async t => {
  const { network: made } = network(t, [{ stdout: 'ip=10.0.0.58\nserverid=10.0.0.1\nbootfile=b\n' }])
  t.match(await made.dhcp(nobody, signal), { server: '10.0.0.1', bootFile: 'b', netmask: null, dns: [] })
})

t.test('dhcp without an answer', async t => {
  const { network: made } = network(t, [{ status: 1 }], ['udhcpc: sending discover'])
  await t.rejects(made.dhcp(nobody, signal), { code: 'TFTP_TIMEOUT', details: { attempts: 1 } })
})

t.test('configure adds what is missing, and announces a new address', async t => {
  const { network: made, asked } = network(t)
  await made.configure({ ip: '10.0.0.5', netmask: '255.255.255.0', gateway: null })
  t.strictSame(asked, [])
  await made.configure({ ip: '10.1.0.5', netmask: '255.255.0.0', gateway: '10.1.0.1' })
  t.strictSame(asked, [
    'busybox ip addr add 10.1.0.5/16 dev eth1',
    'busybox arping -U -q -c 1 -I eth1 10.1.0.5',
    'busybox ip route add default via 10.1.0.1 dev eth1',
  ])
})

t.test('TFTP keeps the static address when the system gets another one', async t => {
  const opened: string[] = []
  const open: TftpNetwork['open'] = ({ address }) => {
    opened.push(address)
    return Promise.reject(new Error('enough'))
  }
  const directory = root(t)
  const made = new LinuxNetwork({
    directory,
    linkSeconds: 60,
    root: directory,
    runner: scripted().runner,
    interfaces: () => ({}),
    udp: { ...udpNetwork, open },
  })
  const progress = { started() {}, blocks() {}, timeout() {} }
  const limits = { blockSize: null, windowSize: null, timeoutMs: 1000, retries: 1, port: 69, localPort: null }
  const options = { server: '10.0.0.1', file: 'zImage', ...limits, signal, progress }
  await t.rejects(
    made.tftpGet(options, () => undefined),
    /enough/,
  )
  await made.configure({ ip: '10.0.0.5', netmask: null, gateway: null })
  await t.rejects(
    made.tftpGet(options, () => undefined),
    /enough/,
  )
  t.strictSame(opened, ['0.0.0.0', '10.0.0.5'])
})

t.test('configure leaves a gateway alone that is there', async t => {
  const { network: made, asked, directory } = network(t)
  writeFileSync(
    join(directory, 'proc/net/route'),
    'Iface\tDestination\tGateway \tFlags\tRefCnt\tUse\tMetric\tMask\t\tMTU\neth1\t00000000\t0100000A\t0003\t0\t0\t0\t00000000\t0\n',
  )
  await made.configure({ ip: '10.0.0.5', netmask: null, gateway: '10.0.0.9' })
  t.strictSame(asked, [])
})

t.test('a refusal of ip is reported', async t => {
  const { network: made } = network(t, [{ status: 2, stderr: 'RTNETLINK answers: Operation not permitted\n' }])
  const address = { ip: '10.9.0.5', netmask: null, gateway: null }
  await t.rejects(made.configure(address), { message: /ip addr add 10.9.0.5\/24 dev eth1: RTNETLINK answers/ })
  const silent = network(t, [{ status: null }])
  await t.rejects(silent.network.configure(address), { message: /it ended with null/ })
})

t.test('ping', async t => {
  const { network: made, asked } = network(t, [{ status: 0 }, { status: 1 }])
  t.equal(await made.ping('10.0.0.1', signal), true)
  t.equal(await made.ping('10.0.0.2', signal), false)
  t.equal(asked[0], 'busybox ping -c 1 -W 10 10.0.0.1')
})

t.test("a neighbour is reachable when it answers ARP, others are the gateway's business", async t => {
  const { network: made, probed } = network(t)
  t.equal(await made.reachable('10.0.0.1', signal), true)
  t.strictSame(probed, ['10.0.0.1'])
  t.equal(await made.reachable('192.0.2.1', signal), true)
  t.equal(await made.reachable('10.0.0.5', signal), true, 'the board itself')
  t.strictSame(probed, ['10.0.0.1'])
  await t.rejects(made.reachable('10.0.0.3', AbortSignal.abort(new Error('^C'))), { message: '^C' })
})

t.test('a neighbour that does not answer is not reachable', async t => {
  t.equal(await network(t).network.reachable('10.0.0.3', signal), false)
})

t.test('a neighbour is asked for every second, longer than a switch port with spanning tree keeps silent', async t => {
  const directory = root(t)
  let probes = 0
  let waited = 0
  const made = new LinuxNetwork({
    directory,
    root: directory,
    linkSeconds: 60,
    interfaces: () => ({ eth1: [own('10.0.0.5', '255.255.255.0')] }),
    probe: async () => void probes++,
    wait: async milliseconds => {
      waited += milliseconds
    },
  })
  t.equal(await made.reachable('10.0.0.3', signal), false)
  t.equal(probes, waited / 1000)
  t.ok(waited > 30_000)
})

t.test('a board without ethernet', async t => {
  const directory = mkdtempSync(join(tmpdir(), 'fauxboot-net-'))
  t.teardown(() => rmSync(directory, { recursive: true, force: true }))
  mkdirSync(join(directory, 'sys/class/net'), { recursive: true })
  const made = new LinuxNetwork({ directory, root: directory, linkSeconds: 0 })
  t.strictSame(await made.devices(), [])
  t.equal(await made.connect(null, nobody, signal), null)
  await t.rejects(made.dhcp(nobody, signal), { message: /there is no ethernet/ })
})

t.test('a probe resolves, whatever its target', async t => {
  await sendProbe('127.0.0.1')
  await sendProbe('255.255.255.255')
  t.pass('both came back')
})

t.test('the runner tells lines, status, and what cannot be run', async t => {
  const lines: string[] = []
  const onLine = (line: string): void => void lines.push(line)
  t.strictSame(await systemRunner.run('sh', ['-c', 'echo out; echo a >&2; echo b >&2; exit 3'], { onLine }), {
    status: 3,
    stdout: 'out\n',
    stderr: 'a\nb\n',
  })
  t.strictSame(lines, ['a', 'b'])
  t.match(await systemRunner.run('no-such-program', []), { status: null })
  const abort = new AbortController()
  const running = systemRunner.run('sh', ['-c', 'echo x >&2; exec sleep 60'], {
    signal: abort.signal,
    onLine: () => abort.abort(new Error('^C')),
  })
  await t.rejects(running, { message: '^C' })
})

t.test('at a bench the host itself has the lease', async t => {
  const { asked, runner } = scripted([{ status: 0 }])
  const interfaces = () => ({ lo: [own('127.0.0.1', '255.0.0.0', true)], eth0: [own('10.0.0.5', '255.255.255.0')] })
  const host = new HostNetwork({ interfaces, runner, server: '10.0.0.1' })
  t.strictSame(await host.devices(), [{ name: 'eth0', mac: MAC, active: true }])
  t.match(await host.connect(), { name: 'eth0' })
  const attempts: number[] = []
  t.match(await host.dhcp(attempt => attempts.push(attempt), signal), { address: '10.0.0.5', server: '10.0.0.1' })
  t.strictSame(attempts, [1])
  t.equal(await host.ping('10.0.0.1', signal), true)
  t.strictSame(asked, ['ping -c 1 -W 10 10.0.0.1'])
  const bare = new HostNetwork({ interfaces, runner: scripted([{ status: null, stderr: 'spawn ping ENOENT' }]).runner })
  await t.rejects(bare.ping('10.0.0.1', signal), {
    code: 'PROGRAM_MISSING',
    message: 'the program ping cannot be started: spawn ping ENOENT; install it (Debian: iputils-ping)',
  })
  t.equal(await host.reachable(), true)
  await host.configure()
  const alone = new HostNetwork({ interfaces: () => ({ lo: [own('127.0.0.1', '255.0.0.0', true)] }) })
  t.match(await alone.dhcp(nobody, signal), { address: '127.0.0.1', server: '127.0.0.1' })
  const cut = new HostNetwork({ interfaces: () => ({}) })
  t.equal(await cut.connect(), null)
  await t.rejects(cut.dhcp(nobody, signal), { code: 'TFTP_TIMEOUT' })
  t.ok((await new HostNetwork().devices()).length > 0, 'this host')
})
