/** Who may import whom. CONTRIBUTING.md states the same rules in words. */

import { readdirSync, readFileSync } from 'node:fs'
import { dirname, join, relative, resolve } from 'node:path'
import t from 'tap'

/** Every file may import these. */
const FOUNDATION = ['agent/errors.ts', 'agent/event-loop.ts', 'agent/make-folder.ts']

interface Rule {
  /** other folders that its files may import */
  readonly from: readonly string[]
  /** folders of which it may import types only: they are gone at run time */
  readonly types?: readonly string[]
}

/** The houses of the design. The longest name that fits a file decides. */
const RULES: Readonly<Record<string, Rule>> = {
  native: { from: [] },
  'agent/image': { from: [] },
  'agent/kexec': { from: ['agent/image', 'native'] },
  'agent/transfer': { from: [] },
  'agent/boot': { from: ['agent/image', 'agent/kexec', 'agent/transfer', 'agent/yaml.ts'] },
  'agent/http': { from: ['agent/boot'], types: ['agent/kexec'] },
  // It runs in a browser: it plans and explains with the pure folders, and knows the API by its types.
  'agent/http/page': {
    from: ['agent/image', 'agent/kexec', 'agent/boot/jobs/job.ts', 'lava/explain'],
    types: ['agent/boot'],
  },
  'agent/tftp': { from: ['agent/boot', 'agent/image', 'agent/transfer'], types: ['agent/kexec'] },
  'agent/uboot': { from: ['agent/boot', 'agent/image', 'agent/kexec', 'agent/transfer'] },
  // The bundle is built from the schemas; everything else in it is reached through main.
  'agent/bundle': { from: ['agent/http/schemas'], types: ['agent/main.ts', 'agent/config.ts'] },
  // Settings are the types of the folders that use them.
  'agent/config.ts': { from: [], types: ['agent/boot', 'agent/http', 'agent/tftp', 'agent/uboot'] },
  'agent/errors.ts': { from: [] },
  'agent/event-loop.ts': { from: [] },
  'agent/make-folder.ts': { from: [] },
  'agent/yaml.ts': { from: [] },
  'agent/artifact-memory.ts': { from: ['agent/boot', 'native'] },
  'agent/board-clock.ts': { from: [], types: ['agent/boot'] },
  'agent/board-power.ts': { from: ['native'], types: ['agent/uboot'] },
  'agent/first-request.ts': { from: ['agent/transfer'], types: ['agent/boot'] },
  'agent/native-udp.ts': { from: ['agent/transfer', 'native'] },
  'agent/start-times.ts': { from: [], types: ['agent/boot'] },
  'agent/systemd-notify.ts': { from: ['native'], types: ['agent/boot'] },
  // It wires the agent.
  'agent/main.ts': { from: ['agent', 'native'] },
  'agent/warm-up.ts': { from: ['agent'] },
  lava: {
    from: ['agent/image', 'agent/kexec', 'agent/transfer', 'agent/yaml.ts'],
    types: ['agent/boot', 'agent/http'],
  },
  // These run the fake U-Boot and its pipeline in the lab's own process.
  'lava/simulator': { from: ['agent/boot', 'agent/kexec', 'agent/uboot'] },
  'lava/cli/commands/console.ts': { from: ['agent/kexec', 'agent/transfer', 'agent/uboot'] },
  // It documents the agent's settings.
  'lava/manual': { from: ['agent/config.ts'] },
  // It builds what a board boots from.
  'lava/cli/commands/image.ts': { from: ['systemd'] },
  // It says what is missing for that.
  'lava/doctor': { from: ['systemd/paths.ts'] },
  // It starts an emulated board.
  'lava/demo': { from: ['agent/image', 'agent/kexec', 'agent/transfer', 'systemd'] },
  systemd: { from: ['agent/image', 'lava/console', 'lava/schema'] },
  // It refuses settings that the agent would refuse on the board.
  'systemd/image/image.ts': { from: ['agent/config.ts'] },
  // The package has the manual.
  'systemd/deb': { from: ['lava/manual'] },
}

/** The rooms of a folder, from the ground up: a room imports only rooms before it. `.` stands for the folder's own files. */
const FLOORS: Readonly<Record<string, readonly string[]>> = {
  'agent/image': ['.', 'card', 'compression', 'cpio', 'tar', 'fdt', 'kernel', 'pstore', 'uboot'],
  'agent/kexec': ['layout', 'checks', 'render', 'syscall', '.'],
  'agent/transfer': ['.', 'http', 'tftp', 'tftp/client', 'tftp/server'],
  'agent/boot': ['jobs', 'artifacts', 'board', 'card', 'requests/zip', 'requests', 'last-words', 'pipeline', '.'],
  'agent/http': ['page', 'http-config.ts', 'schemas', 'requests', 'replies', 'routes', '.'],
  'agent/http/page': ['node', 'api', 'parts', 'boot', 'jobs', '.'],
  'agent/uboot': [
    'lib',
    'hardware',
    'env',
    'board',
    'machine',
    'fdt',
    'image',
    'disk',
    'net',
    'hush',
    'console',
    'boot',
    'commands',
    '.',
  ],
  lava: [
    'schema',
    'terminal',
    'client',
    'rootfs',
    'console',
    'target-tests',
    'explain',
    'monitor',
    'results',
    'acceptance',
    'kernelci',
    'simulator',
    'doctor',
    'cli/commands',
    'cli',
    'manual',
    'demo',
  ],
  systemd: ['.', 'boards', 'image', 'qemu', 'target', 'deb'],
}

interface Import {
  readonly file: string
  readonly target: string
  readonly typeOnly: boolean
}

const files = ['agent', 'native', 'lava', 'systemd']
  .flatMap(top => readdirSync(top, { recursive: true }).map(name => join(top, String(name))))
  .filter(name => name.endsWith('.ts') && !name.includes('node_modules'))

const imports = files.flatMap(importsOf)

function importsOf(file: string): Import[] {
  const text = readFileSync(file, 'utf8')
  const statement = /^\s*(?:import|export)\s+(type\s)?[^'";]*?from\s+'(\.[^']+)'|import\('(\.[^']+)'\)/gm
  return Array.from(text.matchAll(statement), match => ({
    file,
    target: relative('.', resolve(dirname(file), match[2] ?? match[3] ?? '')).replace(/\.js$/, '.ts'),
    typeOnly: match[1] !== undefined,
  }))
}

const isIn = (file: string, place: string): boolean => file === place || file.startsWith(`${place}/`)

/** The longest of some places that a file is in. */
function placeOf(file: string, places: readonly string[]): string | undefined {
  return places.filter(place => isIn(file, place)).sort((a, b) => b.length - a.length)[0]
}

t.test('every folder imports only what the design allows', async t => {
  for (const { file, target, typeOnly } of imports) {
    const home = placeOf(file, Object.keys(RULES))
    const rule = home === undefined ? undefined : RULES[home]
    if (home === undefined || rule === undefined) {
      t.fail(`${file} has no rule`)
      continue
    }
    const house = placeOf(file, [
      'agent/image',
      'agent/kexec',
      'agent/transfer',
      'agent/boot',
      'agent/http',
      'agent/http/page',
      'lava',
      'systemd',
    ])
    const allowed = [home, house ?? home, ...FOUNDATION, ...rule.from, ...(typeOnly ? (rule.types ?? []) : [])]
    if (!allowed.some(place => isIn(target, place))) t.fail(`${file} -> ${target}${typeOnly ? ' (types)' : ''}`)
  }
  t.ok(imports.length > files.length, `${imports.length} imports`)
})

for (const [folder, floors] of Object.entries(FLOORS)) {
  t.test(`the rooms of ${folder} import only rooms below them`, async t => {
    const names = floors.filter(name => name !== '.').map(name => `${folder}/${name}`)
    const floorOf = (file: string): number => {
      const room = placeOf(file, names)
      if (room !== undefined) return floors.indexOf(room.slice(folder.length + 1))
      return dirname(file) === folder ? floors.indexOf('.') : -1
    }
    for (const { file, target } of imports) {
      if (!isIn(file, folder) || !isIn(target, folder)) continue
      const [from, to] = [floorOf(file), floorOf(target)]
      if (from === -1) t.fail(`${file} is in no room of ${folder}`)
      if (to > from) t.fail(`${file} -> ${target}`)
    }
    const rooms = new Set(files.filter(file => isIn(file, folder)).map(floorOf))
    t.strictSame(
      [...rooms].sort((a, b) => a - b),
      [...floors.keys()],
      'every room has files',
    )
  })
}

t.test('no file imports itself through others', async t => {
  const targets = new Map<string, string[]>()
  for (const { file, target } of imports) targets.set(file, [...(targets.get(file) ?? []), target])
  const finished = new Set<string>()
  const visit = (file: string, path: readonly string[]): void => {
    if (finished.has(file)) return
    const start = path.indexOf(file)
    if (start !== -1) {
      t.fail([...path.slice(start), file].join(' -> '))
      return
    }
    for (const target of targets.get(file) ?? []) visit(target, [...path, file])
    finished.add(file)
  }
  for (const file of files) visit(file, [])
  t.equal(finished.size, files.length, 'every file was visited')
})
