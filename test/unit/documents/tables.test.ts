import { existsSync, readdirSync, readFileSync, statSync } from 'node:fs'
import { dirname, join } from 'node:path'
import t from 'tap'
import { parseJobLava } from '../../../agent/boot/requests/lava.js'
import { COMMANDS } from '../../../agent/uboot/command-list.js'
import { TARGET_CHECKS } from '../../../lava/acceptance/target-checks.js'
import { commandNames } from '../../../lava/cli/command-line.js'
import { consoleUrl } from '../../../lava/console/open-console.js'
import { DOCUMENTS, textOf } from './document.js'

/** The cells of the table under a head, row by row. */
function tableOf(file: string, head: string): string[][] {
  const [, rest = ''] = textOf(file).split(`\n${head}\n`)
  const [table = ''] = rest.split('\n\n')
  return table
    .split('\n')
    .slice(1)
    .map(row => row.slice(2, -2).split(' | '))
}

/** What stands between backquotes. */
const codeIn = (text = ''): string[] => [...text.matchAll(/`([^`]+)`/g)].map(([, code = '']) => code)

t.test('README.md lists every command of fauxboot, and no other', async t => {
  const listed = tableOf('README.md', '| command | does | needs |').flatMap(([names]) => codeIn(names))
  t.same(listed.sort(), commandNames().sort())
})

t.test('lava/README.md lists the checks of fauxboot acceptance in their order', async t => {
  const listed = tableOf('lava/README.md', '| check | passes when |').flatMap(([name]) => codeIn(name))
  t.same(listed, ['boot', ...TARGET_CHECKS.map(({ name }) => name)])
})

t.test('a table of rooms lists folders and files that are there', async t => {
  for (const file of DOCUMENTS.filter(file => textOf(file).includes('\n| room | subject |\n'))) {
    const rooms = tableOf(file, '| room | subject |').flatMap(([names]) => codeIn(names))
    t.ok(rooms.length > 3, file)
    for (const room of rooms) t.ok(existsSync(join(dirname(file), room)), `${file}: ${room}`)
  }
})

t.test('lava/README.md and systemd/README.md have each folder beside them in their tables of rooms', async t => {
  for (const folder of ['lava', 'systemd']) {
    const rooms = tableOf(`${folder}/README.md`, '| room | subject |').flatMap(([names]) => codeIn(names))
    const folders = readdirSync(folder).filter(name => statSync(join(folder, name)).isDirectory())
    t.same(
      folders.filter(name => !rooms.includes(`${name}/`)),
      [],
    )
  }
})

t.test('the URLs of consoles in lava/monitor/README.md are read', async t => {
  const [, row = ''] = /^\| consoles \| (.*)$/m.exec(textOf('lava/monitor/README.md')) ?? []
  const urls = codeIn(row)
  t.equal(urls.length, 4)
  for (const url of urls) t.doesNotThrow(() => consoleUrl(url.replace('HOST:PORT', 'server:7001')), url)
})

/** Words of the paragraph about commands that are none, and what they are. */
const NO_COMMANDS: Readonly<Record<string, string>> = {
  fw_printenv: 'a program of Linux',
  fw_setenv: 'a program of Linux',
  start: 'a step of bootm',
  loados: 'a step of bootm',
  ramdisk: 'a step of bootm',
  prep: 'a step of bootm',
  '## fauxboot:': 'the beginning of a line',
}

t.test('the commands that agent/uboot/README.md names are commands of the console', async t => {
  const [, paragraph = ''] = /\n(The shell is hush, [\s\S]*?)\n\n/.exec(textOf('agent/uboot/README.md')) ?? []
  const names = codeIn(paragraph)
  t.ok(names.length > 20)
  for (const name of names) t.ok(name in NO_COMMANDS || COMMANDS.some(command => command.name === name), name)
  for (const name of Object.keys(NO_COMMANDS)) t.ok(names.includes(name), name)
})

/** Example jobs that the agent itself does not read, and why. */
const DISPATCHER_ONLY: Readonly<Record<string, RegExp>> = {
  'dtb-overlay.yaml': /boot\.commands must be ramdisk, found a list/,
  'fit.yaml': /boot\.commands must be ramdisk, found "fit"/,
  'nfs.yaml': /boot\.commands must be ramdisk, found "nfs"/,
  'raw-ramdisk.yaml': /boot\.commands must be ramdisk, found a list/,
}

t.test('the example jobs are read by the agent, or refused with the reason', async t => {
  const folder = 'lava/definitions/jobs'
  for (const name of readdirSync(folder)) {
    const reading = parseJobLava(readFileSync(join(folder, name), 'utf8'), {
      console: 'ttyS0,115200n8',
      kernelArgs: '',
    })
    const reason = DISPATCHER_ONLY[name]
    await (reason === undefined ? t.resolves(reading, name) : t.rejects(reading, { message: reason }, name))
  }
})
