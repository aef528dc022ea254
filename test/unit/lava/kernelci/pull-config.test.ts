import { readFileSync } from 'node:fs'
import t from 'tap'
import { parsePullConfig, tokenFilesOf } from '../../../../lava/kernelci/pull-config.js'

const BOARD = `
  - name: a80-1
    platform: sun9i-a80-cubieboard4
    agent: http://a80-1:8080
    console: telnet://conserver:7001
    cmdline: console=ttyS0,115200n8
`
const LAB = `
api:
  url: https://api.kernelci.org/latest
  tokenFile: api.token
runtime: pull-labs-here
stateDir: /var/lib/fauxboot-pull
boards:${BOARD}`

t.test('settings are read, with paths beside the file and defaults filled in', t => {
  const config = parsePullConfig(LAB, '/etc/fauxboot/lab.yaml')
  t.match(config, {
    api: { tokenFile: '/etc/fauxboot/api.token', pollSeconds: 30, requestSeconds: 60 },
    stateDir: '/var/lib/fauxboot-pull',
    storage: null,
    nfs: null,
    kcidbOrigin: 'maestro',
    artifactLimit: 1024 ** 3,
    jobSeconds: 3600,
    boards: [{ name: 'a80-1', agentSeconds: 180 }],
  })
  t.same(tokenFilesOf(config), ['/etc/fauxboot/api.token'])
  t.end()
})

t.test('without `until` a boot ends at a login or at the prompt of a shell', t => {
  const [{ until } = { until: /$^/ }] = parsePullConfig(LAB, 'lab.yaml').boards
  for (const line of ['a80 login: ', '/ # ', '~ # ', 'root@a80:~# ', '[root@a80 ~]# ', 'lab@a80:/tmp$ ']) {
    t.match(line, until)
  }
  for (const line of ['[    1.0] cpu #', 'usage: $ ', '# comment', 'login: root']) t.notMatch(line, until)
  t.end()
})

const replaced = (from: string, to: string): string => {
  if (!LAB.includes(from)) throw new Error(`the settings have no ${from}`)
  return LAB.replace(from, to)
}

/** What is wrong, and how it is told. */
const REFUSALS: readonly (readonly [title: string, text: string, message: string])[] = [
  ['a missing section', 'runtime: x', 'lab.yaml: api is missing, found nothing'],
  ['an unknown key', `${LAB}\ncolour: red`, 'lab.yaml: colour is not known here, found "red"'],
  [
    'a value of the wrong form',
    replaced('http://a80-1:8080', 'a80-1'),
    'lab.yaml: boards[0].agent must be an http or https URL without a password, found "a80-1"',
  ],
  [
    'a password in a URL',
    replaced('http://a80-1', 'http://u:p@a80-1'),
    'lab.yaml: boards[0].agent must be an http or https URL without a password, found "http://***@a80-1:8080"',
  ],
  [
    'a number out of range',
    replaced('runtime:', 'jobMinutes: 0\nruntime:'),
    'lab.yaml: jobMinutes must be a whole number of minutes from 1 to 1440, found 0',
  ],
  [
    'a token in place of its file',
    replaced('tokenFile: api.token', 'token: secret'),
    'lab.yaml: api.tokenFile is missing, found nothing',
  ],
  [
    'two boards on one console',
    `${LAB}${BOARD.replace('a80-1', 'a80-2').replace('http://a80-1', 'http://a80-2')}`,
    'lab.yaml: boards[1].console must not be that of boards[0], found "telnet://conserver:7001"',
  ],
  [
    'a regular expression that is none',
    `${LAB}    until: '('`,
    'lab.yaml: boards[0].until must be a regular expression, found "("',
  ],
  [
    'an NFS folder with blanks',
    `${LAB}nfs: { root: /srv/my files, address: 10.0.0.1 }`,
    'lab.yaml: nfs.root must be an absolute path of letters, digits, ".", "_", "-" and "/", found "/srv/my files"',
  ],
  [
    'a host name in place of the address of the NFS server',
    `${LAB}nfs: { root: /srv/nfs, address: lab }`,
    'lab.yaml: nfs.address must be an IPv4 address, found "lab"',
  ],
  ['no boards', replaced(BOARD, ' []'), 'lab.yaml: boards must be a list of 1 to 256 boards, found []'],
  ['a list', '- 1', 'lab.yaml: the file must be settings, found [1]'],
]

for (const [title, text, message] of REFUSALS) {
  t.test(`${title} is refused with its path and its value`, t => {
    t.throws(() => parsePullConfig(text, 'lab.yaml'), { code: 'PULL_CONFIG', message })
    t.end()
  })
}

t.test('a machine that serves NFS is named with its folder and address', t => {
  const { nfs } = parsePullConfig(`${LAB}nfs: { root: /srv/nfs/lab, address: 10.0.0.1 }`, 'lab.yaml')
  t.same(nfs, { root: '/srv/nfs/lab', address: '10.0.0.1' })
  t.end()
})

t.test('what is not YAML is refused with its line', t => {
  t.throws(() => parsePullConfig('a: 1\nb: [', 'lab.yaml'), {
    code: 'PULL_CONFIG',
    message: /^lab.yaml: line 2 is not YAML/,
  })
  t.end()
})

t.test('aliases that unfold without end are refused', t => {
  const bomb = [
    'a: &a [x,x,x,x,x,x,x,x,x]',
    ...[...'bcdefgh'].map((name, i) => {
      const of = 'abcdefgh'[i]
      return `${name}: &${name} [${Array.from({ length: 9 }, () => `*${of}`).join(',')}]`
    }),
  ].join('\n')
  t.throws(() => parsePullConfig(bomb, 'lab.yaml'), { code: 'PULL_CONFIG', message: /Excessive alias count/ })
  t.end()
})

t.test('the example settings are fine', t => {
  const config = parsePullConfig(readFileSync('lava/kernelci/lab.yaml', 'utf8'), 'lava/kernelci/lab.yaml')
  t.same(
    config.boards.map(({ platform }) => platform),
    ['sun9i-a80-cubieboard4', 'sun8i-h3-orangepi-pc'],
  )
  t.end()
})
