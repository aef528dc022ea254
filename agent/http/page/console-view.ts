/** Console: the U-Boot of the board's serial line. It shows what the lab sees there; who has the token may type. */

import { Terminal } from '@xterm/xterm'
import { h } from './parts/dom.js'
import type { App, View } from './parts/view.js'

const RETRY_MS = 2000
const PROTOCOL = 'fauxboot.console'

const THEME = { background: '#10151a', foreground: '#e8edf2', cursor: '#7fc0f2' }

export function createConsoleView({ api }: App): View {
  const screen = h('div', { class: 'screen', role: 'region', 'aria-label': 'Console', tabindex: 0 })
  const state = h('p', { role: 'status' }, 'Connecting to the console.')
  const more = h(
    'p',
    { class: 'hint' },
    'This is the U-Boot of the serial line: what is typed here is typed there. After the jump, the target’s output is on the serial line only: read it with the lab’s console, such as LAVA’s log, or ',
    h('code', {}, 'fauxboot boot --console'),
    '.',
  )
  const terminal = new Terminal({
    cols: 80,
    rows: 24,
    scrollback: 5000,
    cursorBlink: false,
    screenReaderMode: true,
    disableStdin: true,
    theme: THEME,
    fontFamily: 'ui-monospace, "DejaVu Sans Mono", monospace',
    fontSize: 14,
  })
  let socket: WebSocket | null = null
  terminal.onData(text => socket?.send(text))
  terminal.onBinary(text => socket?.send(Uint8Array.from(text, char => char.charCodeAt(0))))

  const connect = (left: AbortSignal): void => {
    const address = `${location.protocol === 'https:' ? 'wss' : 'ws'}://${location.host}/v1/console`
    const opened = new WebSocket(address, [PROTOCOL, ...(api.token === null ? [] : [tokenProtocol(api.token)])])
    opened.binaryType = 'arraybuffer'
    socket = opened
    opened.onmessage = ({ data }: MessageEvent<string | ArrayBuffer>) => {
      if (typeof data !== 'string') return terminal.write(new Uint8Array(data))
      const { typing, reason } = JSON.parse(data) as { readonly typing: boolean; readonly reason: string | null }
      terminal.reset()
      terminal.options.disableStdin = !typing
      state.textContent = typing
        ? 'Connected: what you type goes to the board.'
        : `Connected, for reading only: ${reason}`
    }
    opened.onclose = () => {
      terminal.options.disableStdin = true
      if (left.aborted) return
      state.textContent =
        'There is no console now: the board starts, a target runs on it, or it has no serial line. This page tries again.'
      setTimeout(() => left.aborted || connect(left), RETRY_MS)
    }
    left.addEventListener('abort', () => opened.close(), { once: true })
  }
  // It connects again, with the new token.
  api.onToken(() => socket?.close())
  let isOpen = false
  return {
    title: 'Console',
    element: h('div', {}, state, h('div', { class: 'scroll' }, screen), more),
    enter(_, left) {
      // It measures its font, which takes an element that is shown.
      if (!isOpen) openWithoutInlineStyles(terminal, screen)
      isOpen = true
      connect(left)
    },
  }
}

/** A subprotocol is a token of RFC 9110, so the board's token is encoded. */
function tokenProtocol(token: string): string {
  const text = btoa(String.fromCharCode(...new TextEncoder().encode(token)))
  return `fauxboot.token.${text.replaceAll('+', '-').replaceAll('/', '_').replaceAll('=', '')}`
}

/**
 * Open a terminal. xterm.js styles itself by `style` elements with a text, which the content security policy forbids: it
 * gets elements that keep their text in a style sheet object, which the policy allows. Its option `documentOverride` would
 * do the same if its viewport used it (6.0.0).
 */
function openWithoutInlineStyles(terminal: Terminal, parent: HTMLElement): void {
  const create = document.createElement.bind(document)
  document.createElement = (name: string) => (name === 'style' ? styleElement(create('span')) : create(name))
  try {
    terminal.open(parent)
  } finally {
    Reflect.deleteProperty(document, 'createElement')
  }
}

function styleElement(element: HTMLElement): HTMLElement {
  const sheet = new CSSStyleSheet()
  document.adoptedStyleSheets.push(sheet)
  Object.defineProperty(element, 'textContent', {
    get: () => [...sheet.cssRules].map(({ cssText }) => cssText).join('\n'),
    set: (text: string) => sheet.replaceSync(text),
  })
  return element
}
