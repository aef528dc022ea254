/** What U-Boot prints of an image: its header, a FIT's tree. Lines end with \n. */

import type { Fit, FitConfiguration, FitImage, FitProof } from '../../image/uboot/fit.js'
import type { UImageFields } from '../../image/uboot/uimage.js'
import { uimageLongName } from '../../image/uboot/uimage-tables.js'
import type { MemoryPart } from '../hardware/boot-target.js'
import { hex8 } from '../lib/numbers.js'
import { sizeText } from '../lib/size-text.js'

const two = (number: number, fill: string) => String(number).padStart(2, fill)

/** `2026-11-23   8:44:44 UTC` of seconds since 1970. */
function timeText(seconds: number): string {
  const date = new Date(seconds * 1000)
  const day = `${date.getUTCFullYear()}-${two(date.getUTCMonth() + 1, '0')}-${two(date.getUTCDate(), '0')}`
  const [minutes, second] = [date.getUTCMinutes(), date.getUTCSeconds()].map(number => two(number, '0'))
  return `${day}  ${two(date.getUTCHours(), ' ')}:${minutes}:${second} UTC`
}

const dataSize = (size: number) => `${size} Bytes = ${sizeText(size)}`

/**
 * The header of a legacy image.
 *
 * @param parts files of a multi-file image or a script, in memory; null for other types
 */
export function legacyLines(header: UImageFields, parts: readonly MemoryPart[] | null): string {
  const { os, arch, type, compression } = header
  const kind = [uimageLongName('arch', arch), uimageLongName('os', os), uimageLongName('type', type)].join(' ')
  const lines = [
    `Image Name:   ${header.name}`,
    `Created:      ${timeText(header.time)}`,
    `Image Type:   ${kind} (${uimageLongName('compression', compression)})`,
    `Data Size:    ${dataSize(header.size)}`,
    `Load Address: ${hex8(header.load)}`,
    `Entry Point:  ${hex8(header.entry)}`,
  ]
  if (parts !== null) lines.push('Contents:')
  for (const [i, { address, size }] of (parts ?? []).entries()) {
    lines.push(`   Image ${i}: ${dataSize(size)}`)
    // Someone may want to run the second file of a script.
    if (type === 'script' && i > 0) lines.push(`    Offset = 0x${hex8(address)}`)
  }
  return lines.map(line => `   ${line}\n`).join('')
}

const FIT_INDENT = '     '
const row = (label: string, value: string) => `${FIT_INDENT}${`${label}:`.padEnd(14)}${value}\n`
const address = (value: number | null) => (value === null ? 'unavailable' : `0x${hex8(value)}`)

function proofLines(proof: FitProof): string {
  const kind = proof.kind === 'hash' ? 'Hash' : 'Sign'
  if (proof.algorithm === null) return row(`${kind} algo`, 'invalid/unsupported')
  const value = proof.value === null ? 'unavailable' : Buffer.from(proof.value).toString('hex')
  const values = row(`${kind} value`, value)
  if (proof.kind === 'hash') return row('Hash algo', proof.algorithm) + values
  const { keyName, required, padding, time } = proof
  const key = keyName === null ? '' : `:${keyName}`
  const algorithm = row('Sign algo', `${proof.algorithm}${key}${required ? ' (required)' : ''}`)
  const padded = padding === null ? '' : `${FIT_INDENT}Sign padding: ${padding}\n`
  const signed = keyName === null ? '' : row('Timestamp', time === null ? 'unavailable' : timeText(time))
  return algorithm + padded + values + signed
}

/** Types that have a line of their own for a property, as U-Boot decides it. */
const SHOWN = {
  arch: ['kernel', 'standalone', 'ramdisk', 'firmware', 'flat_dt'],
  os: ['kernel', 'ramdisk', 'firmware'],
  load: ['kernel', 'standalone', 'firmware', 'ramdisk', 'fpga'],
  entry: ['kernel', 'standalone', 'ramdisk'],
} as const

/**
 * An image of a FIT.
 *
 * @param where address of the FIT
 */
export function fitImageLines(fit: Fit, image: FitImage, where: number): string {
  const { type, data } = image
  const shows = (types: readonly string[]) => type !== null && types.includes(type)
  const load = shows(SHOWN.load) || (type === 'flat_dt' && image.load !== null)
  return [
    row('Description', image.description ?? 'unavailable'),
    row('Created', fit.time === null ? 'unavailable' : timeText(fit.time)),
    row('Type', uimageLongName('type', type)),
    row('Compression', uimageLongName('compression', image.compression ?? 'none')),
    row('Data Start', address(data === null ? null : where + data.offset)),
    row('Data Size', data === null ? 'unavailable' : dataSize(data.size)),
    shows(SHOWN.arch) ? row('Architecture', uimageLongName('arch', image.arch)) : '',
    shows(SHOWN.os) ? row('OS', uimageLongName('os', image.os)) : '',
    load ? row('Load Address', address(image.load)) : '',
    shows(SHOWN.entry) ? row('Entry Point', address(image.entry)) : '',
    ...image.proofs.map(proofLines),
  ].join('')
}

/** Properties of a configuration in the order of U-Boot; lists take a line for each name. */
const CONFIGURED = [
  { name: 'kernel', label: 'Kernel', list: false },
  { name: 'ramdisk', label: 'Init Ramdisk', list: false },
  { name: 'firmware', label: 'Firmware', list: false },
  { name: 'fdt', label: 'FDT', list: true },
  { name: 'fpga', label: 'FPGA', list: false },
  { name: 'loadables', label: 'Loadables', list: true },
] as const

function configurationLines({ description, images, proofs }: FitConfiguration): string {
  const rows = CONFIGURED.flatMap(({ name, label, list }) => {
    const names = images.get(name) ?? (name === 'kernel' ? ['unavailable'] : [])
    const [first, ...more] = list ? names : names.slice(0, 1)
    if (first === undefined) return []
    return [row(label, first), ...more.map(other => `${FIT_INDENT}${' '.repeat(14)}${other}\n`)]
  })
  return [row('Description', description ?? 'unavailable'), ...rows, ...proofs.map(proofLines)].join('')
}

/**
 * All of a FIT.
 *
 * @param where its address
 */
export function fitLines(fit: Fit, where: number): string {
  const { defaultConfiguration } = fit
  return [
    `   FIT description: ${fit.description ?? 'unavailable'}\n`,
    `   Created:         ${fit.time === null ? 'unavailable' : timeText(fit.time)}\n`,
    ...fit.images.map((image, i) => `    Image ${i} (${image.name})\n${fitImageLines(fit, image, where)}`),
    defaultConfiguration === null ? '' : `    Default Configuration: '${defaultConfiguration}'\n`,
    ...fit.configurations.map((conf, i) => `    Configuration ${i} (${conf.name})\n${configurationLines(conf)}`),
  ].join('')
}
