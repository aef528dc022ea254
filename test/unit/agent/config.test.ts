import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import t, { type Test } from 'tap'
import { defaultConfig, describeSettings, loadConfig } from '../../../agent/config.js'
import { FauxbootError } from '../../../agent/errors.js'

/** Nothing of the machine this runs on: the file is empty unless a test says otherwise. */
function load(
  t: Test,
  { env = {}, argv = [], file = {} }: { env?: NodeJS.ProcessEnv; argv?: string[]; file?: unknown },
) {
  const content = typeof file === 'string' ? file : JSON.stringify(file)
  const path = join(t.testdir({ 'agent.json': content }), 'agent.json')
  return loadConfig({ FAUXBOOT_CONFIG: path, ...env }, argv)
}

function refusal(t: Test, given: Parameters<typeof load>[1]): string {
  try {
    load(t, given)
  } catch (thrown) {
    if (thrown instanceof FauxbootError && thrown.code === 'CONFIG_INVALID') return thrown.message
    throw thrown
  }
  return 'nothing was refused'
}

t.test('without any settings the agent listens everywhere on 8080, and only loopback may change anything', async t => {
  const config = load(t, {})
  t.same(config.listen, { host: '', port: 8080 })
  t.match(config.http, { tokenFile: null, tokenForReads: false, allowNetworks: [] })
  t.match(config.boot, { artifactDir: '/run/fauxboot/artifacts', fetch: { stallSeconds: 30 } })
})

t.test('the defaults with a change are those of a machine without settings', async t => {
  t.same(defaultConfig({ logLevel: 'warn' }), load(t, { argv: ['--log-level', 'warn'] }))
})

t.test('nobody listens for TFTP unless a port is set, and then every address does', async t => {
  t.match(load(t, {}).tftp, { listen: null, peers: [] })
  const { tftp } = load(t, { file: { tftpPort: 69, tftpPeers: ['10.0.0.0/8', 'fd00::/8'], jobBodyLimit: 5 } })
  t.match(tftp, { listen: { host: '', port: 69 }, peers: ['10.0.0.0/8', 'fd00::/8'], descriptionLimit: 5 })
  t.match(refusal(t, { file: { tftpPeers: ['10.0.0.1'] } }), /tftpPeers: expected a network/)
})

t.test('a setting is the same in the file, in the environment and on the command line', async t => {
  t.equal(load(t, { file: { fetchRetries: 7 } }).boot.fetch.retries, 7)
  t.equal(load(t, { env: { FAUXBOOT_FETCH_RETRIES: '7' } }).boot.fetch.retries, 7)
  t.equal(load(t, { argv: ['--fetch-retries', '7'] }).boot.fetch.retries, 7)
  t.equal(load(t, { argv: ['--fetch-retries=7'] }).boot.fetch.retries, 7)
})

t.test('the command line wins over the environment, and that over the file', async t => {
  const file = { port: 1 }
  const env = { FAUXBOOT_PORT: '2' }
  t.equal(load(t, { file }).listen.port, 1)
  t.equal(load(t, { file, env }).listen.port, 2)
  t.equal(load(t, { file, env, argv: ['--port', '3'] }).listen.port, 3)
})

t.test('a flag that is true or false needs no value', async t => {
  t.equal(load(t, { argv: ['--token-for-reads', '--port', '1'] }).http.tokenForReads, true)
  t.equal(load(t, { argv: ['--token-for-reads=false'] }).http.tokenForReads, false)
  t.equal(load(t, { file: { tokenForReads: true } }).http.tokenForReads, true)
})

t.test('a list is separated by commas, or an array in the file', async t => {
  const networks = ['10.0.2.0/24', 'fd00::/8']
  t.same(load(t, { env: { FAUXBOOT_ALLOW_NETWORKS: '10.0.2.0/24, fd00::/8' } }).http.allowNetworks, networks)
  t.same(load(t, { file: { allowNetworks: networks } }).http.allowNetworks, networks)
  t.same(load(t, { env: { FAUXBOOT_ALLOW_NETWORKS: '' } }).http.allowNetworks, [])
  t.same(load(t, { file: { keepLinksUp: ['*'] } }).boot.keepLinksUp, ['*'])
})

t.test('a number of bytes may have a unit', async t => {
  t.equal(load(t, { argv: ['--memory-reserve', '32M'] }).boot.memoryReserve, 32 * 1024 * 1024)
  t.equal(load(t, { file: { memoryReserve: 4096 } }).boot.memoryReserve, 4096)
})

t.test('the console and the arguments of the kernel reach both the jobs and the API', async t => {
  const config = load(t, { file: { targetConsole: 'ttyS0,115200n8', kernelArgs: 'quiet' } })
  t.same(config.http.lab, { console: 'ttyS0,115200n8', kernelArgs: 'quiet' })
  t.match(config.boot, config.http.lab)
})

const LIST = '`--help` lists the settings'

t.test('a value that a setting cannot have is refused with the name as it was written and what would do', async t => {
  const refused = {
    port: [{ argv: ['--port', 'x'] }, 'setting --port: expected a whole number from 0 to 65535, found "x"'],
    'port of the environment': [
      { env: { FAUXBOOT_PORT: '65536' } },
      'setting FAUXBOOT_PORT: expected a whole number from 0 to 65535, found "65536"',
    ],
    'port of the file': [{ file: { port: 80.5 } }, 'setting port: expected a whole number from 0 to 65535, found 80.5'],
    'a flag that is a word of JavaScript': [
      { argv: ['--token-for-reads=toString'] },
      'setting --token-for-reads: expected true or false, found "toString"',
    ],
    flag: [{ argv: ['--token-for-reads=maybe'] }, 'setting --token-for-reads: expected true or false, found "maybe"'],
    bytes: [
      { file: { jobBodyLimit: '1T' } },
      'setting jobBodyLimit: expected a number of bytes, with K, M or G for powers of 1024: 64M, found "1T"',
    ],
    word: [
      { file: { logLevel: 'loud' } },
      'setting logLevel: expected one of fatal, error, warn, info, debug, trace, silent, found "loud"',
    ],
    text: [{ file: { targetConsole: 1 } }, 'setting targetConsole: expected a text, found 1'],
    'no list': [
      { file: { keepLinksUp: 1 } },
      'setting keepLinksUp: expected a network interface, or *; several with commas between them, in the file as an array, found 1',
    ],
    'list of others': [
      { file: { keepLinksUp: [1] } },
      'setting keepLinksUp: expected a network interface, or *; several with commas between them, in the file as an array, found [1]',
    ],
  } as const
  for (const [name, [given, message]] of Object.entries(refused))
    t.equal(refusal(t, given as never), `${message}; ${LIST}`, name)
})

t.test('a network must be an address with a prefix that fits it', async t => {
  for (const network of ['10.0.2.0', '10.0.2.0/33', '10.0.2/24', 'fd00::/129', 'lab/24', '::1/', '/8']) {
    t.match(refusal(t, { file: { allowNetworks: [network] } }), /^setting allowNetworks: expected a network/, network)
  }
})

t.test('an unknown setting is refused, so that a typing error does not go unnoticed', async t => {
  t.equal(refusal(t, { file: { prot: 80 } }), `setting prot: no setting has this name, found 80; ${LIST}`)
  t.equal(refusal(t, { file: { toString: 80 } }), `setting toString: no setting has this name, found 80; ${LIST}`)
  t.equal(refusal(t, { argv: ['--prot=80'] }), `setting --prot: there is no such flag, found "--prot=80"; ${LIST}`)
  t.equal(refusal(t, { argv: ['80'] }), `setting 80: there is no such flag, found "80"; ${LIST}`)
  t.equal(refusal(t, { argv: ['--port'] }), `setting --port: it needs a value, found none; ${LIST}`)
})

t.test('variables of other programs of fauxboot are passed over', async t => {
  t.equal(load(t, { env: { FAUXBOOT_BOARD: 'http://a80:8080' } }).listen.port, 8080)
})

t.test('a configuration file that is named must be there and hold an object', async t => {
  const missing = join(t.testdirName, 'none.json')
  t.match(refusal(t, { env: { FAUXBOOT_CONFIG: missing } }), /^setting config: the file cannot be read: ENOENT/)
  t.match(refusal(t, { argv: ['--config', missing] }), /^setting config: the file cannot be read: ENOENT/)
  t.match(refusal(t, { file: '{' }), /^setting config: the file is not JSON: /)
  t.match(refusal(t, { file: [] }), /^setting config: the file must hold a JSON object/)
  t.match(refusal(t, { file: 'null' }), /^setting config: the file must hold a JSON object/)
})

t.test('--config wins over FAUXBOOT_CONFIG', async t => {
  const other = join(t.testdir({}), 'other.json')
  writeFileSync(other, '{"port": 1234}')
  t.equal(loadConfig({ FAUXBOOT_CONFIG: '/nowhere' }, ['--config', other]).listen.port, 1234)
})

t.test('the help names every setting in its three spellings, with its default', async t => {
  const help = describeSettings()
  t.match(help, '--fetch-stall-seconds  (FAUXBOOT_FETCH_STALL_SECONDS, "fetchStallSeconds")')
  t.match(help, 'a whole number from 1 to 3600; default: 30')
  t.match(help, '--allow-networks  (FAUXBOOT_ALLOW_NETWORKS, "allowNetworks")')
  t.equal(help.match(/default: /g)?.length, help.match(/^ {2}--/gm)?.length)
})
