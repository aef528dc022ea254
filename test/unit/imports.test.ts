import { readdirSync, readFileSync } from 'node:fs'
import { dirname, join, relative, resolve } from 'node:path'
import t from 'tap'

/** Which folders and files a folder may import from; `agent/errors.ts` may be imported by all of them. */
const MAY_IMPORT: Readonly<Record<string, readonly string[]>> = {
  'agent/image': [],
  'agent/kexec': ['agent/image', 'native'],
  'agent/transfer': [],
  'agent/boot': ['agent/image', 'agent/kexec', 'agent/transfer'],
  'agent/http': ['agent/boot'],
  'agent/tftp': ['agent/boot', 'agent/image', 'agent/transfer'],
  'agent/uboot': ['agent/boot', 'agent/image', 'agent/kexec', 'agent/transfer'],
  native: [],
  lava: ['agent/image', 'agent/kexec', 'agent/transfer'],
}

/** Types are shared more freely: they are gone at run time. */
const MAY_IMPORT_TYPES: Readonly<Record<string, readonly string[]>> = {
  'agent/http': ['agent/kexec'],
  'agent/tftp': ['agent/kexec'],
  lava: ['agent/boot', 'agent/http'],
}

/**
 * The demo drives a board of `systemd` and so stands above both; the console at a desk runs the agent's U-Boot and
 * pipeline in the lab's process.
 */
const ABOVE_ALL = /^(agent\/main|lava\/(demo|desk\/|commands\/console\.))/

interface Import {
  readonly file: string
  readonly target: string
  readonly typeOnly: boolean
}

function importsOf(file: string): Import[] {
  const text = readFileSync(file, 'utf8')
  const statement = /^\s*(?:import|export)\s+(type\s)?[^'";]*?from\s+'(\.[^']+)'|import\('(\.[^']+)'\)/gm
  return Array.from(text.matchAll(statement), match => ({
    file,
    target: relative('.', resolve(dirname(file), match[2] ?? match[3] ?? '')),
    typeOnly: match[1] !== undefined,
  }))
}

for (const [folder, allowed] of Object.entries(MAY_IMPORT)) {
  t.test(`${folder} imports only what the design lets it`, async t => {
    const files = readdirSync(folder, { recursive: true })
      .map(name => join(folder, String(name)))
      .filter(name => name.endsWith('.ts') && !ABOVE_ALL.test(name))
    t.ok(files.length > 0, 'has files')
    for (const { file, target, typeOnly } of files.flatMap(importsOf)) {
      const homes = [folder, ...allowed, ...(typeOnly ? (MAY_IMPORT_TYPES[folder] ?? []) : [])]
      const fine = target === 'agent/errors.js' || homes.some(home => target === home || target.startsWith(`${home}/`))
      t.ok(fine, `${file} -> ${target}${typeOnly ? ' (types)' : ''}`)
    }
  })
}
