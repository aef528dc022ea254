import { spawnSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import t from 'tap'
import { settingRows } from '../../../../agent/config.js'
import { commandNames } from '../../../../lava/cli/command-line.js'
import { errorsDocument } from '../../../../lava/manual/errors-document.js'
import { pageOfHelp } from '../../../../lava/manual/help-page.js'
import { manualPages } from '../../../../lava/manual/manual.js'
import { settingsDocument } from '../../../../lava/manual/settings-document.js'
import { needs } from '../../../peer.js'

const pages = await manualPages()
const pageOf = (name: string): string => pages.get(name) ?? ''

t.test('every command has a page, and so has the agent', async t => {
  t.same(
    [...pages.keys()].sort(),
    ['fauxboot-agent.8', 'fauxboot.1', ...commandNames().map(name => `fauxboot-${name}.1`)].sort(),
  )
})

t.test("the agent's page has every setting with its default", async t => {
  for (const { flag, key, fallback } of settingRows()) {
    const page = pageOf('fauxboot-agent.8').replaceAll('\\-', '-')
    t.ok(page.includes(`.B "${flag}, `), key)
    t.ok(page.includes(`default: ${fallback}.`), key)
  }
})

t.test('agent/settings.md is as the table of settings is', async t => {
  t.equal(readFileSync('agent/settings.md', 'utf8'), settingsDocument(), 'npm run build writes it')
})

t.test('agent/errors.md is as the table of errors is', async t => {
  t.equal(readFileSync('agent/errors.md', 'utf8'), errorsDocument(), 'npm run build writes it')
})

t.test('a page has the sections of the help', async t => {
  const help = `Usage: fauxboot wave [options]

wave at a board

Options:
  --json        print JSON
  -h, --help    display
                help

The board waves back:
  .o/

Exit codes, always:
  0  it waved

Examples:
  fauxboot wave | grep 'a\\b'
`
  t.equal(
    pageOfHelp({ name: 'fauxboot-wave', section: 1, version: '1.2.3' }, help),
    String.raw`.TH "FAUXBOOT\-WAVE" 1 "" "fauxboot 1.2.3"
.SH NAME
fauxboot\-wave \- wave at a board
.SH "SYNOPSIS"
.PP
fauxboot wave [options]
.SH "OPTIONS"
.TP
.B "\-\-json"
print JSON
.TP
.B "\-h, \-\-help"
display help
.SH "DESCRIPTION"
.PP
The board waves back:
.PP
.EX
\&.o/
.EE
.SH "EXIT CODES, ALWAYS"
.TP
.B "0"
it waved
.SH "EXAMPLES"
.PP
.EX
fauxboot wave | grep 'a\eb'
.EE
`,
  )
})

t.test('groff finds nothing to complain about', needs('groff'), async t => {
  for (const [name, page] of pages) {
    const { status, stderr } = spawnSync('groff', ['-man', '-Tutf8', '-ww', '-rHY=0', '-rLL=100n'], {
      input: page,
    })
    t.equal(status, 0, name)
    t.equal(stderr.toString(), '', name)
  }
})
