/**
 * The JSON Schema of an elizaOS action's arguments: as the action declares it, else read from its code.
 *
 * Nearly no action declares parameters. They are the names that its handler takes from its options or from the message's
 * content, and the fields of the answers that it asks a language model for. None of these is required, and other
 * properties are allowed. `text`, the request in plain words, is always there.
 */

import { plain } from './plain.mjs'
import { fieldDescription, requestedFields } from './prompt_fields.mjs'

const TYPES = new Set(['null', 'boolean', 'object', 'array', 'number', 'string', 'integer'])
const PLAIN_KEYS = ['description', 'default', 'minimum', 'maximum', 'minLength', 'maxLength', 'pattern', 'format']
const HOLDER = String.raw`\b_?(?:options|opts|params|parameters|args|actionParams|content)`
const READ = new RegExp(String.raw`${HOLDER}\??\.(?:parameters\??\.)?([a-zA-Z_]\w*)(?!\w|\s*\()`, 'g')
const READ_ITEM = new RegExp(String.raw`${HOLDER}(?:\?\.)?\[["'](\w+)["']\]`, 'g')
const TAKEN_APART = new RegExp(String.raw`(?:const|let|var)\s*\{([^{}]*)\}\s*=\s*[^;\n]*${HOLDER}\b`, 'g')
/** Names of messages, states and results: most code that reads them does not mean an argument. */
const COMMON = new Set([
  'text', 'source', 'content', 'message', 'error', 'success', 'parameters', 'thought', 'actions', 'action', 'values',
  'data', 'state', 'callback', 'actionContext', 'actionPlan', 'onStreamChunk', 'agentName', 'senderName', 'providers',
  'recentMessages', 'attachments', 'inReplyTo', 'channelType', 'length', 'metadata', 'entityId', 'roomId', 'userId',
  'agentId', 'worldId', 'mentionContext', 'evaluators', 'simple', 'thinking', 'prompt', 'response',
])
/** Names that are arguments all the same where a prompt asks for them. */
const ASKED_FOR = new Set(['action', 'content', 'message', 'metadata', 'prompt', 'data'])
const MAX_PROPERTIES = 20
const MAX_SCHEMA_DEPTH = 12
const MIN_PROMPT_LENGTH = 60
const MAX_EXAMPLES = 3
const MAX_EXAMPLE_LENGTH = 120

const TEXT_BESIDE = 'The request in plain words, as a person would say it. Used where the other parameters do not fit.'
const TEXT_ALONE = 'What is wanted, in plain words, as a person would say it to an assistant. The action reads this '
  + 'sentence and nothing else: put into it every detail that it needs, such as names, amounts and addresses.'

/**
 * Return the schema for an action.
 * @param {object} action
 * @param {import('./package_code.mjs').PackageCode} code
 * @returns {object}
 */
export function actionSchema(action, code) {
  const declared = declaredParameters(action.parameters ?? action.inputSchema ?? action.schema)
  const properties = declared?.properties ?? propertiesIn(code.textsOf(action.handler))
  const alone = Object.keys(properties).length === 0
  const text = { type: 'string', description: alone ? TEXT_ALONE + examplesOf(action) : TEXT_BESIDE }
  return {
    type: 'object',
    properties: { text, ...properties },
    ...(declared?.required.length > 0 ? { required: declared.required } : {}),
    additionalProperties: true,
  }
}

// -------------------------------------------------------------------------------------------------- declared ones

/** Return `{properties, required}` of a declaration in one of the forms that there are; null where it is none. */
function declaredParameters(declared) {
  if (declared === null || typeof declared !== 'object') return null
  const found = Array.isArray(declared) ? listed(declared)
    : typeof declared.safeParse === 'function' ? zodObject(declared)
      : declared.properties ? asObject(declared) : mapped(declared)
  return Object.keys(found.properties).length > 0 ? found : null
}

/** elizaOS 2: a list of `{name, description, required, schema}`. */
function listed(parameters) {
  const properties = {}
  const required = []
  for (const parameter of parameters) {
    if (typeof parameter?.name !== 'string') continue
    const { name, description, required: isRequired, schema } = parameter
    const known = cleaned({ ...schema, enum: schema?.enumValues ?? schema?.enum })
    properties[name] = { type: 'string', ...known, description: String(description ?? known.description ?? '') }
    if (isRequired) required.push(name)
  }
  return { properties, required }
}

/** A JSON Schema. */
function asObject(schema) {
  const { properties = {}, required } = cleaned(schema)
  return { properties, required: required ?? [] }
}

/** A map of names to `{type, description, required}`. */
function mapped(parameters) {
  const entries = Object.entries(parameters).filter(([, schema]) => schema !== null && typeof schema === 'object')
  return {
    properties: Object.fromEntries(entries.map(([name, schema]) => [name, cleaned(schema)])),
    required: entries.filter(([, schema]) => schema.required === true).map(([name]) => name),
  }
}

/** A zod object, of which only names, descriptions, simple types and what is optional are read. */
function zodObject(schema) {
  const shape = typeof schema.shape === 'object' && schema.shape !== null ? schema.shape : {}
  const names = Object.keys(shape)
  return {
    properties: Object.fromEntries(names.map((name) => [name, zodProperty(shape[name])])),
    required: names.filter((name) => shape[name].isOptional?.() === false),
  }
}

function zodProperty(schema) {
  let inner = schema
  while (inner?._def?.innerType) inner = inner._def.innerType
  const type = String(inner?._def?.typeName ?? inner?._def?.type ?? '').replace(/^Zod/, '').toLowerCase()
  const choices = inner?._def?.values ?? inner?.options
  return cleaned({ type, description: schema.description, enum: Array.isArray(choices) ? choices : undefined })
}

/** Return what is sound of a stranger's schema: the host refuses a plugin over one that is not. */
function cleaned(schema, depth = 0) {
  if (schema === null || typeof schema !== 'object' || depth > MAX_SCHEMA_DEPTH) return {}
  const found = ownFacts(schema)
  if (schema.items && !Array.isArray(schema.items)) found.items = cleaned(schema.items, depth + 1)
  for (const key of ['anyOf', 'oneOf', 'allOf']) {
    if (Array.isArray(schema[key])) found[key] = schema[key].map((option) => cleaned(option, depth + 1))
  }
  if (schema.properties !== null && typeof schema.properties === 'object') {
    const entries = Object.entries(schema.properties)
    found.properties = Object.fromEntries(entries.map(([name, property]) => [name, cleaned(property, depth + 1)]))
  }
  return found
}

/** Return what a schema says of the value itself, not of those within. */
function ownFacts(schema) {
  const found = {}
  const types = [schema.type].flat().filter((type) => TYPES.has(type))
  if (types.length > 0) found.type = types.length === 1 ? types[0] : types
  for (const key of PLAIN_KEYS) if (isSimple(schema[key])) found[key] = schema[key]
  if (Array.isArray(schema.enum)) found.enum = plain(schema.enum)
  if (Array.isArray(schema.required)) found.required = schema.required.filter((name) => typeof name === 'string')
  return found
}

function isSimple(value) {
  return typeof value === 'string' || typeof value === 'boolean' || Number.isFinite(value)
}

// ---------------------------------------------------------------------------------------------- read from the code

/** Return the properties that code shows: *texts* are the handler's source and what it uses. */
function propertiesIn(texts) {
  const found = {}
  const add = (name, schema) => {
    if (found[name] === undefined && Object.keys(found).length >= MAX_PROPERTIES) return
    found[name] = { ...schema, ...found[name] }
  }
  for (const name of namesRead(texts[0])) if (!COMMON.has(name)) add(name, {})
  for (const prompt of texts.flatMap(promptsIn)) {
    const { form, names } = requestedFields(prompt)
    for (const name of names) {
      if (COMMON.has(name) && !ASKED_FOR.has(name)) continue
      const description = fieldDescription(prompt, name)
      add(name, { ...(form === 'json' ? {} : { type: 'string' }), ...(description ? { description } : {}) })
    }
  }
  return found
}

/** Return the names that a handler takes from its options: `options.limit`, `params["url"]`, `const { a } = options`. */
function namesRead(source) {
  const lists = [...source.matchAll(TAKEN_APART)].flatMap(([, names]) => names.split(','))
  const apart = lists.map((name) => /^\s*(\w+)/.exec(name)?.[1])
  const read = [...source.matchAll(READ), ...source.matchAll(READ_ITEM)].map(([, name]) => name)
  return [...apart, ...read].filter(Boolean)
}

/** Return the template literals and strings in code that ask a model for fields. */
function promptsIn(text) {
  const literals = text.match(/`(?:[^`\\]|\\[\s\S])*`/g) ?? []
  return literals.filter((literal) => literal.length > MIN_PROMPT_LENGTH && requestedFields(literal).form !== 'text')
}

/** Return requests from the action's own examples, for the description of `text`. */
function examplesOf(action) {
  const requests = (Array.isArray(action.examples) ? action.examples : [])
    .map((turns) => (Array.isArray(turns) ? turns[0]?.content?.text : undefined))
    .filter((text) => typeof text === 'string' && text.trim() !== '' && text.length <= MAX_EXAMPLE_LENGTH)
    .map((text) => text.trim().replace(/\{\{\w+\}\}/g, 'NAME'))
  const shown = [...new Set(requests)].slice(0, MAX_EXAMPLES).map((text) => `"${text}"`)
  return shown.length > 0 ? ` For example: ${shown.join('; ')}` : ''
}
