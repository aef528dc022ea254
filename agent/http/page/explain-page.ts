/** The page that explains logs of kexec-tools without a board: one HTML file, for anyone on a mailing list. */

import { createExplainView } from './explain-view.js'
import { h } from './parts/dom.js'

/** `fauxboot explain LOG --html` puts a log here, as JSON. */
const given = document.getElementById('given')?.textContent ?? ''

document.body.append(
  h('header', {}, h('h1', {}, 'fauxboot explain')),
  h(
    'main',
    { id: 'main' },
    h('h2', {}, 'Why is the board silent after kexec?'),
    createExplainView(given === '' ? '' : String(JSON.parse(given))).element,
  ),
)
