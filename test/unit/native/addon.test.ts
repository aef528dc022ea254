import { execFileSync } from 'node:child_process'
import { join, resolve } from 'node:path'
import t from 'tap'
import { loadAddon } from '../../../native/addon.js'
import { needs } from '../../peer.js'

const PREBUILDS = resolve('native/prebuilds')

const readelf = (architecture: string, ...flags: string[]) =>
  execFileSync('readelf', ['-W', ...flags, join(PREBUILDS, `linux-${architecture}/fauxboot.node`)], {
    encoding: 'utf8',
    env: { ...process.env, LC_ALL: 'C' },
  })

const needsBuild = (architecture: string) =>
  needs('readelf', { file: `native/prebuilds/linux-${architecture}/fauxboot.node`, madeBy: '`npm run build:native`' })

/** The builds of `make -C native`, and what their ELF headers must say. */
const BUILDS = [
  { architecture: 'arm', header: [/Class: +ELF32/, /Machine: +ARM/, /Flags:.*hard-float ABI/] },
  { architecture: 'arm64', header: [/Class: +ELF64/, /Machine: +AArch64/] },
  { architecture: process.arch, header: [/Type: +DYN/] },
]

for (const { architecture, header } of BUILDS) {
  t.test(
    `the addon for ${architecture} is of that architecture and needs nothing but the C library`,
    needsBuild(architecture),
    async t => {
      const found = readelf(architecture, '-h')
      for (const pattern of header) t.match(found, pattern)
      const needed = Array.from(readelf(architecture, '-d').matchAll(/NEEDED.*\[(.*?)\]/g), match => match[1] ?? '')
      t.ok(needed.includes('libc.so.6'))
      t.strictSame(
        needed.filter(name => !/^(libc|libm|ld-linux[-\w]*)\.so\.\d$/.test(name)),
        [],
      )
    },
  )

  t.test(`the addon for ${architecture} runs on the C library of Debian 12`, needsBuild(architecture), async t => {
    const versions = Array.from(readelf(architecture, '-V').matchAll(/GLIBC_2\.(\d+)/g), match => Number(match[1]))
    t.ok(versions.length > 0)
    t.ok(Math.max(...versions) <= 36, `needs GLIBC_2.${Math.max(...versions)}`)
  })

  t.test(`the addon for ${architecture} shows only its two entry points`, needsBuild(architecture), async t => {
    const names = Array.from(
      readelf(architecture, '--dyn-syms').matchAll(/GLOBAL +DEFAULT +\d+ (\w+)$/gm),
      match => match[1],
    )
    t.strictSame(names.sort(), ['napi_register_module_v1', 'node_api_module_get_api_version_v1'])
  })
}

t.test('the addon knows the page size and the address width of its machine', needs('addon'), async t => {
  const { pageSize, addressBits } = loadAddon()
  t.ok([0x1000, 0x4000, 0x10000].includes(pageSize), `pages of ${pageSize} bytes`)
  t.equal(addressBits, process.arch === 'arm' ? 32 : 64)
})

t.test('the error for a missing addon names the directories that were searched', async t => {
  const directory = t.testdir({})
  t.throws(() => loadAddon([directory, '/nowhere']), {
    name: 'AddonError',
    message: `no prebuilds/ in ${directory} nor in /nowhere`,
  })
})

t.test('the error for an addon of another machine only names this machine', async t => {
  const directory = t.testdir({ prebuilds: { 'linux-mips': { 'fauxboot.node': '' } } })
  t.throws(() => loadAddon([directory]), {
    name: 'AddonError',
    message: new RegExp(`No native build was found for platform=linux arch=${process.arch}`),
  })
})

t.test('the error for a file that is not an addon is that of the dynamic linker', async t => {
  const directory = t.testdir({ prebuilds: { [`linux-${process.arch}`]: { 'fauxboot.node': 'not ELF at all' } } })
  t.throws(() => loadAddon([directory]), {
    name: 'AddonError',
    message: /fauxboot\.node: (file too short|invalid ELF)/,
  })
})
