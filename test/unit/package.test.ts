import { execFileSync } from 'node:child_process'
import { existsSync, readFileSync } from 'node:fs'
import { dirname, relative, resolve } from 'node:path'
import t from 'tap'

const ENTRY = 'dist/lava/cli/fauxboot.js'

/** What `npm pack` would put into the package. */
function packed(): readonly string[] {
  const out = execFileSync('npm', ['pack', '--dry-run', '--json', '--ignore-scripts'], {
    encoding: 'utf8',
    stdio: ['ignore', 'pipe', 'ignore'],
    maxBuffer: 64 * 1024 * 1024,
  })
  const [made] = JSON.parse(out) as { files: { path: string }[] }[]
  return made?.files.map(({ path }) => path) ?? []
}

/** The compiled files that the command loads, at once or when a command needs them. */
function loaded(): ReadonlySet<string> {
  const found = new Set<string>()
  const waiting = [resolve(ENTRY)]
  for (let file = waiting.pop(); file !== undefined; file = waiting.pop()) {
    const name = relative('.', file)
    if (found.has(name) || !existsSync(file)) continue
    found.add(name)
    for (const [, target = ''] of readFileSync(file, 'utf8').matchAll(/(?:from|import)\s*\(?['"](\.[^'"]+\.js)['"]/g)) {
      waiting.push(resolve(dirname(file), target))
    }
  }
  return found
}

t.test('the package holds what every command loads, the boards and the units, and nothing for development', async t => {
  const files = packed()
  const needed = [...loaded()]
  t.ok(needed.length > 100, 'the command was followed into its parts')
  t.same(
    needed.filter(file => !files.includes(file)),
    [],
  )
  for (const file of [
    'systemd/boards/cubieboard4.json',
    'systemd/units/fauxboot-agent.service',
    'lava/kernelci/lab.yaml',
  ]) {
    t.ok(files.includes(file), file)
  }
  t.same(
    files.filter(file =>
      /\.map$|(?<!\.d)\.ts$|^test\/|^dist\/test\/|^dist\/lava\/demo\/|^dist\/systemd\/qemu\//.test(file),
    ),
    [],
  )
})
