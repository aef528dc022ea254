/**
 * Nodes of KernelCI's API, as far as a pull lab reads them. A PUT replaces the whole node, and every field that it leaves
 * out gets the model's default; so the document is kept as it came.
 */

import type { TestOutcome } from '../target-tests/target-test.js'

export type Fields = Readonly<Record<string, unknown>>

/** A node: a job or one of its ancestors. */
export interface KernelciNode {
  readonly id: string
  readonly kind: string
  /** `running`, `available`, `closing`, `done` */
  readonly state: string
  /** `pass`, `fail`, `skip`, `incomplete`; null before the result */
  readonly result: string | null
  readonly parent: string | null
  /** `data.job_id`: who has claimed it */
  readonly claim: string | null
  readonly runtime: string | null
  readonly platform: string | null
  /** URL of the job definition */
  readonly definition: string | null
  readonly document: Fields
}

/** Something that happened to a node. */
export interface NodeEvent {
  /** as the API wrote it: the next poll begins here */
  readonly timestamp: string
  /** null for an event of something that is no node */
  readonly node: KernelciNode | null
}

/** An object's fields; no fields of anything else. */
export const fieldsOf = (value: unknown): Fields =>
  typeof value === 'object' && value !== null && !Array.isArray(value) ? (value as Fields) : {}

const textOf = (value: unknown): string | null => (typeof value === 'string' && value !== '' ? value : null)

/** An id becomes part of a URL and of a file's name. */
const ID = /^[A-Za-z0-9][A-Za-z0-9_-]{0,63}$/

/** @returns null for anything but a node */
export function readNode(value: unknown): KernelciNode | null {
  const document = fieldsOf(value)
  const id = textOf(document.id) ?? textOf(document._id)
  const state = textOf(document.state)
  if (id === null || !ID.test(id) || state === null) return null
  const data = fieldsOf(document.data)
  return {
    id,
    kind: textOf(document.kind) ?? '',
    state,
    result: textOf(document.result),
    parent: textOf(document.parent),
    claim: textOf(data.job_id),
    runtime: textOf(data.runtime),
    platform: textOf(data.platform),
    definition: textOf(fieldsOf(document.artifacts).job_definition),
    document,
  }
}

/** @returns null for anything but a list of events; entries without a timestamp are dropped */
export function readEvents(value: unknown): NodeEvent[] | null {
  if (!Array.isArray(value)) return null
  return value.flatMap(entry => {
    const { timestamp, node } = fieldsOf(entry)
    return typeof timestamp === 'string' && timestamp.length <= 64 ? [{ timestamp, node: readNode(node) }] : []
  })
}

/** Changes to a node; data and artifacts are merged with the present ones. */
export interface NodeChanges {
  readonly state?: string
  readonly result?: string
  readonly data?: Fields
  readonly artifacts?: Readonly<Record<string, string>>
}

/** The fields that change. The API replaces each field that is sent as a whole, so `data` and `artifacts` are merged here. */
export function changedFields({ document }: KernelciNode, { data, artifacts, ...changes }: NodeChanges): Fields {
  return {
    ...changes,
    ...(data && { data: { ...fieldsOf(document.data), ...data } }),
    ...(artifacts && { artifacts: { ...fieldsOf(document.artifacts), ...artifacts } }),
  }
}

/** The whole document of a changed node. */
export function changedDocument(node: KernelciNode, changes: NodeChanges): Fields {
  return { ...node.document, ...changedFields(node, changes) }
}

/** A time as the API writes it: UTC, without a zone. */
export const apiTime = (time: Date): string => time.toISOString().replace('Z', '')

/** Facts about a job that hold for each of its tests. */
const TEST_DATA = [
  ...[
    'platform',
    'runtime',
    'device',
    'arch',
    'kernel_revision',
    'config_full',
    'compiler',
    'defconfig',
    'kernel_type',
  ],
]

/** A test of a job, as a node below it. Without `created`, KernelCI would take the time of the post for that of the test. */
export function childDocument({ id, document }: KernelciNode, test: TestOutcome): Fields {
  const { id: name, result, message, started } = test
  const { data, group, treeid, submitter } = document
  const facts = Object.entries(fieldsOf(data)).filter(([field]) => TEST_DATA.includes(field))
  const path = Array.isArray(document.path) ? document.path : []
  return {
    ...{ kind: 'test', parent: id, name, path: [...path, name], group, treeid, submitter },
    ...(started !== undefined && { created: apiTime(new Date(started)) }),
    state: 'done',
    result,
    data: { ...Object.fromEntries(facts), ...(message !== '' && { error_msg: message }) },
  }
}
