import { readdirSync, readFileSync } from 'node:fs'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import t from 'tap'
import { Dispatcher } from './dispatcher.js'
import type { DispatcherRelease } from './dispatcher-packages.js'

type Teardown = Pick<typeof t, 'teardown'>

/** File names without their extension. */
const namesIn = (folder: string): string[] => readdirSync(folder).map(file => file.replace(/\.\w+$/, ''))

async function openDispatcher(t: Teardown, release: DispatcherRelease = 'forky'): Promise<Dispatcher> {
  const machine = await mkdtemp(join(tmpdir(), 'fauxboot-lava-'))
  t.teardown(() => rm(machine, { recursive: true, force: true }))
  return Dispatcher.start(machine, release)
}

/** Addresses for `bootz` in a rendered device, in the order of LAVA's template: kernel, ramdisk, dtb. */
function bootzAddresses(device: string): string[] {
  const block = /^ {2}bootz:\n((?: {4}.*\n)+)/m.exec(device)?.[1] ?? ''
  return Array.from(block.matchAll(/(?:kernel|ramdisk|dtb): '(\w+)'/g), ([, address]) => address ?? '')
}

/** Jobs that older versions of LAVA refuse. */
const NEW: Readonly<Record<DispatcherRelease, readonly string[]>> = { forky: [], bookworm: ['dtbo'] }

for (const release of ['forky', 'bookworm'] as const) {
  t.test(`the LAVA of ${release} accepts every device dictionary, job and health check`, async t => {
    const dispatcher = await openDispatcher(t, release)
    const devices = namesIn('lava/definitions/devices')
    t.ok(devices.includes('cubieboard4'))
    for (const name of devices) {
      const device = await dispatcher.renderDevice(name)
      await t.resolves(dispatcher.checkDefinitions(new Map([[`device-${name}.yaml`, device]])), name)
    }
    for (const folder of ['jobs', 'health-checks']) {
      for (const name of namesIn(`lava/definitions/${folder}`)) {
        const job = readFileSync(`lava/definitions/${folder}/${name}.yaml`, 'utf8')
        const checked = dispatcher.checkDefinitions(new Map([[`${name}.yaml`, job]]))
        if (NEW[release].includes(name)) await t.rejects(checked, /dtbo/, `${folder}/${name}`)
        else await t.resolves(checked, `${folder}/${name}`)
      }
    }
  })
}

t.test('LAVA rejects a job with a mistake', async t => {
  const dispatcher = await openDispatcher(t)
  const job = readFileSync('lava/definitions/jobs/ramdisk.yaml', 'utf8').replace(
    'priority: medium',
    'priority: whenever',
  )
  await t.rejects(dispatcher.checkDefinitions(new Map([['job.yaml', job]])), /priority/)
})

t.test("a Cubieboard4 works with upstream's device type", async t => {
  const dispatcher = await openDispatcher(t)
  const device = await dispatcher.renderDevice('cubieboard4')
  t.strictSame(bootzAddresses(device), ['0x42000000', '0x43300000', '0x43000000'])
  t.match(device, "setenv bootargs 'console=ttyS0,115200n8 root=/dev/ram0 earlycon=uart,mmio32,0x7000000")
})

t.test('a board of our own device type loads files into its memory', async t => {
  const dispatcher = await openDispatcher(t)
  const device = await dispatcher.renderDevice('sabrelite')
  t.strictSame(bootzAddresses(device), ['0x12000000', '0x1a000000', '0x18000000'])
})
