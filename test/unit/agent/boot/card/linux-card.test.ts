import { once } from 'node:events'
import { mkdirSync, mkdtempSync, readFileSync, rmSync, truncateSync, writeFileSync } from 'node:fs'
import { createServer, type Socket } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import t, { type Test } from 'tap'
import { createLinuxCard } from '../../../../../agent/boot/card/linux-card.js'
import { masterBootRecord } from '../../../../../systemd/image/sd-image.js'
import { RANGES } from './card-fixture.js'

/** A machine with block devices, and the service that loads the driver. */
async function machine(
  t: Test,
  devices: Readonly<Record<string, { type: string; slots: boolean }>>,
  answer = 'ready\n',
  dropped = 0,
) {
  const root = t.testdir({ blocks: { loop0: {} }, devices: {} })
  for (const [name, { type, slots }] of Object.entries(devices)) {
    mkdirSync(join(root, 'blocks', name, 'device'), { recursive: true })
    writeFileSync(join(root, 'blocks', name, 'device/type'), `${type}\n`)
    writeFileSync(join(root, 'devices', name), slots ? masterBootRecord(RANGES) : Buffer.alloc(512))
  }
  const connections: Socket[] = []
  const service = createServer(socket => {
    connections.push(socket)
    socket.on('error', () => socket.destroy())
    if (connections.length <= dropped) socket.end()
    else if (answer !== '') socket.write(answer)
  })
  // The path of a socket is short: at most 107 bytes.
  const folder = mkdtempSync(join(tmpdir(), 'card-'))
  t.teardown(() => rmSync(folder, { recursive: true }))
  const driver = join(folder, 'driver')
  service.listen(driver)
  await once(service, 'listening')
  t.teardown(() => service.close())
  const paths = { driver, blocks: join(root, 'blocks'), devices: join(root, 'devices'), flush: ['touch'] as const }
  return {
    paths: { ...paths, flush: ['touch'] as [string, ...string[]] },
    connections,
    device: (name: string) => join(root, 'devices', name),
  }
}

t.test('the card is the SD card with two slots, and its driver stays while it is open', async t => {
  const emmc = { type: 'MMC', slots: true }
  const { paths, connections, device } = await machine(t, { mmcblk0: emmc, mmcblk1: { type: 'SD', slots: true } })
  const card = await createLinuxCard(paths).open()
  await card.write(512, Buffer.from('written'))
  await card.forget()
  t.equal(Buffer.from(await card.read(512, 7)).toString(), 'written')
  t.equal(readFileSync(device('mmcblk1')).toString('latin1', 512), 'written')
  t.equal(connections.length, 1)
  const [connection] = connections
  const gone = connection && once(connection.resume(), 'close')
  await card.close()
  await gone
})

t.test('a card that ends early, or does not forget, is reported', async t => {
  const { paths, device } = await machine(t, { mmcblk0: { type: 'SD', slots: true } })
  const card = await createLinuxCard({ ...paths, flush: ['false'] }).open()
  truncateSync(device('mmcblk0'), 100)
  await t.rejects(card.read(0, 512), { code: 'CARD_FAILED', message: /cannot be read: .*ends at byte 100/ })
  await t.rejects(card.forget(), { code: 'CARD_FAILED', message: /cannot be read again/ })
  await card.close()
})

t.test('a card without two slots is named, with what to do', async t => {
  const { paths } = await machine(t, { mmcblk0: { type: 'SD', slots: false } })
  await t.rejects(createLinuxCard(paths).open(), {
    code: 'CARD_ABSENT',
    message: /mmcblk0 has no two slots; write the sd.img/,
  })
})

t.test('a card that does not appear is waited for, but not forever', async t => {
  const { paths } = await machine(t, { mmcblk0: { type: 'MMC', slots: true } })
  await t.rejects(createLinuxCard(paths, { driverMs: 30_000, cardMs: 150 }).open(), {
    code: 'CARD_ABSENT',
    message: /no SD card appears within 0.15 s/,
  })
})

t.test('a driver that is not loaded is waited for, but not forever', async t => {
  const { paths } = await machine(t, {}, '')
  const card = createLinuxCard(paths, { driverMs: 50, cardMs: 50 })
  await t.rejects(card.open(), { code: 'CARD_ABSENT', message: /no driver is loaded within 0.05 s/ })
})

t.test('a driver that is still being unloaded is asked for again', async t => {
  const { paths, connections } = await machine(t, { mmcblk0: { type: 'SD', slots: true } }, 'ready\n', 2)
  const card = await createLinuxCard(paths).open()
  t.equal(connections.length, 3)
  await card.close()
})

t.test('the driver stays for longer than its loading may take', async t => {
  const { paths, connections } = await machine(t, { mmcblk0: { type: 'SD', slots: true } })
  const card = await createLinuxCard(paths, { driverMs: 500, cardMs: 500 }).open()
  let gone = false
  connections[0]?.resume().once('close', () => {
    gone = true
  })
  await delay(700)
  t.notOk(gone)
  await card.close()
})

t.test('what the service says instead of loading the driver is passed on', async t => {
  const { paths } = await machine(t, {}, 'modprobe: FATAL: Module sunxi_mmc not found\n')
  await t.rejects(createLinuxCard(paths).open(), { code: 'CARD_ABSENT', message: /sunxi_mmc not found/ })
})

t.test('without the service, this is no first stage; another fault stays what it is', async t => {
  const { paths } = await machine(t, {})
  await t.rejects(createLinuxCard({ ...paths, driver: `${paths.driver}-none` }).open(), { code: 'CARD_ABSENT' })
  writeFileSync(`${paths.driver}-file`, '')
  await t.rejects(createLinuxCard({ ...paths, driver: `${paths.driver}-file` }).open(), { code: 'ECONNREFUSED' })
})
