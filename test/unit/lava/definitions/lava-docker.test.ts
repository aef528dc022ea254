import { readFileSync } from 'node:fs'
import t from 'tap'
import { parse } from 'yaml'

interface Entry {
  readonly type: string
  readonly pdu_generic: Readonly<Record<string, string>>
  readonly custom_option: readonly string[]
}

t.test('the entry for lava-docker says what the device dictionary says', async t => {
  const read = (name: string): string => readFileSync(`lava/definitions/${name}`, 'utf8')
  const dictionary = read('devices/cubieboard4.jinja2')
  const statements = Array.from(dictionary.matchAll(/\{% (.*?) %\}/g), ([, statement = '']) => statement)
  const [board] = (parse(read('lava-docker/boards.yaml')) as { readonly boards: readonly Entry[] }).boards
  const said = [
    `extends '${board?.type}.jinja2'`,
    ...Object.entries(board?.pdu_generic ?? {}).map(([name, command]) => `set ${name} = '${command}'`),
    ...(board?.custom_option ?? []),
  ]
  // lavalab-gen.py sets it for the adapter that `uart` names.
  const own = statements.filter(statement => !statement.startsWith('set connection_command'))
  t.same(said.sort(), own.sort())
})
