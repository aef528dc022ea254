/** Tar archives for tests. */

import { pack } from 'tar-stream'

type Header = Parameters<ReturnType<typeof pack>['entry']>[0]
export type Member = Header & { readonly data?: string | Uint8Array }

export async function makeTar(members: readonly Member[]): Promise<Buffer> {
  const archive = pack()
  for (const { data, ...header } of members) archive.entry(header, Buffer.from(data ?? ''))
  archive.finalize()
  const chunks: Uint8Array[] = []
  for await (const chunk of archive) if (chunk instanceof Uint8Array) chunks.push(chunk)
  return Buffer.concat(chunks)
}
