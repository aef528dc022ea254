/** Asks for the board's token. */

import { h } from './dom.js'

/** Makes a function that asks; who asks while the dialog is open gets the same answer. */
export function createTokenDialog(): (reason: string) => Promise<string | null> {
  const reason = h('p', { id: 'token-reason' })
  const input = h('input', {
    id: 'token',
    type: 'password',
    autocomplete: 'off',
    required: true,
    'aria-describedby': 'token-reason',
  })
  let answer: (token: string | null) => void = () => undefined
  const dialog = h(
    'dialog',
    { 'aria-labelledby': 'token-title', onclose: () => answer(dialog.returnValue === 'token' ? input.value : null) },
    h(
      'form',
      { method: 'dialog' },
      h('h2', { id: 'token-title' }, 'Token'),
      reason,
      h('label', { for: 'token' }, 'Token of this board'),
      input,
      h('p', { class: 'hint' }, 'It stays in this tab, and is forgotten when the tab is closed.'),
      h(
        'div',
        { class: 'actions' },
        h('button', { value: 'token', class: 'primary' }, 'Use this token'),
        h('button', { value: 'cancel', formnovalidate: true }, 'Cancel'),
      ),
    ),
  )
  document.body.append(dialog)
  let open: Promise<string | null> | null = null
  return why => {
    open ??= new Promise<string | null>(resolve => {
      reason.textContent = why
      input.value = ''
      dialog.returnValue = 'cancel'
      answer = resolve
      dialog.showModal()
    }).finally(() => {
      open = null
    })
    return open
  }
}
