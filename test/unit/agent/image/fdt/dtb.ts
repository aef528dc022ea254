/** Device trees compiled and decompiled by dtc. */
import { type Fdt, parseFdt } from '../../../../../agent/image/fdt/fdt.js'
import { fileNeeds, peer } from '../../../../peer.js'

fileNeeds('dtc')

/** Compile device tree source (without its `/dts-v1/;`); labels become symbols. */
export function dtbOf(source: string, args: readonly string[] = ['-@']): Uint8Array {
  return new Uint8Array(peer('dtc', ['-q', '-I', 'dts', '-O', 'dtb', ...args], Buffer.from(`/dts-v1/;\n${source}`)))
}

/** Compile an overlay's source. */
export function dtboOf(source: string): Uint8Array {
  return dtbOf(`/plugin/;\n${source}`)
}

/** Compile and parse. */
export function fdtOf(source: string): Fdt {
  return parseFdt(dtbOf(source))
}

/** The sorted source that dtc decompiles from a blob. */
export function sourceOf(dtb: Uint8Array): string {
  return peer('dtc', ['-q', '-s', '-I', 'dtb', '-O', 'dts'], dtb).toString()
}
