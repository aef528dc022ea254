/** The agent as a Debian package for any armhf board. */

import { createHash } from 'node:crypto'
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { mkdir, mkdtemp, rename, rm, symlink, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { gzipSync } from 'node:zlib'
import { fault } from '../../agent/errors.js'
import { makeFolder } from '../../agent/make-folder.js'
import { manualPages } from '../../lava/manual/manual.js'
import { FileTree } from '../image/file-tree.js'
import { AGENT_BUNDLE, AGENT_PREBUILDS, PROJECT_DIR, UNITS_DIR } from '../paths.js'
import { run } from '../run.js'
import * as text from './control-files.js'

/** What a Debian lacks; its network, clock and devices are its own. */
const UNITS = [
  'fauxboot-agent.service',
  'fauxboot-set-clock.socket',
  'fauxboot-set-clock@.service',
  'run-fauxboot-artifacts.mount',
  'run-fauxboot-uboot.mount',
]

const DOC = `usr/share/doc/${text.PACKAGE}`

export interface DebOptions {
  /** folder for the package, made when it is not there */
  readonly out: string
  /** `Name <address>` */
  readonly maintainer: string
  /** of the changelog */
  readonly date: Date
}

/**
 * Build the package.
 *
 * @returns its path
 * @throws BUILD_INPUT if the agent has not been built; BUILD_TOOL
 */
export async function buildDeb({ out, maintainer, date }: DebOptions): Promise<string> {
  const { version } = JSON.parse(readFileSync(join(PROJECT_DIR, 'package.json'), 'utf8')) as { version: string }
  const tree = await packageFiles(version, maintainer, date)
  const facts = { version, maintainer, size: tree.size }
  const control = new FileTree()
    .file('control', text.control(facts))
    .file('conffiles', text.CONFFILES)
    .file('triggers', text.TRIGGERS)
    .file('md5sums', md5sums(tree))
    .file('postinst', text.POSTINST, 0o755)
    .file('prerm', text.PRERM, 0o755)
    .file('postrm', text.POSTRM, 0o755)
  const stage = await mkdtemp(join(tmpdir(), 'fauxboot-deb-'))
  try {
    await write(tree, join(stage, 'root'))
    await write(control, join(stage, 'root', 'DEBIAN'))
    await makeFolder(out)
    const name = `${text.PACKAGE}_${version}_armhf.deb`
    const making = join(out, `.${name}.partial`)
    const env = { SOURCE_DATE_EPOCH: String(Math.floor(date.getTime() / 1000)) }
    const command = ['dpkg-deb', '--root-owner-group', '-Zxz', '--build', join(stage, 'root'), making] as const
    await run('building the Debian package', [...command], { env })
    await rename(making, join(out, name))
    return join(out, name)
  } finally {
    await rm(stage, { recursive: true, force: true })
  }
}

async function packageFiles(version: string, maintainer: string, date: Date): Promise<FileTree> {
  const doing = 'building the Debian package'
  for (const path of [AGENT_BUNDLE, AGENT_PREBUILDS]) {
    if (!existsSync(path)) throw fault('BUILD_INPUT', { doing, reason: `${path} is missing; run "npm run build"` })
  }
  const files = new FileTree()
  // A snapshot is larger than all the rest, and goes stale with each update of Node: postinst has Node compile the code instead.
  const bundle = readdirSync(dirname(AGENT_BUNDLE)).filter(name => !name.endsWith('.snapshot.cjs'))
  for (const name of bundle.sort()) files.copy(dirname(AGENT_BUNDLE), name, `usr/lib/fauxboot/${name}`)
  files
    .copy(AGENT_PREBUILDS, '', 'usr/lib/fauxboot/prebuilds/linux-arm')
    .file('usr/sbin/fauxboot-agent', text.COMMAND, 0o755)
    .file(text.CONF_FILE.slice(1), text.CONF)
    .file(`${DOC}/copyright`, text.copyright(readFileSync(join(PROJECT_DIR, 'LICENSE'), 'utf8')))
    .file(`${DOC}/README.Debian`, text.README_DEBIAN)
    .file(`${DOC}/changelog.gz`, zipped(text.changelog({ version, maintainer }, date)))
  for (const unit of UNITS) files.copy(UNITS_DIR, unit, `usr/lib/systemd/system/${unit}`)
  for (const [name, page] of await manualPages()) {
    if (name.endsWith('.8')) files.file(`usr/share/man/man8/${name}.gz`, zipped(page))
  }
  return files
}

/** As `gzip -9n`: no name and no time. */
const zipped = (content: string): Buffer => gzipSync(content, { level: 9 })

function md5sums(tree: FileTree): string {
  const sums = tree
    .entries()
    .filter(({ name, data }) => data !== undefined && !name.startsWith('etc/'))
    .map(
      ({ name, data }) =>
        `${createHash('md5')
          .update(data ?? '')
          .digest('hex')}  ${name}\n`,
    )
  return sums.join('')
}

const TYPE = 0o170000
const DIRECTORY = 0o040000
const SYMLINK = 0o120000

async function write(tree: FileTree, folder: string): Promise<void> {
  await mkdir(folder, { recursive: true })
  for (const { name, mode, data = new Uint8Array() } of tree.entries()) {
    const path = join(folder, name)
    if ((mode & TYPE) === DIRECTORY) await mkdir(path, { recursive: true, mode: mode & 0o777 })
    else if ((mode & TYPE) === SYMLINK) await symlink(Buffer.from(data).toString(), path)
    else await writeFile(path, data, { mode: mode & 0o777 })
  }
}
