/**
 * A plugin's code as text: the functions and prompts that a handler uses, which a running program does not show.
 *
 * A package's files are cut where a definition begins at the start of a line, which is how bundlers write them. Of
 * minified code nothing is found but the handler itself.
 */

import { readdirSync, readFileSync, statSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { sourceOf } from './plain.mjs'

/** At the start of a line, or behind the comma that follows a template: `…`, otherTemplate = `…`. */
const DEFINITION = /^(?:export )?(?:var|let|const|class|(?:async )?function\*?) +([\w$]+)|(?<=`), ([\w$]+) = (?=`)/gm
/** A name with what stands behind it: a call, or not. */
const WORD = /([A-Za-z_$][\w$]*)(\s*\()?/g
const FUNCTION = /^(?:export )?(?:async )?function|^[^=]*=\s*(?:async\s*)?(?:function\b|\([^)]*\)\s*=>|\w+\s*=>)/
const PROMPT = /`[^`]*(?:<response>|json|TOON)/i
const NOT_READ = /^(?:browser|cjs|node_modules|src|types|__tests__)$/
const MAX_BYTES = 4_000_000
const MAX_DEPTH = 2
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
    for (let depth = 0; depth <= MAX_DEPTH; depth++) {
      const level = texts.slice(reached)
      reached = texts.length
      for (const [name, text] of level.flatMap((source) => this._usedIn(source))) {
        if (!seen.has(name) && texts.length < MAX_TEXTS) texts.push(text)
        seen.add(name)
      }
    }
    return texts
  }

  /** Return the functions that a text calls and the prompts that it names, as `[name, text]`. */
  _usedIn(text) {
    const found = []
    for (const [, name, isCalled] of text.matchAll(WORD)) {
      const definition = this._definitions.get(name)
      if (definition !== undefined && (isCalled ? FUNCTION : PROMPT).test(definition)) found.push([name, definition])
    }
    return found
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
      const name = begin[1] ?? begin[2]
      if (!found.has(name)) found.set(name, text.slice(begin.index, begins[place + 1]?.index))
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
