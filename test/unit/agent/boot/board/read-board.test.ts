import t from 'tap'
import type { BoardHost } from '../../../../../agent/boot/board/board.js'
import { type BoardSettings, readBoard, readBoardFacts, readLinks } from '../../../../../agent/boot/board/read-board.js'
import { createSimulatedKexec } from '../../../../../agent/kexec/syscall/simulated-kexec.js'
import { fakeHost } from '../board-fixture.js'
import { body, MIB, openStore } from '../fixture.js'

const settings = (changes: Partial<BoardSettings> = {}): BoardSettings => ({
  keepLinksUp: [],
  watchdogSeconds: 0,
  serial: null,
  ...changes,
})

t.test('links are kept up by name, or all of them', async t => {
  const kept = async (keep: string[]) => (await readLinks(fakeHost(), keep)).map(link => link.kept)
  t.same(await kept([]), [false, false])
  t.same(await kept(['eth1']), [false, true])
  t.same(await kept(['*']), [true, true])
})

const dog = { name: 'watchdog0', identity: null, timeout: 16, maxTimeout: 16, stopsOnReboot: null, nowayout: true }

t.test('the preflight hears of the board what matters to it', async t => {
  t.same(await readBoardFacts(fakeHost(), settings()), {
    possibleCpus: 1,
    onlineCpus: 1,
    cpuStop: null,
    memoryTotal: 1024 * MIB,
    kexecDisabled: false,
    mayBoot: true,
    watchdog: null,
    linksToStop: ['eth0'],
    linksKept: [],
    watchdogSeconds: 0,
    consoleLine: null,
  })
  const host = fakeHost({
    capabilities: async () => null,
    watchdogs: async () => [
      { ...dog, state: null },
      { ...dog, name: 'watchdog1', state: 'active' },
    ],
  })
  t.match(await readBoardFacts(host, settings({ keepLinksUp: ['eth0'] })), {
    mayBoot: null,
    watchdog: { name: 'watchdog1', active: true, timeout: 16, maxTimeout: 16, stopsOnReboot: null },
    linksToStop: [],
    linksKept: ['eth0'],
  })
  t.match(
    (await readBoardFacts(host, settings({ watchdogSeconds: 16 }))).watchdog,
    { name: 'watchdog0' },
    'to arm, the one that nobody has opened',
  )
  const owned = fakeHost({ watchdogs: async () => [{ ...dog, state: 'active' }] })
  t.match(await readBoardFacts(owned, settings({ watchdogSeconds: 16 })), {
    watchdog: { name: 'watchdog0' },
    watchdogSeconds: 16,
  })
  const silent = fakeHost({ watchdogs: async () => [{ ...dog, state: null }] })
  t.match((await readBoardFacts(silent, settings())).watchdog, { active: null })
})

t.test('the serial line of the settings is asked for by its name', async t => {
  const host = fakeHost({ consoleLine: async tty => (tty === null ? null : { tty, baud: 115200, node: null }) })
  const { consoleLine } = await readBoardFacts(host, settings({ serial: '/dev/ttyS0' }))
  t.same(consoleLine, { tty: 'ttyS0', baud: 115200, node: null })
})

t.test('a view of the board shows its serial line with the damage that was counted', async t => {
  const damage = { overrun: 1, frame: 0, parity: 0, break: 2 }
  const host = fakeHost({
    consoleLine: async () => ({ tty: 'ttyS0', baud: 115200, node: null }),
    serialDamage: async () => damage,
  })
  const kexec = createSimulatedKexec()
  const artifacts = await openStore(t)
  const view = await readBoard({ ...settings(), kexec, artifacts, owner: null, queued: [], host })
  t.same(view.serialLine, { tty: 'ttyS0', baud: 115200, damage })
})

t.test('a view of the board has everything that clients ask for', async t => {
  const artifacts = await openStore(t, { available: async () => 900 * MIB })
  await artifacts.receive('a', body(Buffer.alloc(MIB)))
  const kexec = createSimulatedKexec()
  const sources = { kexec, artifacts, ...settings(), owner: 'j1', queued: ['j2'] }
  t.match(await readBoard({ ...sources, host: fakeHost() }), {
    model: 'linux,dummy-virt',
    compatible: ['linux,dummy-virt'],
    machine: 'armv7l',
    kernel: '6.12.0-armmp',
    memory: { total: 1024 * MIB, available: 900 * MIB, ram: [{ first: '0x40000000', last: '0x7fffffff' }] },
    cpus: { possible: 1 },
    artifacts: { count: 1, stored: MIB, limit: 471334912 },
    links: [{ name: 'eth0', kept: false }, { name: 'eth1' }],
    watchdogs: [],
    kexec: { loaded: false },
    owner: 'j1',
    queued: ['j2'],
  })
})

t.test('what stands in the way of any job is found before there is one', async t => {
  const artifacts = await openStore(t)
  const kexec = createSimulatedKexec()
  const found = async (changes: Partial<BoardHost>, fake = kexec) => {
    const view = await readBoard({
      kexec: fake,
      artifacts,
      ...settings(),
      owner: null,
      queued: [],
      host: fakeHost(changes),
    })
    return view.findings.map(({ check, severity, message }) => `${severity} ${check}: ${message}`).join('\n')
  }
  t.match(await found({ kexecLoadDisabled: async () => true }), /fatal kexec-disabled: kexec_load_disabled is 1/)
  t.match(await found({ capabilities: async () => 0n }), /fatal boot-capability/)
  t.match(await found({ cpus: async () => ({ possible: 4, online: 4, hotplug: false }) }), /fatal cpu-stop: 4 CPUs/)
  t.match(await found({ iomem: async () => '00000000-00000000 : System RAM\n' }), /fatal memory-map: .*CAP_SYS_ADMIN/)
  t.match(await found({ iomem: async () => Promise.reject(new Error('ENOENT')) }), /fatal memory-map: ENOENT/)
  t.match(await found({ iomem: async () => Promise.reject('words') }), /fatal memory-map: words/)
  const watchdogs = async () => [{ ...dog, state: 'active' as const }]
  t.match(await found({ watchdogs }), /warning watchdog-nowayout: watchdog0 cannot be stopped .* after 16 s/)
  const unknown = async () => [{ ...dog, state: 'active' as const, timeout: null }]
  t.match(await found({ watchdogs: unknown }), /after unknown s/)
  t.notMatch(await found({}), /fatal|image-loaded/)
  t.match(await found({}, { ...kexec, loaded: async () => true }), /info image-loaded/)
  const view = await readBoard({
    kexec: { ...kexec, loaded: async () => Promise.reject(new Error('no')) },
    artifacts,
    ...settings(),
    owner: null,
    queued: [],
    host: fakeHost(),
  })
  t.equal(view.kexec.loaded, null)
})
