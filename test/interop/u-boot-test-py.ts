/** U-Boot's own test-suite for boards, test/py: Debian's copy, run by Debian's pytest at a console of ours. */

import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { chmod, mkdir, readFile, writeFile } from 'node:fs/promises'
import { join, resolve } from 'node:path'
import { cached, contentKey } from '../../systemd/cache.js'
import { run } from '../../systemd/run.js'

/** Where the source is from; apt checks its signature. */
const SOURCES =
  'deb-src [signed-by=/usr/share/keyrings/debian-archive-keyring.gpg] http://deb.debian.org/debian trixie main\n'

/** Debian's, whatever other Python is in the path: that one has Debian's pytest. */
const PYTHON = '/usr/bin/python3'

/** Of the source, with what the tests call. */
const UNPACKED = ['*/test/py/*', '*/scripts/env2string.awk'] as const

/** Commands of fauxboot that the tests ask the configuration for. */
const COMMANDS =
  'BDI BOOTMENU CRC32 DHCP ECHO EXPORTENV FDT GPIO IMPORTENV MEMORY MEMTEST MMC NET NVEDIT_INFO NVEDIT_LOAD NVEDIT_SELECT ' +
  'PART PING PINMUX PXE SAVEENV SLEEP SOURCE TFTPBOOT TFTPPUT TIME'

/** What a U-Boot with them would be built with. */
const CONFIG = [
  'CONFIG_SYS_PROMPT="=> "',
  ...['EFI_PARTITION', 'FIT', 'HASH', 'HUSH_PARSER', 'NET', 'PARTITIONS'].map(name => `CONFIG_${name}=y`),
  ...COMMANDS.split(' ').map(name => `CONFIG_CMD_${name}=y`),
  '',
].join('\n')

/** The suite's files for commands that fauxboot has. */
const FILES = [
  ...['000_version', 'bootmenu', 'env', 'gpio', 'help', 'md', 'memtest', 'mmc_rd', 'net', 'net_boot', 'part', 'pinmux'],
  ...['reset', 'saveenv', 'shell_basics', 'sleep', 'unknown_cmd'],
].map(name => `test_${name}.py`)

/** @returns the folder with `test/py`, of the version of Debian 13; cached */
async function uBootSource(): Promise<string> {
  return cached('u-boot-test-py', contentKey([SOURCES, ...UNPACKED]), async dir => {
    const state = join(dir, 'apt')
    for (const folder of ['lists/partial', 'cache/archives/partial']) {
      await mkdir(join(state, folder), { recursive: true })
    }
    await writeFile(join(state, 'sources.list'), SOURCES)
    const settings = {
      'APT::Sandbox::User': 'root',
      'Acquire::Languages': 'none',
      'Acquire::Retries': '3',
      'Dir::Cache': join(state, 'cache'),
      'Dir::Etc::SourceList': join(state, 'sources.list'),
      'Dir::Etc::SourceParts': '/dev/null',
      'Dir::State::Lists': join(state, 'lists'),
    }
    const options = Object.entries(settings).flatMap(([name, value]) => ['-o', `${name}=${value}`])
    const doing = "downloading U-Boot's source"
    await run(doing, ['apt-get', ...options, '--quiet=2', 'update'])
    await run(doing, ['apt-get', ...options, '--quiet=2', 'source', '--download-only', '--tar-only', 'u-boot'], {
      cwd: state,
    })
    const unpack = `tar -x --no-same-owner --strip-components=1 --wildcards -f apt/*.orig.tar.*`
    await run("unpacking U-Boot's tests", ['sh', '-c', `${unpack} "$@" && rm -r apt`, '-', ...UNPACKED], { cwd: dir })
  })
}

/** What became of a test. */
export interface UBootResult {
  readonly name: string
  readonly outcome: 'passed' | 'failed' | 'skipped'
  /** of a failure or of a test that did not run */
  readonly reason: string
}

/** What XML writes otherwise. */
const ENTITIES: Readonly<Record<string, string>> = {
  '&quot;': '"',
  '&lt;': '<',
  '&gt;': '>',
  '&amp;': '&',
  '&#10;': '\n',
}

const plainText = (xml: string): string => xml.replace(/&[^;]*;/g, entity => ENTITIES[entity] ?? entity)

/** Test cases of pytest's JUnit file. */
function resultsOf(junit: string): UBootResult[] {
  const cases = junit.matchAll(/<testcase [^>]*? name="([^"]*)"[^>]*?(?:\/>|>([\s\S]*?)<\/testcase>)/g)
  return [...cases].map(([, name = '', inner = '']) => {
    const [, kind, reason = ''] = /<(skipped|failure|error)[^>]*?message="([^"]*)"/.exec(inner) ?? []
    const outcome = kind === undefined ? 'passed' : kind === 'skipped' ? 'skipped' : 'failed'
    return { name, outcome, reason: plainText(reason) }
  })
}

export interface UBootTestLab {
  /** folder for everything that is written */
  readonly directory: string
  /** shell command that is the console: its standard input and output, a U-Boot from power-on */
  readonly console: string
  /** Python: what this lab has, as U-Boot's tests want to be told it */
  readonly environment: string
}

/**
 * Run the tests. Power is switched by starting the console again.
 *
 * @returns what became of each, and pytest's own words
 * @throws when they could not be run
 */
export async function runUBootTests(lab: UBootTestLab): Promise<{ results: UBootResult[]; output: string }> {
  const source = await uBootSource()
  const build = resolve(lab.directory, 'build')
  const hooks = resolve(lab.directory, 'hooks')
  const environment = resolve(lab.directory, 'environment')
  for (const folder of [join(build, 'include'), hooks, environment]) await mkdir(folder, { recursive: true })
  await writeFile(join(build, '.config'), CONFIG)
  await writeFile(join(build, 'include/autoconf.mk'), '')
  await writeFile(join(environment, 'u_boot_boardenv_fauxboot.py'), lab.environment)
  const commands = { console: `exec ${lab.console}`, flash: 'exit 0', reset: 'exit 0', release: 'exit 0' }
  for (const [name, command] of Object.entries(commands)) {
    const hook = join(hooks, `u-boot-test-${name}`)
    await writeFile(hook, `#!/bin/sh\n${command}\n`)
    await chmod(hook, 0o755)
  }
  const junit = join(build, 'junit.xml')
  const argv = ['-B', 'test/py/test.py', '--bd', 'fauxboot', '--build-dir', build, '-p', 'no:cacheprovider']
  const child = spawn(PYTHON, [...argv, '--tb=short', `--junitxml=${junit}`, '-k', FILES.join(' or ')], {
    cwd: source,
    env: { ...process.env, PATH: `${hooks}:${process.env.PATH ?? ''}`, PYTHONPATH: environment },
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  let output = ''
  for (const stream of [child.stdout, child.stderr]) stream.setEncoding('utf8').on('data', text => (output += text))
  await once(child, 'close')
  const written = await readFile(junit, 'utf8').catch((cause: unknown) => {
    throw new Error(`U-Boot's tests wrote no results:\n${output}`, { cause })
  })
  return { results: resultsOf(written), output }
}
