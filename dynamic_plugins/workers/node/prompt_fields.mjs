/**
 * The fields that a plugin's prompt asks a language model for.
 *
 * Plugins ask a model to pick values out of a person's message. A caller that filled in an action's parameters has
 * picked them out already: what its arguments hold is answered without any model.
 */

const XML_RESPONSE = /<response>([\s\S]*?)<\/response>/g
const XML_TAG = /<(\w+)>/g
/** What some plugins of elizaOS 2 ask for: lines of `name: value`, introduced with its name. */
const TOON_EXAMPLE = /\bTOON\b[^\n]*:\n((?:\w+:.*(?:\n|$))+)/
const TOON_KEY = /^(\w+):/gm
const JSON_KEY = /"(\w+)"\s*:/g
const MAX_DESCRIPTION = 200

/**
 * Return how *prompt* wants its answer, and the names of the fields it asks for.
 * @param {string} prompt
 * @returns {{form: 'xml' | 'toon' | 'json' | 'text', names: string[]}}
 */
export function requestedFields(prompt) {
  const examples = [...prompt.matchAll(XML_RESPONSE)]
  if (examples.length > 0) return { form: 'xml', names: namesIn(examples.at(-1)[1], XML_TAG) }
  const toon = TOON_EXAMPLE.exec(prompt)
  if (toon !== null) return { form: 'toon', names: namesIn(toon[1], TOON_KEY) }
  const names = /json/i.test(prompt) ? namesIn(prompt, JSON_KEY) : []
  return names.length > 0 ? { form: 'json', names } : { form: 'text', names }
}

/** Return what a prompt says of one of its fields; empty where it says nothing. */
export function fieldDescription(prompt, name) {
  const spellings = [
    new RegExp(`^\\s*(?:[-*]\\s*)?${name}\\s*:\\s*(.+)$`, 'm'),
    new RegExp(`"${name}"\\s*:\\s*"([^"]+)"`),
    new RegExp(`<${name}>([^<]+)</${name}>`),
  ]
  for (const spelling of spellings) {
    const found = spelling.exec(prompt)
    if (found !== null) return found[1].trim().slice(0, MAX_DESCRIPTION)
  }
  return ''
}

/**
 * Return the answer to *prompt* that *args* hold, in the form it asks for.
 * @param {string} prompt
 * @param {object} args
 * @returns {{text: string, complete: boolean} | null} null where they hold nothing; *complete* where they hold it all
 */
export function answerFromArguments(prompt, args) {
  const { form, names } = requestedFields(prompt)
  const found = {}
  for (const name of names) {
    const value = argument(args, name)
    if (value !== undefined) found[name] = value
  }
  const held = Object.keys(found)
  if (held.length === 0) return null
  const complete = held.length === names.length
  if (form === 'json') return { text: JSON.stringify(found), complete }
  // XML is read by every version of elizaOS, also where a prompt asks for TOON.
  const lines = held.map((name) => `<${name}>${inline(found[name])}</${name}>`)
  return { text: `<response>\n${lines.join('\n')}\n</response>`, complete }
}

/** Return the names of the fields that *prompt* asks for and *args* do not hold. */
export function missingFields(prompt, args) {
  return requestedFields(prompt).names.filter((name) => argument(args, name) === undefined)
}

function namesIn(text, pattern) {
  return [...new Set([...text.matchAll(pattern)].map((found) => found[1]))]
}

/**
 * Return the argument of this name, in whichever spelling it came: `task_name`, `taskName`. `text` is none: it is the
 * person's sentence, and a prompt that asks for a text wants another.
 */
function argument(args, name) {
  if (name === 'text') return undefined
  const snake = name.replace(/(?<=[a-z0-9])([A-Z])/g, '_$1').toLowerCase()
  const camel = snake.replace(/_([a-z0-9])/g, (_, letter) => letter.toUpperCase())
  const spelling = [name, snake, camel].find((key) => Object.hasOwn(args, key))
  return spelling === undefined ? undefined : args[spelling]
}

function inline(value) {
  if (Array.isArray(value)) return value.map(inline).join(', ')
  return value !== null && typeof value === 'object' ? JSON.stringify(value) : String(value)
}
