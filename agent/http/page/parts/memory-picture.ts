/** The picture of memory with its exact ranges: under the mouse, under the focus, and as a table. */

import { formatSize, lengthOf } from '../../../kexec/layout/ranges.js'
import type { Picture } from '../../../kexec/render/picture.js'
import { PICTURE_STYLE, renderPictureSvg } from '../../../kexec/render/picture-svg.js'
import { h, table } from './dom.js'

const HINT = 'Point at a part, or move to it with the Tab key, to see its exact range.'

/** Made from a style sheet object, which the content security policy allows, unlike an inline style. */
const addStyle = once(() => {
  const sheet = new CSSStyleSheet()
  sheet.replaceSync(PICTURE_STYLE)
  document.adoptedStyleSheets.push(sheet)
})

function once(work: () => void): () => void {
  let done = false
  return () => {
    if (!done) work()
    done = true
  }
}

export function memoryPicture(picture: Picture): HTMLElement {
  addStyle()
  const drawn = new DOMParser().parseFromString(renderPictureSvg(picture, { style: false }), 'image/svg+xml')
  const svg = document.importNode(drawn.documentElement, true)
  const readout = h('p', { class: 'readout', 'aria-hidden': 'true' }, HINT)
  const show = ({ target }: Event): void => {
    const item = target instanceof Element ? target.closest('[aria-label]') : null
    readout.textContent = item === null || item === svg ? HINT : item.getAttribute('aria-label')
  }
  svg.addEventListener('pointerover', show)
  svg.addEventListener('focusin', show)
  return h(
    'figure',
    { class: 'memory' },
    h('div', { class: 'scroll', tabindex: 0, role: 'region', 'aria-label': 'Picture of memory' }, svg),
    readout,
    h('details', {}, h('summary', {}, 'The same as a table'), rangeTable(picture)),
  )
}

const address = (value: number): string => `0x${value.toString(16).padStart(8, '0')}`

function rangeTable({ scenes }: Picture): HTMLElement {
  const rows = scenes.flatMap(({ title, items }) =>
    [...items]
      .sort((a, b) => a.range.start - b.range.start)
      .map(({ label, range }) => [
        `${title}: ${label}`,
        h('code', {}, address(range.start)),
        h('code', {}, address(range.end - 1)),
        formatSize(lengthOf(range)),
      ]),
  )
  return table('Ranges of memory', ['What', 'First byte', 'Last byte', 'Size'], rows)
}
