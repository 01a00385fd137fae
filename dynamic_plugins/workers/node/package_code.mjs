/**
 * A plugin's code as text: the functions and prompts that a handler uses, which a running program does not show.
 *
 * A package's files are cut where a definition begins at the start of a line, which is how bundlers write them. Of
 * minified code nothing is found but the handler itself.
 */

import { readdirSync, readFileSync, statSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { sourceOf } from './plain.mjs'

const DEFINITION = /^(?:export )?(?:var|let|const|class|(?:async )?function\*?) +([\w$]+)/gm
const WORD = /[A-Za-z_$][\w$]*/g
const NOT_READ = /^(?:browser|cjs|node_modules|src|types|__tests__)$/
const MAX_BYTES = 4_000_000
const MAX_DEPTH = 3
const MAX_TEXTS = 40

/** Returns the texts that a function is made of; a package's files are read when it is first asked. */
export class PackageCode {
  /**
   * @param {string} folder of the package
   * @param {object} manifest its package.json
   */
  constructor(folder, manifest) {
    this._folder = folder
    this._manifest = manifest
    this._definitions = null
  }

  /**
   * Return the source of *handler* and, after it, of what it uses of its package: helper functions, prompt templates.
   * @param {Function} handler
   * @returns {string[]}
   */
  textsOf(handler) {
    this._definitions ??= definitionsIn(entryFolder(this._folder, this._manifest))
    const texts = [sourceOf(handler)]
    const seen = new Set()
    let reached = 0
    for (let depth = 0; depth < MAX_DEPTH; depth++) {
      const level = texts.slice(reached)
      reached = texts.length
      for (const word of new Set(level.flatMap((text) => text.match(WORD) ?? []))) {
        const text = this._definitions.get(word)
        if (text === undefined || seen.has(word) || texts.length >= MAX_TEXTS) continue
        seen.add(word)
        texts.push(text)
      }
    }
    return texts
  }
}

/** Return the folder of the file that Node imports, as far as a package.json says it plainly. */
function entryFolder(folder, manifest) {
  const main = manifest.exports?.['.'] ?? manifest.exports
  for (const file of [...pathsIn(main), manifest.module, manifest.main, 'index.js']) {
    if (typeof file === 'string' && /\.m?js$/.test(file) && isFile(join(folder, file))) return dirname(join(folder, file))
  }
  return folder
}

function pathsIn(target) {
  if (typeof target === 'string') return [target]
  if (target === null || typeof target !== 'object') return []
  return ['node', 'import', 'default', 'module', 'require'].flatMap((condition) => pathsIn(target[condition]))
}

function isFile(path) {
  return statSync(path, { throwIfNoEntry: false })?.isFile() ?? false
}

/** Return the text of each definition in the JavaScript files of a folder, by its name; the first of a name counts. */
function definitionsIn(folder) {
  const found = new Map()
  let left = MAX_BYTES
  for (const file of scriptsIn(folder)) {
    const text = readFileSync(file, 'utf8')
    if ((left -= text.length) < 0) break
    const begins = [...text.matchAll(DEFINITION)]
    begins.forEach((begin, place) => {
      if (!found.has(begin[1])) found.set(begin[1], text.slice(begin.index, begins[place + 1]?.index))
    })
  }
  return found
}

function scriptsIn(folder) {
  const entries = readdirSync(folder, { withFileTypes: true })
  const files = entries.filter((entry) => entry.isFile() && /\.m?js$/.test(entry.name))
  const folders = entries.filter((entry) => entry.isDirectory() && !NOT_READ.test(entry.name))
  return [
    ...files.map((entry) => join(folder, entry.name)),
    ...folders.flatMap((entry) => scriptsIn(join(folder, entry.name))),
  ]
}
