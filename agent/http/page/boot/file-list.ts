/** The chosen files, each with its role, which the user may change. */

import { formatSize } from '../../../kexec/layout/ranges.js'
import { h } from '../parts/dom.js'
import { type BootFile, ROLES, type Role } from './boot-files.js'

export interface FileListActions {
  setRole(file: BootFile, role: Role): void
  remove(file: BootFile): void
}

/** @param actions null: the files belong to a bundle and stay as they are */
export function fileList(files: readonly BootFile[], actions: FileListActions | null): HTMLElement {
  return h(
    'ul',
    { class: 'files' },
    files.map((file, index) => fileRow(file, `role-${index}`, actions)),
  )
}

function fileRow(file: BootFile, id: string, actions: FileListActions | null): HTMLElement {
  const { name, role, bytes } = file
  const select = h(
    'select',
    { id, disabled: actions === null, onchange: () => actions?.setRole(file, select.value as Role) },
    ROLES.map(one => h('option', { value: one, selected: one === role }, one)),
  )
  return h(
    'li',
    { class: 'file' },
    h('label', { for: id, class: 'name' }, name),
    select,
    h('small', {}, formatSize(bytes.length)),
    actions !== null && removeButton(name, () => actions.remove(file)),
  )
}

export function removeButton(name: string, remove: () => void): HTMLElement {
  return h('button', { type: 'button', 'aria-label': `Remove ${name}`, onclick: remove }, 'Remove')
}
